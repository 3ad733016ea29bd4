import type { Settling } from './base.ts';
import {
  maxRowBytes,
  type DomainConfig,
  type Epoch,
  type HostId,
  type Position,
  type Presence,
  type Tombstone,
} from '@virtscope/contracts';

/** What is known of a domain that is there. */
export type Truth = {
  name: string;
  id: number | null;
  state: string;
  stateReason: string;
  stateFrom: 'read' | 'event';
  stateObservedMs: number;
  persistent: boolean | null;
  autostart: boolean | null;
  managedSave: boolean | null;
  config: DomainConfig | undefined;
};

/** Who says it: the session, and how far its feed had come. */
export type Speaker = {
  host: HostId;
  epoch: Epoch;
  seq: number;
  lastEvent: Position | null;
  settling?: Settling | undefined;
};

export function presenceRow(uuid: string, truth: Truth, by: Speaker): Presence {
  const { config, stateObservedMs, ...rest } = truth;
  return fitRow({
    v: 1,
    type: 'domain',
    host: by.host,
    uuid,
    epoch: by.epoch,
    seq: by.seq,
    ...rest,
    stateObservedAt: new Date(stateObservedMs).toISOString(),
    ...told(by),
    ...(config === undefined ? {} : { config }),
  });
}

export function tombstoneRow(
  uuid: string,
  name: string,
  by: Speaker,
  ended: Pick<Tombstone['tombstone'], 'reason' | 'departure'>,
  atMs: number,
): Tombstone {
  return {
    v: 1,
    type: 'domain',
    host: by.host,
    uuid,
    epoch: by.epoch,
    seq: by.seq,
    name,
    ...told(by),
    tombstone: { ...ended, at: new Date(atMs).toISOString() },
  };
}

/** What was told of the domain, and what is still to be. */
function told({ lastEvent, settling }: Speaker): Pick<Presence, 'lastEvent' | 'settling'> {
  return {
    ...(lastEvent === null ? {} : { lastEvent }),
    ...(settling && {
      settling: { before: settling.before, at: new Date(settling.atWallMs).toISOString() },
    }),
  };
}

/** The parts that a row can do without, the one that is missed least first. */
const expendable = [
  'metadata',
  'description',
  'cpu',
  'placement',
  'channels',
  'firmware',
  'graphics',
  'tpms',
  'title',
  'hostDevices',
  'labels',
  'interfaces',
  'disks',
] as const;

/**
 * A row above the bound goes without parts, and says which (bus rule 10). As few as can be: one
 * that suffices by itself, of these the one that is missed least; else the largest, and again.
 */
function fitRow(row: Presence): Presence {
  let { config } = row;
  let excess = bytesOf(row) - maxRowBytes;
  while (excess > 0 && config !== undefined) {
    const part = partToCut(config, excess);
    if (part === undefined) break;
    config = without(config, part);
    excess = bytesOf({ ...row, config }) - maxRowBytes;
  }
  return config === row.config ? row : { ...row, ...(config && { config }) };
}

type Part = (typeof expendable)[number];

/** Undefined when nothing is left to cut. */
function partToCut(config: DomainConfig, excess: number): Part | undefined {
  const sizes = expendable
    .map((part) => ({ part, bytes: bytesOf(config[part]) }))
    // An empty list stays in the row.
    .filter(({ bytes }) => bytes > bytesOf([]));
  // Its name moves to `omitted`, which takes about as much as it gave.
  const enough = sizes.find(({ bytes }) => bytes > excess + cutCostBytes);
  return (enough ?? sizes.toSorted((a, b) => b.bytes - a.bytes)[0])?.part;
}

/** What naming a part in `omitted` takes at most. */
const cutCostBytes = 64;

function without(config: DomainConfig, part: Part): DomainConfig {
  const { [part]: _cut, ...kept } = config;
  return {
    ...kept,
    disks: part === 'disks' ? [] : config.disks,
    interfaces: part === 'interfaces' ? [] : config.interfaces,
    omitted: [...new Set([...(config.omitted ?? []), part])],
  };
}

function bytesOf(value: unknown): number {
  return value === undefined ? 0 : new TextEncoder().encode(JSON.stringify(value)).length;
}
