/** Messages as the writers send them, for tests. */
import {
  appliedKey,
  subjects,
  type DomainConfig,
  type Heartbeat,
  type HostEntry,
  type HostPulse,
  type HostRecord,
  type Presence,
  type StatsPage,
  type Tombstone,
} from '@virtscope/contracts';
import { inventoryDigest } from './wanted-hosts.ts';
import { View, type Moment } from './view.ts';

export const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

export const uuidOf = (n: number): string =>
  `00000000-0000-0000-0000-${n.toString(16).padStart(12, '0')}`;

export const at = (monotonicMs: number): Moment => ({
  monotonicMs,
  wallMs: Date.UTC(2026, 0, 1) + monotonicMs,
});

export function config(more: Partial<DomainConfig> = {}): DomainConfig {
  return {
    observedAt: '2026-01-01T00:00:00.000Z',
    xmlHash: 'f00d',
    virtType: 'kvm',
    arch: 'x86_64',
    machine: 'pc-q35-7.2',
    emulator: '/usr/bin/qemu-system-x86_64',
    vcpusCurrent: 4,
    vcpusMaximum: 8,
    memoryCurrentKiB: 4_194_304,
    memoryMaximumKiB: 4_194_304,
    disks: [
      {
        target: 'vda',
        bus: 'virtio',
        device: 'disk',
        type: 'file',
        source: '/images/1.qcow2',
        format: 'qcow2',
      },
    ],
    interfaces: [{ type: 'network', mac: '52:54:00:00:00:01', source: 'default', model: 'virtio' }],
    ...more,
  };
}

export function presence(host: string, n: number, more: Partial<Presence> = {}): Presence {
  return {
    v: 1,
    type: 'domain',
    host,
    uuid: uuidOf(n),
    epoch: 10,
    seq: 1,
    name: `vm-${n}`,
    id: n,
    state: 'running',
    stateReason: 'booted',
    stateFrom: 'read',
    stateObservedAt: '2026-01-01T00:00:00.000Z',
    persistent: true,
    autostart: false,
    managedSave: false,
    ...more,
  };
}

export function tombstone(host: string, n: number, more: Partial<Tombstone> = {}): Tombstone {
  return {
    v: 1,
    type: 'domain',
    host,
    uuid: uuidOf(n),
    epoch: 10,
    seq: 2,
    name: `vm-${n}`,
    tombstone: { reason: 'gone', at: '2026-01-01T00:00:00.000Z' },
    ...more,
  };
}

export function record(host: string, more: Partial<HostRecord> = {}): HostRecord {
  return {
    v: 1,
    type: 'host',
    host,
    epoch: 10,
    sync: 'synced',
    changedAt: '2026-01-01T00:00:00.000Z',
    ...more,
  };
}

export function entry(id: string, more: Partial<HostEntry> = {}): HostEntry {
  return { v: 1, id, source: 'file', profile: 'local', labels: {}, ...more };
}

export function beat(hosts: Record<string, Partial<HostPulse>>): Heartbeat {
  const pulse: HostPulse = { epoch: 10, link: 'synced', verifiedAgeMs: 100, seq: 5, upTo: 1 };
  return {
    v: 1,
    role: 'event-bridge',
    replica: 'one',
    beat: 1,
    hosts: Object.fromEntries(
      Object.entries(hosts).map(([host, more]) => [host, { ...pulse, ...more }]),
    ),
  };
}

export function page(host: string, more: Partial<StatsPage> = {}): StatsPage {
  return {
    v: 1,
    host,
    tier: 'fast',
    epoch: 3,
    sampleId: 1,
    page: 0,
    pages: 1,
    startedAt: '2026-01-01T00:00:00.000Z',
    ageMs: 10,
    intervalMs: 2_000,
    groups: { state: 'complete' },
    uuids: [uuidOf(1)],
    ids: [1],
    columns: { 'state.state': [1] },
    ...more,
  };
}

export const subjectOf = (body: Presence | Tombstone | HostRecord): string =>
  body.type === 'host'
    ? subjects.hostRecord(body.host)
    : subjects.state(body.host, 'domain', body.uuid);

/** A view and the writers that feed it; stream sequences count by themselves. */
export class World {
  readonly view = new View();
  seq = 0;
  #hostsSeq = 0;

  /** Opened, caught up on an empty stream, connected, with an inventory of these hosts. */
  static ready(...hosts: string[]): World {
    const world = new World();
    world.view.connection(true);
    world.view.stateOpened({ createdMs: 1_000, timeline: 0 }, 'the view is being filled');
    world.view.stateCaughtUp(0, 0);
    world.view.hostsOpened();
    world.apply(...hosts.map((id) => entry(id)));
    world.view.hostsCaughtUp(0);
    return world;
  }

  /** One apply of the inventory, its mark last. */
  apply(...entries: HostEntry[]): void {
    for (const each of entries) this.bucket(each.id, each);
    this.mark(entries);
  }

  mark(entries: HostEntry[], source = 'file'): void {
    const digest = inventoryDigest(entries);
    this.bucket(appliedKey(source), { v: 1, source, count: entries.length, digest });
  }

  bucket(key: string, value: unknown, nowMs = 0): ReturnType<View['hostsMessage']> {
    const data = value === null ? null : bytes(value);
    const subject = `$KV.virt_hosts.${key}`;
    return this.view.hostsMessage({ seq: ++this.#hostsSeq, subject, key, data }, nowMs);
  }

  state(...bodies: (Presence | Tombstone | HostRecord)[]): string[] {
    return bodies.map((body) => this.raw(subjectOf(body), body).outcome);
  }

  /** One message, heard at `nowMs`. */
  stateAt(nowMs: number, body: Presence | Tombstone | HostRecord): string {
    return this.raw(subjectOf(body), body, nowMs).outcome;
  }

  raw(subject: string, body: unknown, nowMs = 0): ReturnType<View['stateMessage']> {
    return this.view.stateMessage(++this.seq, subject, bytes(body), nowMs);
  }

  /** A round trip and then a beat that says all these hosts are well, at `nowMs`. */
  beat(nowMs: number, hosts: Record<string, Partial<HostPulse>>): void {
    this.view.roundTripEnded({ startedMs: nowMs, endedMs: nowMs });
    this.view.heartbeat('virt.v1.heartbeat.event-bridge.one', bytes(beat(hosts)));
  }
}
