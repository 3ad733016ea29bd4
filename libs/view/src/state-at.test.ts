import type { EventData } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { Asking } from './asking.ts';
import { listMigrations } from './migrations.ts';
import { stateAt } from './state-at.ts';
import { at, bytes, entry, page, presence, record, uuidOf, World } from './world.fixture.ts';

const uuid = uuidOf(1);

function world(): World {
  const made = World.ready();
  made.apply(entry('hv1'), entry('hv2'));
  made.state(presence('hv1', 1), record('hv1'));
  made.beat(1_000, { hv1: { upTo: 2 } });
  return made;
}

function event(host: string, kind: string, more: Partial<EventData> = {}): EventData {
  return {
    v: 1,
    role: 'event-bridge',
    host,
    epoch: 3,
    seq: 1,
    prev: null,
    kind,
    observedAt: '2026-01-01T00:00:00.000Z',
    uuid,
    ...more,
  };
}

const states = (events: EventData[], gaps: EventData[] = []): unknown =>
  stateAt(
    new Asking(world().view, at(1_000)),
    uuid,
    events,
    new Map(gaps.map((gap) => [gap.host, gap])),
  ).map(({ host, state, watched, by }) => [host, state?.state ?? null, watched, by]);

test('the first event since then tells what was before it, on each host', () => {
  const running = { state: 'running', id: 1 };
  const paused = { state: 'paused', id: 1 };
  expect(
    states([
      event('hv1', 'resumed', { before: paused, after: running }),
      event('hv1', 'suspended', { before: running, after: paused }),
      event('hv2', 'started', { before: null, after: running }),
    ]),
  ).toEqual([
    ['hv1', 'paused', true, 'event'],
    ['hv2', null, true, 'event'],
  ]);
});

test('without an event it is what it is now; what tells no state, and settled stories, do not count', () => {
  expect(states([])).toEqual([['hv1', 'running', true, 'unchanged']]);
  expect(
    states([
      event('hv1', 'settled', { before: { state: 'shutoff', id: null } }),
      event('hv1', 'metadata-changed'),
      event('_fleet', 'split-brain'),
    ]),
  ).toEqual([['hv1', 'running', true, 'unchanged']]);
});

test('a gap that ends first had begun before: nobody watched', () => {
  const end = event('hv1', 'gap', { phase: 'end' });
  expect(states([], [end])).toEqual([['hv1', 'running', false, 'unchanged']]);
  expect(states([], [{ ...end, phase: 'begin' }])).toEqual([['hv1', 'running', true, 'unchanged']]);
});

test('a migration is told with its progress and its target, and ends with its page', () => {
  const made = world();
  made.state(presence('hv2', 1, { state: 'paused' }), record('hv2'));
  made.view.statsOpened();
  made.view.statsBrokerTime(0, 0);
  const job = {
    'job.operation': [5],
    'job.data_total': [400],
    'job.data_processed': [100],
    'job.time_elapsed': [7],
  };
  const told = page('hv1', { tier: 'monitor', columns: job });
  made.view.statsMessage('virt.v1.stats.hv1.monitor.0', bytes(told), 900, 900);
  const listed = (): unknown => {
    const answer = listMigrations(new Asking(made.view, at(1_000)));
    return answer.kind === 'found' ? JSON.parse(answer.json) : answer;
  };
  expect(listed()).toMatchObject({
    migrations: [{ uuid, from: 'hv1', to: 'hv2', percent: 25, job: { time_elapsed: 7 } }],
  });
  // The next page of the domain has no job, or another one.
  const other = { ...told, sampleId: 2, columns: { 'job.operation': [8] } };
  made.view.statsMessage('virt.v1.stats.hv1.monitor.0', bytes(other), 950, 950);
  expect(listed()).toMatchObject({ migrations: [] });
});
