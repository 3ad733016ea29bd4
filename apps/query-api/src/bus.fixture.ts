/** Messages as the writers send them, for tests. */
import {
  subjects,
  type Heartbeat,
  type HostEntry,
  type HostPulse,
  type HostRecord,
  type Presence,
  type StatsPage,
} from '@virtscope/contracts';

export const uuidOf = (n: number): string =>
  `00000000-0000-0000-0000-${n.toString(16).padStart(12, '0')}`;

export const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

export const entry = (id: string, more: Partial<HostEntry> = {}): HostEntry => ({
  v: 1,
  id,
  source: 'file',
  profile: 'local',
  labels: { zone: 'a' },
  ...more,
});

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

export function record(host: string, more: Partial<HostRecord> = {}): HostRecord {
  return {
    v: 1,
    type: 'host',
    host,
    epoch: 10,
    sync: 'synced',
    driver: 'QEMU',
    changedAt: '2026-01-01T00:00:00.000Z',
    ...more,
  };
}

export const beat = (hosts: Record<string, Partial<HostPulse>>): Heartbeat => ({
  v: 1,
  role: 'event-bridge',
  replica: 'one',
  beat: 1,
  hosts: Object.fromEntries(
    Object.entries(hosts).map(([host, more]) => [
      host,
      { epoch: 10, link: 'synced', verifiedAgeMs: 100, seq: 5, upTo: 1, ...more },
    ]),
  ),
});

export function statsPage(host: string, more: Partial<StatsPage> = {}): StatsPage {
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

export const subjectOf = (body: Presence | HostRecord): string =>
  body.type === 'host'
    ? subjects.hostRecord(body.host)
    : subjects.state(body.host, 'domain', body.uuid);
