export { domainBases, highestEpoch, told, type BusBase, type Stored } from './base.ts';
export type { OtherEvent } from './event-payload.ts';
export type {
  ConfigOutcome,
  FeedEffect,
  FeedInput,
  Identity,
  ListedDomain,
  ListedThing,
  Now,
  ReadOutcome,
  ReadReason,
  RowKey,
  SampledState,
  ThingReadOutcome,
  ThingsOutcome,
} from './feed-io.ts';
export type { FeedOptions, HostFacts, HostFeed } from './feed-state.ts';
export { fleetBase, type FleetBase } from './fleet-watch/fleet-base.ts';
export type { FleetEffect, FleetHost, FleetInput } from './fleet-watch/fleet-io.ts';
export { FleetWatch } from './fleet-watch/fleet-watch.ts';
export { openFeed, pulse, step } from './host-feed.ts';
export { isActive, netEffects, type NetEffect, type Standing } from './net-effects.ts';
export { presenceRow, tombstoneRow, type Speaker, type Truth } from './row.ts';
export { thingTombstoneRow } from './things/row.ts';
export type { ThingSource } from './things/state.ts';
export { parseThingXml } from './things/xml.ts';
