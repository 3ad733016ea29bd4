import { expect, test } from 'vitest';
import type { HostEvent } from './host-event.ts';
import { Refusal } from './refusal.ts';
import { ranMs } from './domain-row.ts';
import { SimulatedHost } from './state.ts';

const off = { name: 'vm', uuid: '3dda7c6d-d53a-450c-af5c-d384170a88cf', state: 'shutoff' } as const;

const told = (events: readonly HostEvent[]): string[] =>
  events.map((event) =>
    event.kind === 'lifecycle'
      ? `${event.domain.id}: ${event.event}/${event.detail}`
      : `${event.domain.id}: ${event.kind}`,
  );

function hostWith(...domains: readonly { name: string }[]): SimulatedHost {
  return new SimulatedHost({ hostname: 'hv1', domains }, 0);
}

test('a start says RESUMED before STARTED, and a paused one STARTED before SUSPENDED', () => {
  const host = hostWith(off);
  const row = host.find('vm');
  expect(told(host.start(row, 0))).toEqual(['1: 4/0', '1: 2/0']);
  expect([row.state, row.reason]).toEqual([1, 1]);
  expect(told(host.destroy(row))).toEqual(['1: 6/2', '-1: 5/1']);
  expect([row.state, row.reason]).toEqual([5, 2]);
  expect(told(host.start(row, 0, { paused: true }))).toEqual(['2: 2/0', '2: 3/0']);
  expect([row.state, row.reason]).toEqual([3, 1]);
  expect(told(host.resume(row, 0))).toEqual(['2: 4/0']);
  expect([row.state, row.reason]).toEqual([1, 5]);
});

test('a domain that ends by itself keeps its id in the last event', () => {
  const host = hostWith(off);
  const row = host.find('vm');
  host.start(row, 0);
  expect(told(host.shutdown(row))).toEqual(['1: 6/1', '1: 5/0']);
  expect([row.id, row.state, row.reason]).toEqual([-1, 5, 1]);
  host.start(row, 0);
  expect(told(host.crash(row))).toEqual(['2: 5/5']);
  expect([row.id, row.state, row.reason]).toEqual([-1, 5, 3]);
});

test('a saved domain is restored by its next start', () => {
  const host = hostWith({ name: 'vm' });
  const row = host.find('vm');
  expect(told(host.managedSave(row, 0))).toEqual(['1: 3/0', '-1: 5/4']);
  expect(row.managedSave).toBe(true);
  expect(told(host.start(row, 0))).toEqual(['2: 2/2', '2: 4/2']);
  expect([row.managedSave, row.reason]).toEqual([false, 3]);
});

test('a transient domain ends without UNDEFINED, and is gone', () => {
  const host = hostWith();
  expect(told(host.create({ name: 'brief' }, 0))).toEqual(['1: 4/0', '1: 2/0']);
  expect(told(host.destroy(host.find('brief')))).toEqual(['1: 6/2', '-1: 5/1']);
  expect(host.count).toBe(0);
});

test('an undefined domain that runs stays until it ends', () => {
  const host = hostWith({ name: 'vm' });
  const row = host.find('vm');
  expect(told(host.undefine(row))).toEqual(['1: 1/0']);
  expect(host.find('vm').persistent).toBe(false);
  host.destroy(row);
  expect(() => host.find('vm')).toThrow(Refusal);
});

test('defining adds, changes from the next start on, and makes a transient domain stay', () => {
  const host = hostWith();
  expect(told(host.define({ ...off, vcpus: 1 }))).toEqual(['-1: 0/0']);
  const row = host.find('vm');
  host.start(row, 0);
  expect(told(host.define({ ...off, vcpus: 4 }))).toEqual(['1: 0/1']);
  expect([row.live?.vcpus, row.config.vcpus]).toEqual([1, 4]);
  host.destroy(row);
  host.start(row, 0);
  expect(row.live?.vcpus).toBe(4);
  host.undefine(row);
  expect(told(host.define(off))).toEqual(['2: 0/0']);
  host.destroy(row);
  expect(host.find('vm').persistent).toBe(true);
  expect(() => host.define({ name: 'vm' })).toThrow(/already exists/);
});

test('a rename tells of the old name and then of the new one, under the same uuid', () => {
  const host = hostWith(off);
  const events = host.rename(host.find('vm'), 'other');
  expect(told(events)).toEqual(['-1: 1/1', '-1: 0/2']);
  expect(events.map(({ domain }) => domain.name)).toEqual(['vm', 'other']);
  expect(host.find('other').uuid).toBe(off.uuid);
  expect(host.byName('vm')).toBeUndefined();
});

test('metadata and devices change at once, and tell of it', () => {
  const host = hostWith({ name: 'vm' });
  const row = host.find('vm');
  expect(host.setMetadata(row, 2, "<x xmlns='http://x'/>", 'http://x')).toMatchObject([
    { kind: 'metadata-change', type: 2, nsUri: 'http://x' },
  ]);
  expect(row.live?.metadata).toEqual({ 'http://x': "<x xmlns='http://x'/>" });
  host.setMetadata(row, 2, undefined, 'http://x');
  expect(row.live?.metadata).toEqual({});
  const disk = { target: 'vdb', path: '/x', capacityBytes: 1 };
  expect(host.attachDisk(row, disk)).toMatchObject([
    { kind: 'device-added', alias: 'virtio-disk1' },
  ]);
  expect(host.detachDisk(row, 'vda')).toMatchObject([
    { kind: 'device-removed', alias: 'virtio-disk0' },
  ]);
  expect(row.live?.disks).toEqual([disk]);
});

test('ids are never given twice', () => {
  const host = hostWith(off);
  const row = host.find('vm');
  const ids = Array.from({ length: 20 }, () => {
    host.start(row, 0);
    const { id } = row;
    host.destroy(row);
    expect(host.byId(id)).toBeUndefined();
    return id;
  });
  expect(new Set(ids).size).toBe(20);
});

test('what cannot be is refused, and changes nothing', () => {
  const host = hostWith(off, { name: 'runs' });
  const [stopped, runs] = [host.find('vm'), host.find('runs')];
  for (const refused of [
    () => host.suspend(stopped, 0),
    () => host.resume(stopped, 0),
    () => host.destroy(stopped),
    () => host.shutdown(stopped),
    () => host.start(runs, 0),
    () => host.resume(runs, 0),
    () => host.rename(runs, 'x'),
  ]) {
    expect(refused).toThrow(Refusal);
  }
  expect(host.suspend(runs, 0)).toHaveLength(1);
  expect(host.suspend(runs, 0)).toEqual([]);
  expect([stopped.state, runs.state]).toEqual([5, 3]);
});

test('a paused domain does not age, and a new process begins at zero', () => {
  const host = new SimulatedHost({ hostname: 'hv1', domains: [off] }, 1_000);
  const row = host.find('vm');
  host.start(row, 1_000);
  expect(ranMs(row, 4_000)).toBe(3_000);
  host.suspend(row, 4_000);
  expect(ranMs(row, 60_000)).toBe(3_000);
  host.resume(row, 60_000);
  expect(ranMs(row, 61_000)).toBe(4_000);
  host.destroy(row);
  host.start(row, 70_000);
  expect(ranMs(row, 70_500)).toBe(500);
});

test('the same seed makes the same host, another seed or name another one', () => {
  const identity = (seed: number, hostname: string): unknown => {
    const host = new SimulatedHost({ hostname, seed, domains: 3 }, 0);
    return [host.hostUuid, ...[...host.domains].map(({ uuid, load }) => [uuid, load])];
  };
  expect(identity(1, 'hv1')).toEqual(identity(1, 'hv1'));
  expect(identity(2, 'hv1')).not.toEqual(identity(1, 'hv1'));
  expect(identity(1, 'hv2')).not.toEqual(identity(1, 'hv1'));
});
