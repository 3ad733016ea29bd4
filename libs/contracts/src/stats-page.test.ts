import { expect, test } from 'vitest';
import { statsPageSchema, statsRows, type StatsPage } from './stats-page.ts';

const page: StatsPage = {
  v: 1,
  host: 'hv1',
  tier: 'monitor',
  epoch: 7,
  sampleId: 1,
  page: 0,
  pages: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  ageMs: 3,
  intervalMs: 10_000,
  groups: { balloon: 'partial' },
  uuids: ['6695eb01-f6a4-8304-79aa-97f2502e193f', '7695eb01-f6a4-8304-79aa-97f2502e193f'],
  ids: [4, null],
  columns: { 'balloon.current': [16_384, null], 'cpu.time': [0, 5] },
};

test('a hole in a column is an absent field, and a zero stays a zero', () => {
  expect(statsPageSchema.parse(page)).toEqual(page);
  expect([...statsRows(page)]).toEqual([
    { uuid: page.uuids[0], id: 4, fields: { 'balloon.current': 16_384, 'cpu.time': 0 } },
    { uuid: page.uuids[1], id: null, fields: { 'cpu.time': 5 } },
  ]);
});
