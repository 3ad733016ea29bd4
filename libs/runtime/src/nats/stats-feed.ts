import type { NatsConnection } from '@nats-io/nats-core';
import { statsStream, subjects } from '@virtscope/contracts';
import { followStream, type FeedHands, type StreamFeedEvent } from './stream-feed.ts';

const checkMs = 5_000;

/** Follows VIRT_STATS: the last page of every host and tier. */
export function followStats(
  nc: NatsConnection,
  hands: FeedHands,
  on: (event: StreamFeedEvent) => void,
): Promise<void> {
  const { name: stream } = statsStream;
  return followStream(nc, { ...hands, stream, filter: subjects.statsOfAll, checkMs }, on);
}
