import type {
  Position,
  ThingConfig,
  ThingId,
  ThingPresence,
  ThingRow,
  ThingTombstone,
} from '@virtscope/contracts';
import type { Speaker } from '../row.ts';
import type { ThingStanding } from './standing.ts';

/** What is known of a thing that is there. */
export type ThingTruth = ThingStanding & {
  autostart: boolean | null;
  stateFrom: 'read' | 'event';
  stateObservedMs: number;
  config: ThingConfig | undefined;
};

export function thingPresenceRow(thing: ThingId, truth: ThingTruth, by: Speaker): ThingPresence {
  const { name, config, stateObservedMs, ...standing } = truth;
  return {
    ...writtenBy(thing, name, by),
    ...standing,
    stateObservedAt: new Date(stateObservedMs).toISOString(),
    ...(config === undefined ? {} : { config }),
  };
}

export function thingTombstoneRow(
  thing: ThingId,
  name: string,
  by: Speaker,
  reason: ThingTombstone['tombstone']['reason'],
  atMs: number,
): ThingTombstone {
  return {
    ...writtenBy(thing, name, by),
    tombstone: { reason, at: new Date(atMs).toISOString() },
  };
}

function writtenBy(
  { type, id }: ThingId,
  name: string,
  { host, epoch, seq, lastEvent }: Speaker,
): {
  v: 1;
  type: ThingRow['type'];
  id: string;
  host: string;
  uuid?: string;
  epoch: number;
  seq: number;
  name: string;
  lastEvent?: Position;
} {
  return {
    v: 1,
    type,
    id,
    host,
    ...(type === 'nodedev' ? {} : { uuid: id }),
    epoch,
    seq,
    name,
    ...(lastEvent === null ? {} : { lastEvent }),
  };
}

export function thingTruthOf(row: ThingPresence): ThingTruth {
  const { name, active, persistent, autostart, stateFrom, stateObservedAt, config } = row;
  return {
    name,
    active,
    persistent,
    autostart,
    stateFrom,
    stateObservedMs: Date.parse(stateObservedAt),
    config,
  };
}
