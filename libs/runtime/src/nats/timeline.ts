import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import {
  buckets,
  stateStream,
  eventsStream,
  timelineEntrySchema,
  timelineKey,
} from '@virtscope/contracts';
import type { Clock } from '../clock.ts';
import { parseJson } from '../json.ts';
import { openBucket } from './open-bucket.ts';

/** What tells that the streams are still the ones that a writer knew. */
export type BusIdentity = { stateCreated: string; eventsCreated: string; lastStateSeq: number };

export async function readBusIdentity(nc: NatsConnection): Promise<BusIdentity> {
  const jsm = await jetstreamManager(nc);
  const [state, events] = await Promise.all([
    jsm.streams.info(stateStream.name),
    jsm.streams.info(eventsStream.name),
  ]);
  return {
    stateCreated: state.created,
    eventsCreated: events.created,
    lastStateSeq: state.state.last_seq,
  };
}

/**
 * Raises the timeline: max(stored, the wall clock's seconds) + 1 (bus rule 4). Readers that see it
 * move replay from the start, and revisions of before are foreign.
 */
export async function raiseTimeline(nc: NatsConnection, clock: Clock): Promise<number> {
  const kv = await openBucket(nc, buckets.epochs);
  const entry = await kv.get(timelineKey);
  const stored = entry === null ? 0 : timelineOf(entry.value);
  const timeline = Math.max(stored, Math.floor(clock.wallMs() / 1000)) + 1;
  await kv.put(timelineKey, JSON.stringify({ v: 1, timeline }));
  return timeline;
}

/** A value that is no entry of ours counts as none. */
export function timelineOf(value: Uint8Array): number {
  const entry = timelineEntrySchema.safeParse(parseJson(value));
  return entry.success ? entry.data.timeline : 0;
}
