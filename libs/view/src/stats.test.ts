import { domainStatsSchema, hostStatsSchema, type StatsPage } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { Asking } from './asking.ts';
import { domainStats, hostStats } from './stats-answers.ts';
import { maxStatsAgeMs } from './stats-table.ts';
import { at, bytes, page, presence, record, uuidOf, World } from './world.fixture.ts';

/** The broker's clock reads this when our monotonic clock reads 0. */
const brokerMs = 1_700_000_000_000;

function world(): World {
  const made = World.ready('hv1');
  made.state(presence('hv1', 1), presence('hv1', 2), record('hv1'));
  made.view.statsOpened();
  made.view.statsBrokerTime(brokerMs, 0);
  return made;
}

function publish(made: World, atMs: number, body: StatsPage): string {
  const subject = `virt.v1.stats.${body.host}.${body.tier}.${body.page}`;
  return made.view.statsMessage(subject, bytes(body), brokerMs + atMs, atMs).outcome;
}

function statsOf(made: World, nowMs: number, n = 1): Record<string, unknown> {
  const answer = domainStats(new Asking(made.view, at(nowMs)), 'hv1', uuidOf(n));
  expect(answer.kind).toBe('found');
  const body = JSON.parse((answer as { json: string }).json) as Record<string, unknown>;
  expect(domainStatsSchema.parse(body)).toEqual(body);
  return body;
}

test('the age of a sample is its age at publishing and the time since by the broker alone', () => {
  const made = world();
  publish(made, 1_000, page('hv1', { ageMs: 40 }));
  expect(statsOf(made, 4_000)).toMatchObject({
    fields: { 'state.state': 1 },
    samples: [{ tier: 'fast', ageMs: 3_040, groups: { state: 'complete' } }],
  });
});

test('stats of another run of the domain are not its stats', () => {
  const made = world();
  publish(made, 0, page('hv1', { ids: [77] }));
  expect(statsOf(made, 0)).toMatchObject({ id: null, samples: [], fields: {} });
});

test('a domain without stats has none, and not zero', () => {
  expect(statsOf(world(), 0, 2)).toMatchObject({ samples: [], fields: {} });
});

test('a page below the sampler epoch is ignored, by the pages and by virt_epochs', () => {
  const made = world();
  expect(publish(made, 0, page('hv1', { epoch: 4 }))).toBe('applied');
  expect(publish(made, 1, page('hv1', { epoch: 3, sampleId: 9 }))).toBe('stale-writer');
  made.view.epochMessage({
    seq: 1,
    subject: '$KV.virt_epochs.stats-sampler.hv1',
    key: 'stats-sampler.hv1',
    data: bytes({ v: 1, epoch: 5, holder: 'x' }),
  });
  expect(statsOf(made, 2)).toMatchObject({ samples: [] });
  expect(publish(made, 3, page('hv1', { epoch: 4, sampleId: 2 }))).toBe('stale-writer');
  expect(publish(made, 4, page('hv1', { epoch: 5 }))).toBe('applied');
});

test('an older sample does not replace a newer one', () => {
  const made = world();
  publish(made, 0, page('hv1', { sampleId: 7, columns: { 'state.state': [5] } }));
  expect(publish(made, 1, page('hv1', { sampleId: 6 }))).toBe('superseded');
  expect(statsOf(made, 1)).toMatchObject({ fields: { 'state.state': 5 } });
});

test('a sample of fewer pages leaves nothing of the one before', () => {
  const made = world();
  const second = { page: 1, pages: 2, uuids: [uuidOf(2)], ids: [2] };
  publish(made, 0, page('hv1', { pages: 2 }));
  publish(made, 0, page('hv1', second));
  expect(statsOf(made, 0, 2)).toMatchObject({ samples: [{ tier: 'fast' }] });
  publish(made, 1, page('hv1', { sampleId: 2 }));
  expect(statsOf(made, 1, 2)).toMatchObject({ samples: [] });
});

test('stats that the stream would have forgotten are not shown, and not kept', () => {
  const made = world();
  publish(made, 0, page('hv1'));
  publish(made, 60_000, page('hv2'));
  expect(statsOf(made, maxStatsAgeMs + 1)).toMatchObject({ samples: [] });
  made.view.forgetExpired(maxStatsAgeMs + 1);
  expect(made.view.stats.pages).toBe(1);
});

test('the tiers of a host are joined by domain, and the worst of its pages speaks for a group', () => {
  const made = world();
  publish(made, 0, page('hv1', { pages: 2 }));
  publish(
    made,
    0,
    page('hv1', { page: 1, pages: 2, uuids: [uuidOf(2)], ids: [2], groups: { state: 'missing' } }),
  );
  publish(made, 0, page('hv1', { tier: 'monitor', columns: { 'cpu.time': [12] } }));
  const answer = hostStats(new Asking(made.view, at(0)), 'hv1') as { json: string };
  const body = JSON.parse(answer.json) as Record<string, unknown>;
  expect(hostStatsSchema.parse(body)).toEqual(body);
  expect(body['domains']).toMatchObject([
    { uuid: uuidOf(1), fields: { 'state.state': 1, 'cpu.time': 12 } },
    { uuid: uuidOf(2), fields: { 'state.state': 1 } },
  ]);
  expect(body['samples']).toMatchObject([
    { tier: 'fast', groups: { state: 'partial' } },
    { tier: 'monitor' },
  ]);
});

test('a malformed page changes nothing and names its subject and path', () => {
  const made = world();
  publish(made, 0, page('hv1'));
  const subject = 'virt.v1.stats.hv1.fast.0';
  const bad = { ...page('hv1', { sampleId: 2 }), columns: { 'state.state': [1, 2] } };
  const { malformed } = made.view.statsMessage(subject, bytes(bad), brokerMs, 0);
  expect(malformed).toMatchObject({ subject, path: 'columns.state.state' });
  expect(made.view.statsMessage(subject, bytes(page('hv2')), brokerMs, 0).outcome).toBe(
    'malformed',
  );
  expect(statsOf(made, 0)).toMatchObject({ fields: { 'state.state': 1 } });
});

test('what is kept of a domain stands beside what was answered, each value with its age', () => {
  const made = world();
  const sample = { tier: 'monitor', uuids: [uuidOf(1)], ids: [1], pages: 2 } as const;
  const kept = {
    ...sample,
    page: 1,
    kept: 'busy',
    startedAt: '2026-01-01T00:00:00.000Z',
    ageMs: 10_000,
    groups: { block: 'complete' },
    columns: { 'block.0.rd.reqs': [21], 'block.0.name': ['old'] },
  } as const;
  publish(made, 0, page('hv1', kept as unknown as Partial<StatsPage>));
  const fresh = {
    ...sample,
    page: 0,
    ageMs: 5,
    groups: { block: 'partial' },
    columns: { 'block.0.name': ['vda'] },
  };
  publish(made, 0, page('hv1', fresh as unknown as Partial<StatsPage>));
  expect(statsOf(made, 0)).toMatchObject({
    fields: { 'block.0.rd.reqs': 21, 'block.0.name': 'vda' },
    samples: [
      { tier: 'monitor', ageMs: 5, groups: { block: 'partial' } },
      { tier: 'monitor', ageMs: 10_000, groups: { block: 'complete' }, kept: 'busy' },
    ],
  });
});
