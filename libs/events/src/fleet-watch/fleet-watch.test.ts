import type { EventData, HostRecord, Presence } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { fleetBase } from './fleet-base.ts';
import { FleetWatch } from './fleet-watch.ts';

const uuid = '6695eb01-f6a4-8304-79aa-97f2502e193f';

/** A fleet of hosts that beat and are verified each second, but for those that are silent. */
class Fleet {
  readonly told: EventData[] = [];
  readonly silent = new Set<string>();
  #watch: FleetWatch;
  #epoch = 100;
  #ms = 0;
  #seq = 0;
  readonly #hosts: string[];

  constructor(...hosts: string[]) {
    this.#hosts = hosts;
    this.#watch = new FleetWatch(this.#epoch, fleetBase([]));
    this.#begin();
    for (const host of hosts) this.record(host);
    this.#input({ type: 'caughtUp', seq: this.#seq });
    this.want({});
  }

  want(labels: Record<string, Record<string, string>>): void {
    const hosts = this.#hosts.map((id) => ({ id, labels: labels[id] ?? {} }));
    this.#input({ type: 'wanted', hosts });
  }

  record(host: string, more: Partial<HostRecord> = {}): void {
    const record: HostRecord = {
      v: 1,
      type: 'host',
      host,
      epoch: 10,
      sync: 'synced',
      hostUuid: `of-${host}`,
      hostname: 'the-same',
      driver: 'QEMU',
      changedAt: '2026-01-01T00:00:00.000Z',
      ...more,
    };
    this.#input({ type: 'record', seq: ++this.#seq, record });
  }

  runs(host: string, more: Partial<Presence> = {}): void {
    const row = {
      host,
      uuid,
      epoch: 10,
      name: 'vm',
      id: 4,
      state: 'running',
      stateReason: 'booted',
    };
    this.#input({ type: 'row', seq: ++this.#seq, row: { ...row, ...more } });
  }

  stops(host: string): void {
    this.runs(host, { id: null, state: 'shutoff', stateReason: 'destroyed' });
  }

  /** Seconds go by. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.#ms += 1_000;
      this.#input({ type: 'roundTrip', trip: { startedMs: this.#ms, endedMs: this.#ms } });
      const pulse = { epoch: 10, link: 'synced', verifiedAgeMs: 0, seq: 0, upTo: 0 } as const;
      const beating = this.#hosts.filter((host) => !this.silent.has(host));
      const hosts = Object.fromEntries(beating.map((host) => [host, pulse]));
      const beat = { v: 1, role: 'event-bridge', replica: 'one', beat: 1, hosts } as const;
      this.#input({ type: 'beat', beat });
      this.#input({ type: 'tick' });
    }
  }

  cutOff(): void {
    this.#input({ type: 'cutOff' });
  }

  caughtUp(): void {
    this.#input({ type: 'caughtUp', seq: this.#seq });
  }

  /** Another replica takes the watch; it reads the same rows from the bus. */
  handOver(rows: () => void): void {
    this.#epoch++;
    this.#watch = new FleetWatch(this.#epoch, fleetBase(this.told));
    this.#begin();
    this.#input({ type: 'opened' });
    for (const host of this.#hosts) this.record(host);
    rows();
    this.caughtUp();
    this.want({});
  }

  get kinds(): string[] {
    return this.told
      .filter(({ kind }) => kind !== 'gap')
      .map(({ kind, about, payload }) =>
        kind === 'trust' ? `${about} ${String(payload?.['after'])}` : kind,
      );
  }

  #begin(): void {
    for (const { event } of this.#watch.open('test', this.#now)) this.told.push(event);
  }

  #input(input: Parameters<FleetWatch['step']>[0]): void {
    for (const { event } of this.#watch.step(input, this.#now)) this.told.push(event);
  }

  get #now(): { wallMs: number; monotonicMs: number } {
    return { wallMs: 1_800_000_000_000 + this.#ms, monotonicMs: this.#ms };
  }
}

test('a domain that runs on two live hosts is a split brain, and cleared when one stops', () => {
  const fleet = new Fleet('hv1', 'hv2');
  fleet.pass(10);
  fleet.runs('hv1');
  fleet.runs('hv2', { id: 9 });
  fleet.pass(5);
  expect(fleet.kinds).toEqual([]);
  fleet.pass(6);
  expect(fleet.kinds).toEqual(['split-brain']);
  expect(fleet.told.at(-1)).toMatchObject({
    host: '_fleet',
    uuid,
    name: 'vm',
    payload: { hosts: ['hv1', 'hv2'] },
  });
  fleet.stops('hv1');
  fleet.pass(1);
  expect(fleet.kinds).toEqual(['split-brain', 'split-brain-cleared']);
  const [alarm, clear] = fleet.told.slice(-2);
  expect(clear?.prev).toEqual({ epoch: alarm?.epoch, seq: alarm?.seq });
});

test('a migration is none: one side waits, and the source ends soon after', () => {
  const fleet = new Fleet('hv1', 'hv2');
  fleet.pass(10);
  fleet.runs('hv1');
  fleet.runs('hv2', { state: 'paused', stateReason: 'migration' });
  fleet.pass(60);
  fleet.runs('hv2');
  fleet.pass(3);
  fleet.stops('hv1');
  fleet.pass(20);
  expect(fleet.kinds).toEqual([]);
});

test('one that ran on a host which is lost, and runs elsewhere, is ambiguous until that is known', () => {
  const fleet = new Fleet('hv1', 'hv2');
  fleet.runs('hv1');
  fleet.pass(10);
  fleet.silent.add('hv1');
  fleet.pass(7);
  fleet.runs('hv2');
  fleet.pass(11);
  expect(fleet.kinds).toEqual(['hv1 lost', 'ambiguous']);
  fleet.silent.delete('hv1');
  fleet.pass(2);
  expect(fleet.kinds.slice(2)).toEqual(['hv1 live', 'split-brain', 'ambiguous-cleared']);
  fleet.stops('hv1');
  fleet.pass(1);
  expect(fleet.kinds.at(-1)).toBe('split-brain-cleared');
});

test.for([
  [
    'of the test driver',
    (fleet: Fleet) => ['hv1', 'hv2'].forEach((h) => fleet.record(h, { driver: 'TEST' })),
  ],
  [
    'of another cluster',
    (fleet: Fleet) => fleet.want({ hv1: { cluster: 'a' }, hv2: { cluster: 'b' } }),
  ],
  ['of another driver', (fleet: Fleet) => fleet.record('hv2', { driver: 'LXC' })],
] as const)('hosts %s may run the same uuid', ([, make]) => {
  const fleet = new Fleet('hv1', 'hv2');
  make(fleet);
  fleet.runs('hv1');
  fleet.runs('hv2');
  fleet.pass(30);
  expect(fleet.kinds).toEqual([]);
});

test('the same daemon under two ids is told as an alias, and never as a split brain', () => {
  const fleet = new Fleet('hv1', 'hv2');
  fleet.record('hv2', { hostUuid: 'of-hv1' });
  fleet.runs('hv1');
  fleet.runs('hv2');
  fleet.pass(30);
  expect(fleet.kinds).toEqual(['alias']);
  expect(fleet.told.find(({ kind }) => kind === 'alias')).toMatchObject({
    about: 'hv2',
    payload: { of: 'hv1' },
  });
  fleet.record('hv2', { hostUuid: 'its-own' });
  fleet.stops('hv2');
  fleet.pass(1);
  expect(fleet.kinds).toEqual(['alias', 'alias-cleared']);
});

test('a watch that takes over says nothing twice, and clears what is over', () => {
  const fleet = new Fleet('hv1', 'hv2');
  fleet.runs('hv1');
  fleet.runs('hv2');
  fleet.pass(20);
  expect(fleet.kinds).toEqual(['split-brain']);
  fleet.handOver(() => {
    fleet.runs('hv1');
    fleet.runs('hv2');
  });
  fleet.pass(20);
  expect(fleet.kinds).toEqual(['split-brain']);
  fleet.handOver(() => fleet.runs('hv2'));
  fleet.pass(20);
  expect(fleet.kinds).toEqual(['split-brain', 'split-brain-cleared']);
});

test('a watch that is cut off, or has just begun, judges nobody', () => {
  const fleet = new Fleet('hv1', 'hv2');
  fleet.silent.add('hv1');
  fleet.pass(5);
  expect(fleet.kinds).toEqual([]);
  fleet.silent.delete('hv1');
  fleet.pass(5);
  fleet.cutOff();
  fleet.silent.add('hv1').add('hv2');
  fleet.pass(30);
  expect(fleet.kinds).toEqual([]);
  fleet.silent.clear();
  fleet.caughtUp();
  fleet.pass(10);
  expect(fleet.kinds).toEqual([]);
});

test("a stale writer's row is no second place", () => {
  const fleet = new Fleet('hv1', 'hv2');
  fleet.runs('hv1');
  fleet.runs('hv2', { epoch: 9 });
  fleet.pass(30);
  expect(fleet.kinds).toEqual([]);
});
