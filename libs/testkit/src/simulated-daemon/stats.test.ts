import { expect, test } from 'vitest';
import { headerBytes } from '../libvirt-wire/frame.ts';
import { WireReader } from '../libvirt-wire/wire-reader.ts';
import { WireWriter } from '../libvirt-wire/wire-writer.ts';
import type { DomainRow } from './domain-row.ts';
import { SimulatedHost } from './state.ts';
import { allStatsGroups, statsGroups, writeStatsRecord } from './stats.ts';

const g = statsGroups;
/** What a sampler asks for at every tick. */
const common = g.state | g.cpu | g.balloon | g.interface | g.block;

type Param = { name: string; type: number; value: number | string };

function recordOf(
  row: DomainRow,
  groups: number,
  { nowMs = 0, kvmCounters = false } = {},
): Param[] {
  const writer = new WireWriter({ program: 0, procedure: 0, type: 0, serial: 0, status: 0 });
  writeStatsRecord(writer, row, { groups, kvmCounters, nowMs });
  const reader = new WireReader(writer.frame(), headerBytes);
  expect(reader.domain().uuid).toBe(row.uuid);
  return reader.array(10_000, () => {
    const name = reader.string();
    const type = reader.int();
    if (type === 7) return { name, type, value: reader.string() };
    if (type === 3 || type === 4) {
      return { name, type, value: reader.uint() * 2 ** 32 + reader.uint() };
    }
    return { name, type, value: reader.int() };
  });
}

const host = (...domains: object[]): SimulatedHost =>
  new SimulatedHost({ hostname: 'hv1', domains: domains as { name: string }[] }, 0);

test('a running domain has 37 parameters in the groups that a sampler asks for', () => {
  const row = host({ name: 'vm' }).find('vm');
  expect(recordOf(row, common)).toHaveLength(37);
  expect(recordOf(row, common | g.vcpu)).toHaveLength(43);
});

test('each group brings its own parameters and no others', () => {
  const row = host({ name: 'vm', vcpus: 2 }).find('vm');
  const prefixes: Record<keyof typeof statsGroups, string> = {
    state: 'state.',
    cpu: 'cpu.',
    balloon: 'balloon.',
    vcpu: 'vcpu.',
    interface: 'net.',
    block: 'block.',
    perf: 'perf.',
    iothread: 'iothread.',
    memory: 'memory.',
    dirtyRate: 'dirtyrate.',
    vm: 'vm.',
  };
  for (const [group, bit] of Object.entries(statsGroups)) {
    const prefix = prefixes[group as keyof typeof statsGroups];
    for (const { name } of recordOf(row, bit, { kvmCounters: true })) {
      expect(name.startsWith(prefix), `${name} in ${group}`).toBe(true);
    }
  }
  expect(recordOf(row, allStatsGroups, { kvmCounters: true }).length).toBeGreaterThan(140);
});

test('counters only grow while a domain runs, and stand still while it is paused', () => {
  const simulated = host({ name: 'vm' });
  const row = simulated.find('vm');
  const counters = (nowMs: number): Map<string, number> =>
    new Map(
      recordOf(row, common, { nowMs })
        .filter(({ name }) => /time|bytes|pkts|reqs/.test(name))
        .map(({ name, value }) => [name, value as number]),
    );
  let before = counters(0);
  for (let nowMs = 500; nowMs <= 3_600_000; nowMs += 1_500) {
    const after = counters(nowMs);
    for (const [name, value] of after) {
      expect(value, `${name} at ${nowMs}`).toBeGreaterThanOrEqual(before.get(name) ?? 0);
    }
    before = after;
  }
  expect(before.get('cpu.time')).toBeGreaterThan(counters(0).get('cpu.time') ?? 0);
  simulated.suspend(row, 3_600_000);
  expect(counters(3_600_000)).toEqual(counters(9_000_000));
});

test('no domain uses more CPU than it has, and user and system make the total', () => {
  const simulated = new SimulatedHost({ hostname: 'hv1', domains: 50 }, 0);
  for (const row of simulated.domains) {
    const at = (nowMs: number): Record<string, number> =>
      Object.fromEntries(
        recordOf(row, g.cpu, { nowMs }).map(({ name, value }) => [name, value as number]),
      );
    const [one, two] = [at(10_000), at(20_000)];
    const usedNs = (two['cpu.time'] ?? 0) - (one['cpu.time'] ?? 0);
    expect(usedNs).toBeLessThanOrEqual((row.live?.vcpus ?? 0) * 10e9);
    expect(two['cpu.user']).toBe((two['cpu.time'] ?? 0) - (two['cpu.system'] ?? 0));
  }
});

test('the same clock gives the same numbers', () => {
  const record = (): Param[] => recordOf(host({ name: 'vm' }).find('vm'), common, { nowMs: 7e6 });
  expect(record()).toEqual(record());
});
