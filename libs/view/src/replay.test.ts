import { expect, test } from 'vitest';
import { Asking } from './asking.ts';
import { findDomain } from './lookup.ts';
import { listDomains } from './list.ts';
import { runAll } from './sliced.ts';
import { at, presence, record, tombstone, uuidOf, World } from './world.fixture.ts';

const anew = { createdMs: 2_000, timeline: 0 };

function filled(): World {
  const world = World.ready('hv1', 'hv2');
  world.state(presence('hv1', 1), presence('hv2', 2), record('hv1'), record('hv2'));
  world.beat(1_000, { hv1: { upTo: 4 }, hv2: { upTo: 4 } });
  return world;
}

function list(world: World, nowMs: number): Record<string, unknown> {
  const answer = runAll(listDomains(new Asking(world.view, at(nowMs)), { filter: {} }));
  return JSON.parse((answer as { json: string }).json) as Record<string, unknown>;
}

test('during a replay the old rows go on answering, not live', () => {
  const world = filled();
  const { revision } = world.view;
  world.view.stateOpened(anew, 'VIRT_STATE was made anew; it is being read from the start');
  expect(list(world, 1_500)).toMatchObject({
    domains: [
      { uuid: uuidOf(1), trust: 'syncing' },
      { uuid: uuidOf(2), trust: 'syncing' },
    ],
    unreachable: ['hv1', 'hv2'],
    revision,
  });
  expect(world.view.unready(1_500)).toHaveProperty('view');
});

test('a bus that lost everything is not an empty fleet', () => {
  const world = filled();
  world.view.stateOpened(anew, 'made anew');
  world.view.hostsOpened();
  world.view.hostsCaughtUp(1_500);
  world.view.stateCaughtUp(0, 1_500);
  expect(list(world, 1_500)).toMatchObject({
    domains: [
      { uuid: uuidOf(1), trust: 'lost', id: null },
      { uuid: uuidOf(2), trust: 'lost', id: null },
    ],
    unreachable: ['hv1', 'hv2'],
  });
  expect(findDomain(new Asking(world.view, at(1_500)), uuidOf(3)).kind).toBe('unknown');
});

test('after a lost bus a host is right again with its first synced record', () => {
  const world = filled();
  world.view.stateOpened(anew, 'made anew');
  world.view.stateCaughtUp(0, 1_500);
  // The new session's epoch is higher, but a lost clock could make it lower: both must work.
  world.seq = 0;
  world.state(record('hv1', { epoch: 5, sync: 'syncing' }), presence('hv1', 3, { epoch: 5 }));
  expect((list(world, 1_500)['domains'] as unknown[]).length).toBe(3);
  world.state(record('hv1', { epoch: 5 }));
  world.beat(2_000, { hv1: { epoch: 5, upTo: 3 } });
  expect(list(world, 2_000)).toMatchObject({
    domains: [
      { host: 'hv1', uuid: uuidOf(3), trust: 'live' },
      { host: 'hv2', uuid: uuidOf(2), trust: 'lost' },
    ],
  });
});

test('a replay of a host that is synced there takes the new word alone', () => {
  const world = filled();
  world.view.stateOpened({ createdMs: 1_000, timeline: 7 }, 'the timeline was raised');
  world.seq = 10;
  world.state(presence('hv2', 4), record('hv2'), tombstone('hv1', 1));
  world.view.stateCaughtUp(13, 1_500);
  expect(list(world, 1_500)).toMatchObject({ domains: [{ host: 'hv2', uuid: uuidOf(4) }] });
});

test('beats heard before a replay vouch for nothing after it', () => {
  const world = filled();
  world.view.stateOpened(anew, 'made anew');
  world.seq = 0;
  world.state(presence('hv1', 1), record('hv1'));
  world.view.stateCaughtUp(2, 1_200);
  expect(world.view.trustOf('hv1', 1_200).trust).toBe('lost');
  world.beat(1_300, { hv1: { upTo: 2 } });
  expect(world.view.trustOf('hv1', 1_300).trust).toBe('live');
});

test('a feed that was cut is not live until it has caught up', () => {
  const world = filled();
  world.view.stateLost('the consumer of VIRT_STATE is gone');
  expect(world.view.trustOf('hv1', 1_100)).toMatchObject({ trust: 'syncing' });
  world.view.stateCaughtUp(4, 1_100);
  expect(world.view.trustOf('hv1', 1_100).trust).toBe('live');
});
