import { formatRevision } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { reached } from './min-revision.ts';
import { presence, record, World } from './world.fixture.ts';

const revision = (seq: number, createdMs = 1_000, timeline = 0): string =>
  formatRevision({ createdMs, timeline, seq });

test('bus rule 7: a revision is reached once its message was applied', () => {
  const world = World.ready('hv1');
  world.state(record('hv1'));
  expect(reached(world.view, revision(1), 0).kind).toBe('reached');
  expect(reached(world.view, revision(2), 0).kind).toBe('waiting');
  world.state(presence('hv1', 1));
  expect(reached(world.view, revision(2), 0).kind).toBe('reached');
  expect(reached(world.view, world.view.revision, 0).kind).toBe('reached');
});

test('a revision of another stream or timeline is gone', () => {
  const { view } = World.ready('hv1');
  expect(reached(view, revision(0, 999, 4), 0).kind).toBe('gone');
  view.stateOpened({ createdMs: 2_000, timeline: 0 }, 'made anew');
  view.stateCaughtUp(0, 0);
  expect(reached(view, revision(0), 0).kind).toBe('gone');
});

test('a revision of a stream that another replica saw first is waited for', () => {
  const { view } = World.ready('hv1');
  const wanted = revision(0, 1_000, 4);
  expect(reached(view, wanted, 100).kind).toBe('waiting');
  view.stateOpened({ createdMs: 1_000, timeline: 4 }, 'the timeline was raised');
  view.stateChecked(0, 200, 200);
  expect(reached(view, wanted, 100).kind).toBe('waiting');
  view.stateCaughtUp(0, 300);
  expect(reached(view, wanted, 100).kind).toBe('reached');
  // The broker, asked since, knows of no such stream.
  expect(reached(view, revision(0, 1_000, 5), 100).kind).toBe('gone');
});

test('a revision ahead of the stream is gone, by what the broker said after the question', () => {
  const { view } = World.ready('hv1');
  view.stateChecked(0, 500, 500);
  expect(reached(view, revision(5), 600).kind).toBe('waiting');
  view.stateChecked(0, 700, 700);
  expect(reached(view, revision(5), 600).kind).toBe('gone');
});

test('an event is reached once the bridge vouches that its row is in the stream', () => {
  const world = World.ready('hv1');
  world.state(record('hv1'));
  const event = 'event-bridge:hv1:10:6';
  expect(reached(world.view, event, 0).kind).toBe('waiting');
  world.beat(100, { hv1: { upTo: 1, seq: 5 } });
  expect(reached(world.view, event, 0).kind).toBe('waiting');
  world.beat(200, { hv1: { upTo: 2, seq: 6 } });
  expect(reached(world.view, event, 0).kind).toBe('waiting');
  world.state(presence('hv1', 1));
  expect(reached(world.view, event, 0).kind).toBe('reached');
});

test('a later session that synced the host covers the events of the one before', () => {
  const world = World.ready('hv1');
  world.state(record('hv1', { epoch: 11, sync: 'syncing' }));
  expect(reached(world.view, 'event-bridge:hv1:10:600', 0).kind).toBe('waiting');
  world.state(record('hv1', { epoch: 11 }));
  expect(reached(world.view, 'event-bridge:hv1:10:600', 0).kind).toBe('reached');
});

test('a token that is neither, and events that change no rows, are invalid', () => {
  const { view } = World.ready('hv1');
  expect(reached(view, 'yesterday', 0).kind).toBe('invalid');
  expect(reached(view, 'stats-sampler:hv1:10:1', 0).kind).toBe('invalid');
  expect(reached(view, 'event-bridge:hv7:10:1', 0).kind).toBe('gone');
});
