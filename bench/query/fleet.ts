/** A fleet as its writers tell it: rows of 1.75 kB, and stats of both tiers. */
import {
  appliedKey,
  subjects,
  type Heartbeat,
  type HostEntry,
  type HostRecord,
  type Presence,
  type StatsPage,
} from '@virtscope/contracts';
import { inventoryDigest } from '@virtscope/view';

export const rowBytes = 1_750;
const observedAt = '2026-01-01T00:00:00.000Z';

export type Fleet = { hosts: number; domains: number };

export const hostOf = (fleet: Fleet, n: number): string => `hv${n % fleet.hosts}`;
export const uuidOf = (n: number): string =>
  `5f3a1c00-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;

export const bytesOf = (value: unknown): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(value));

/** One in twenty is paused. */
export function presence(fleet: Fleet, n: number, more: Partial<Presence> = {}): Presence {
  const hex = n.toString(16).padStart(6, '0');
  const mac = (nic: number): string =>
    `52:54:0${nic}:${hex.slice(0, 2)}:${hex.slice(2, 4)}:${hex.slice(4)}`;
  const row: Presence = {
    v: 1,
    type: 'domain',
    host: hostOf(fleet, n),
    uuid: uuidOf(n),
    epoch: 10,
    seq: 1,
    name: `instance-${hex}`,
    id: 1 + Math.floor(n / fleet.hosts),
    state: n % 20 === 0 ? 'paused' : 'running',
    stateReason: 'booted',
    stateFrom: 'read',
    stateObservedAt: observedAt,
    persistent: true,
    autostart: false,
    managedSave: false,
    config: {
      observedAt,
      xmlHash: hex.repeat(11).slice(0, 64),
      title: `web server ${n}`,
      description: '',
      virtType: 'kvm',
      arch: 'x86_64',
      machine: 'pc-q35-7.2',
      emulator: '/usr/bin/qemu-system-x86_64',
      vcpusCurrent: 1 + (n % 8),
      vcpusMaximum: 8,
      memoryCurrentKiB: 1_048_576 * (1 + (n % 16)),
      memoryMaximumKiB: 16_777_216,
      disks: ['vda', 'vdb'].map((target) => ({
        target,
        bus: 'virtio',
        device: 'disk',
        type: 'file',
        source: `/var/lib/images/${uuidOf(n)}/${target}.qcow2`,
        format: 'qcow2',
      })),
      interfaces: [0, 1].map((nic) => ({
        type: 'bridge',
        mac: mac(nic),
        source: `br${nic}`,
        model: 'virtio',
        target: `vnet${nic}`,
      })),
    },
    ...more,
  };
  const missing = rowBytes - JSON.stringify(row).length;
  if (row.config !== undefined) row.config.description = 'x'.repeat(Math.max(0, missing));
  return row;
}

export const record = (host: string): HostRecord => ({
  v: 1,
  type: 'host',
  host,
  epoch: 10,
  sync: 'synced',
  driver: 'QEMU',
  changedAt: observedAt,
});

export const inventory = ({ hosts }: Fleet): HostEntry[] =>
  Array.from({ length: hosts }, (_, i) => ({
    v: 1,
    id: `hv${i}`,
    source: 'file',
    profile: 'local',
    labels: { zone: `z${i % 5}` },
  }));

export function mark(entries: readonly HostEntry[]): { key: string; value: object } {
  const source = 'file';
  const value = { v: 1, source, count: entries.length, digest: inventoryDigest(entries) };
  return { key: appliedKey(source), value };
}

export const beat = ({ hosts }: Fleet, upTo: number): Heartbeat => ({
  v: 1,
  role: 'event-bridge',
  replica: 'bench',
  beat: 1,
  hosts: Object.fromEntries(
    Array.from({ length: hosts }, (_, i) => [
      `hv${i}`,
      { epoch: 10, link: 'synced' as const, verifiedAgeMs: 100, seq: 1, upTo },
    ]),
  ),
});

const fields = {
  fast: [
    'state.state',
    'state.reason',
    'net.0.rx.bytes',
    'net.0.tx.bytes',
    'net.1.rx.bytes',
    'net.1.tx.bytes',
  ],
  monitor: [
    'cpu.time',
    'cpu.user',
    'cpu.system',
    'balloon.current',
    'balloon.maximum',
    'balloon.rss',
    'block.0.rd.bytes',
    'block.0.wr.bytes',
    'block.0.rd.reqs',
    'block.0.wr.reqs',
    'block.1.rd.bytes',
    'block.1.wr.bytes',
  ],
} as const;

export function page(
  fleet: Fleet,
  host: number,
  tier: 'fast' | 'monitor',
  sampleId: number,
): StatsPage {
  const numbers = Array.from(
    { length: Math.ceil((fleet.domains - host) / fleet.hosts) },
    (_, i) => host + i * fleet.hosts,
  );
  const columns = fields[tier].map((name, column) => [
    name,
    numbers.map((n) => ((n * 7_919 + column * 104_729 + sampleId * 31) % 1_000_003) * 1_000),
  ]);
  return {
    v: 1,
    host: `hv${host}`,
    tier,
    epoch: 3,
    sampleId,
    page: 0,
    pages: 1,
    startedAt: observedAt,
    ageMs: 10,
    intervalMs: tier === 'fast' ? 2_000 : 10_000,
    groups: { state: 'complete' },
    uuids: numbers.map(uuidOf),
    ids: numbers.map((n) => 1 + Math.floor(n / fleet.hosts)),
    columns: Object.fromEntries(columns) as StatsPage['columns'],
  };
}

export const stateSubject = (row: Presence): string => subjects.state(row.host, 'domain', row.uuid);
