import { appliedKey } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { Asking } from './asking.ts';
import { listDomains } from './list.ts';
import { runAll } from './sliced.ts';
import { findDomain } from './lookup.ts';
import { removedHostHorizonMs, View } from './view.ts';
import { at, entry, record, tombstone, uuidOf, World } from './world.fixture.ts';

const wanted = (view: View): string[] => [...view.hosts.wanted.keys()].toSorted();

test('a bucket without an applied mark says nothing', () => {
  const world = new World();
  world.view.hostsOpened();
  world.bucket('hv1', entry('hv1'));
  world.view.hostsCaughtUp(0);
  expect(world.view.inventoryProblem).toBe('no inventory was applied yet');
  expect(world.view.answers).toBe(false);
});

test('an empty bus is not an empty fleet: a lost bucket leaves the hosts wanted', () => {
  const world = World.ready('hv1', 'hv2');
  world.view.hostsOpened();
  world.view.hostsCaughtUp(0);
  expect(wanted(world.view)).toEqual(['hv1', 'hv2']);
  expect(world.view.inventoryProblem).toBe('no inventory was applied yet');
});

test('half an apply leaves the last whole set wanted, and no absence can be claimed', () => {
  const world = World.ready('hv1');
  world.state(record('hv1'));
  world.beat(1_000, { hv1: {} });
  expect(findDomain(new Asking(world.view, at(1_000)), uuidOf(1)).kind).toBe('absent');
  world.bucket('hv2', entry('hv2'));
  expect(wanted(world.view)).toEqual(['hv1']);
  expect(findDomain(new Asking(world.view, at(1_000)), uuidOf(1)).kind).toBe('unknown');
  const list = runAll(listDomains(new Asking(world.view, at(1_000)), { filter: {} })) as {
    json: string;
  };
  expect(JSON.parse(list.json)).toMatchObject({ unreachable: ['hv2'] });
  world.mark([entry('hv1'), entry('hv2')]);
  expect(wanted(world.view)).toEqual(['hv1', 'hv2']);
  expect(world.view.inventoryProblem).toBeUndefined();
});

test('a mark whose digest does not fit its entries says nothing', () => {
  const world = World.ready('hv1');
  world.mark([entry('hv1', { profile: 'other' })]);
  expect(world.view.inventoryProblem).toMatch(/does not fit the digest/);
});

test('two sources are whole each for itself', () => {
  const world = World.ready('hv1');
  const other = entry('hv9', { source: 'cloud' });
  world.bucket('hv9', other);
  expect(world.view.inventoryProblem).toBe('the inventory cloud is being applied');
  world.mark([other], 'cloud');
  expect(world.view.inventoryProblem).toBeUndefined();
});

test('a malformed entry is told with key and path, and the others go on', () => {
  const world = World.ready('hv1');
  const malformed = world.bucket('hv2', { ...entry('hv2'), labels: { zone: 3 } });
  expect(malformed).toMatchObject({ subject: '$KV.virt_hosts.hv2', path: 'labels.zone' });
  expect(world.bucket('hv2', entry('hv3'))).toMatchObject({ kind: 'disagreement', path: 'id' });
  expect(world.bucket(appliedKey('file'), '{')).toMatchObject({ kind: 'json' });
  expect(wanted(world.view)).toEqual(['hv1']);
});

test('after a host was taken out, absence in the fleet is unknown for a horizon', () => {
  const world = World.ready('hv1', 'hv2');
  world.state(record('hv1'));
  world.bucket('hv2', null, 1_000);
  world.mark([entry('hv1')]);
  const askAt = (nowMs: number): unknown => {
    world.beat(nowMs, { hv1: {} });
    return findDomain(new Asking(world.view, at(nowMs)), uuidOf(1));
  };
  expect(askAt(2_000)).toMatchObject({ kind: 'unknown', unreachable: ['hv2'] });
  expect(askAt(removedHostHorizonMs + 2_000)).toMatchObject({ kind: 'absent' });
});

test('a reader that started later knows of a removed host by its tombstones', () => {
  const world = World.ready('hv1');
  world.state(
    record('hv1'),
    tombstone('hv2', 1, { tombstone: { reason: 'host-removed', at: '2026-01-01T00:00:00Z' } }),
  );
  world.beat(1_000, { hv1: {} });
  expect(findDomain(new Asking(world.view, at(1_000)), uuidOf(1))).toMatchObject({
    kind: 'unknown',
    unreachable: ['hv2'],
  });
});
