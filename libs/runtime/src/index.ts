export type { NatsConnection } from '@nats-io/nats-core';
export { systemClock, type Clock } from './clock.ts';
export { EnvError, parseVariables, readEnv, type Listen, type ServiceEnv } from './env.ts';
export { Health } from './health.ts';
export { parseJson } from './json.ts';
export { createLogger, type Logger } from './log.ts';
export { Mailbox } from './mailbox.ts';
export { Metrics, latencyBucketsSeconds, type LibvirtCall } from './metrics.ts';
export { bucketStream, ensureBus, waitForBus } from './nats/bus.ts';
export { CapsClient, type CapsAnswer, type CapsClientAnswer } from './nats/caps-client.ts';
export { connectNats } from './nats/connect.ts';
export { currentEpoch, isLostRace, takeEpoch } from './nats/epochs.ts';
export { EventPublisher, maxUnackedEvents } from './nats/event-publisher.ts';
export { hearHeartbeats } from './nats/heartbeat-feed.ts';
export {
  followEpochs,
  followHosts,
  type BucketEntry,
  type BucketFeedEvent,
} from './nats/hosts-feed.ts';
export { Heart, maxSilenceMs, type HeartOptions } from './nats/heart.ts';
export { RemovalRefusedError, applyInventory } from './nats/inventory-bucket.ts';
export { LinkStatus } from './nats/link-status.ts';
export {
  readEvents,
  type EventPage,
  type EventsWanted,
  type StoredEvent,
} from './nats/read-events.ts';
export { readSubjects, type LastMessage } from './nats/read-subjects.ts';
export { makeRoundTrips, roundTripPeriodMs, type RoundTripTimes } from './nats/round-trip.ts';
export {
  maxServiceRequests,
  NatsService,
  type ServiceDescription,
  type ServiceEndpoint,
  type ServiceFault,
  type ServiceReply,
} from './nats/service.ts';
export { followState, readStateOfHost } from './nats/state-feed.ts';
export { followStats } from './nats/stats-feed.ts';
export { type FeedHands, type StreamFeedEvent } from './nats/stream-feed.ts';
export {
  StateWriter,
  StreamFullError,
  readLast,
  type StateWrite,
  type StateWriteResult,
} from './nats/state-writer.ts';
export { raiseTimeline, readBusIdentity, timelineOf, type BusIdentity } from './nats/timeline.ts';
export { XmlStore, readXml } from './nats/xml-store.ts';
export { maxRedisCommands, RedisCache, RedisError } from './redis.ts';
export { Semaphore } from './semaphore.ts';
export { runService, type Hands } from './service.ts';
export { watchYamlFile } from './watch-file.ts';
export { YamlFileError, readYamlFile, type YamlFile, type YamlPath } from './yaml-file.ts';
