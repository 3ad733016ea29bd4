import { domainHistorySchema, type StatsPage } from '@virtscope/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Asking } from './asking.ts';
import { domainHistory } from './history-answers.ts';
import {
  historyBytesPerDomain,
  historyPoints,
  historyStepMs,
  StatsHistory,
  type HistorySeries,
} from './history.ts';
import { at, bytes, page, presence, record, uuidOf, World } from './world.fixture.ts';

/** A page that says how busy these domains are. */
function busy(percent: readonly (number | null)[], more: Partial<StatsPage> = {}): StatsPage {
  return page('hv1', {
    tier: 'monitor',
    uuids: percent.map((_, n) => uuidOf(n + 1)),
    ids: percent.map((_, n) => n + 1),
    columns: {},
    rates: { cpuPercent: [...percent] },
    ...more,
  });
}

const seriesOf = (history: StatsHistory, n: number, nowMs: number): HistorySeries | undefined =>
  history.seriesOf('hv1', uuidOf(n), nowMs);

test('points come back where they were measured, and what was not measured is null', () => {
  const history = new StatsHistory();
  history.record(busy([10]), 5_000);
  history.record(busy([30]), 25_000);
  const series = seriesOf(history, 1, 39_000);
  expect(series?.fromMs).toBe(39_000 - 9_000 - (historyPoints - 1) * historyStepMs);
  expect(series?.rates['cpuPercent']?.slice(-4)).toEqual([10, null, 30, null]);
  expect(series?.rates['netRxBytesPerS']?.every((value) => value === null)).toBe(true);
});

test('both tiers fill the same point', () => {
  const history = new StatsHistory();
  history.record(busy([10]), 1_000);
  history.record(busy([0], { tier: 'fast', rates: { netRxBytesPerS: [7] } }), 3_000);
  const { rates } = seriesOf(history, 1, 3_000)!;
  expect([rates['cpuPercent']?.at(-1), rates['netRxBytesPerS']?.at(-1)]).toEqual([10, 7]);
});

test('after a quarter of an hour a point is gone, and with the last one the ring', () => {
  const history = new StatsHistory();
  history.record(busy([10]), 0);
  const lastMs = historyPoints * historyStepMs - 1;
  expect(seriesOf(history, 1, lastMs)?.rates['cpuPercent']?.[0]).toBe(10);
  expect(seriesOf(history, 1, lastMs + 1)).toBe(undefined);
  history.forgetExpired(lastMs + 1);
  expect(history.rings).toBe(0);
});

test('the budget bounds the rings; a ring gone silent makes room, a live one does not', () => {
  const history = new StatsHistory({ budgetMiB: (2 * historyBytesPerDomain) / 2 ** 20 });
  expect(history.maxRings).toBe(2);
  history.record(busy([1, 2, 3]), 0);
  expect([history.rings, history.refused]).toEqual([2, 1]);
  expect(seriesOf(history, 3, 0)).toBe(undefined);
  history.record(busy([null, 2, 3], { uuids: [uuidOf(9), uuidOf(2), uuidOf(3)] }), 900_000);
  expect(seriesOf(history, 2, 900_000)?.rates['cpuPercent']?.at(-1)).toBe(2);
  expect(history.rings).toBe(2);
});

test('a page without rates, such as one of kept values, records nothing', () => {
  const history = new StatsHistory();
  history.record(page('hv1', { monitor: 'stuck' }), 0);
  expect(history.rings).toBe(0);
});

test('whatever the order and the gaps, what is shown is what was said last for that point', () => {
  const said = fc.array(fc.tuple(fc.nat(200), fc.float({ min: 0, max: 1e6, noNaN: true })));
  fc.assert(
    fc.property(said, fc.nat(250), (points, nowPoint) => {
      const history = new StatsHistory();
      const sorted = points.toSorted(([a], [b]) => a - b);
      for (const [point, value] of sorted) history.record(busy([value]), point * historyStepMs);
      const upTo = Math.max(nowPoint, sorted.at(-1)?.[0] ?? 0);
      const shown = seriesOf(history, 1, upTo * historyStepMs)?.rates['cpuPercent'] ?? [];
      for (const [n, value] of shown.entries()) {
        const point = upTo - historyPoints + 1 + n;
        const last = sorted.findLast(([each]) => each === point)?.[1];
        expect(value).toBe(last === undefined ? null : Number(last.toPrecision(6)));
      }
    }),
  );
});

function world(): World {
  const made = World.ready('hv1');
  made.state(presence('hv1', 1), presence('hv1', 2), record('hv1'));
  made.view.statsOpened();
  made.view.statsBrokerTime(1_700_000_000_000, 0);
  return made;
}

function historyOf(made: World, n: number, nowMs: number): Record<string, unknown> {
  const answer = domainHistory(new Asking(made.view, at(nowMs)), uuidOf(n));
  expect(answer.kind).toBe('found');
  const body = JSON.parse((answer as { json: string }).json) as Record<string, unknown>;
  expect(domainHistorySchema.parse(body)).toEqual(body);
  return body;
}

test('a domain answers with its history on the host that answers for it', () => {
  const made = world();
  const body = busy([12.5], { ageMs: 1_000 });
  made.view.statsMessage('virt.v1.stats.hv1.monitor.0', bytes(body), 1_700_000_021_500, 21_500);
  expect(historyOf(made, 1, 25_000)).toMatchObject({ host: 'hv1', stepMs: 10_000, recorded: true });
  const rates = historyOf(made, 1, 25_000)['rates'] as Record<string, (number | null)[]>;
  expect(rates['cpuPercent']?.slice(-2)).toEqual([null, 12.5]);
});

test('a domain without rates has a history of holes, and one that is not there has none', () => {
  const made = world();
  expect(historyOf(made, 2, 0)).toMatchObject({ recorded: false });
  expect(domainHistory(new Asking(made.view, at(0)), uuidOf(99)).kind).not.toBe('found');
});
