import {
  maxRowBytes,
  type DomainConfig,
  type DomainRow,
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
export type Speaker = { host: HostId; epoch: Epoch; seq: number; lastEvent: Position | null };

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
    ...(by.lastEvent === null ? {} : { lastEvent: by.lastEvent }),
    ...(config === undefined ? {} : { config }),
  });
}

export function tombstoneRow(
  uuid: string,
  name: string,
  by: Speaker,
  reason: Tombstone['tombstone']['reason'],
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
    ...(by.lastEvent === null ? {} : { lastEvent: by.lastEvent }),
    tombstone: { reason, at: new Date(atMs).toISOString() },
  };
}

/** The parts that a row can do without, the largest usually first. */
const expendable = ['description', 'disks', 'interfaces', 'title'] as const;

/** A row above the bound goes without its largest parts, and says which (bus rule 10). */
function fitRow(row: Presence): Presence {
  let fitting = row;
  for (const part of expendable) {
    if (rowBytes(fitting) <= maxRowBytes || fitting.config === undefined) return fitting;
    const { [part]: _cut, ...kept } = fitting.config;
    fitting = {
      ...fitting,
      config: {
        ...kept,
        disks: part === 'disks' ? [] : fitting.config.disks,
        interfaces: part === 'interfaces' ? [] : fitting.config.interfaces,
        omitted: [...(fitting.config.omitted ?? []), part],
      },
    };
  }
  return fitting;
}

function rowBytes(row: DomainRow): number {
  return new TextEncoder().encode(JSON.stringify(row)).length;
}
