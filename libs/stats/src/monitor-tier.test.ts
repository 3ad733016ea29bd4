import { expect, test } from 'vitest';
import { guests, MonitorBench, uuidsOf } from './monitor-bench.fixture.ts';
import type { SampleEffect } from './sampler-io.ts';
import { monitorBusyFields, monitorFields, uuid } from './testing.ts';

/** A domain hangs in the first round, and the others were asked again and answered. */
function withStuck(n = 3): { bench: MonitorBench; hanging: SampleEffect } {
  const bench = new MonitorBench();
  bench.answer(bench.asked[0]!, guests);
  const hanging = bench.nextCall();
  bench.diagnosed([n]);
  bench.answer(
    bench.asked.at(-1)!,
    guests.filter((each) => each !== n),
  );
  return { bench, hanging };
}

test('in health a round asks for all, and nobody is diagnosed', () => {
  const bench = new MonitorBench();
  bench.answer(bench.asked[0]!, guests);
  for (let i = 0; i < 5; i++) bench.answer(bench.nextCall(), guests);
  expect(bench.asked.every((call) => call.domains === undefined)).toBe(true);
  expect(bench.diagnoses).toEqual([]);
});

test('when a call hangs, its culprit is taken out and the others are asked again at once', () => {
  const bench = new MonitorBench();
  bench.answer(bench.asked[0]!, guests);
  const startedMs = bench.nowMs;
  bench.nextCall();
  const askedMs = bench.nowMs;
  bench.diagnosed([3]);
  expect(bench.nowMs - askedMs).toBeLessThanOrEqual(500);
  expect(uuidsOf(bench.asked.at(-1)!)).toEqual([1, 2, 4, 5, 6].map(uuid));
  expect(bench.counts).toMatchObject({ stuck: 1, 're-asked': 1 });
  bench.answer(bench.asked.at(-1)!, [1, 2, 4, 5, 6]);
  const [fresh, kept] = bench.samples.at(-1)!;
  expect(fresh).toMatchObject({ page: 0, pages: 2, groups: { block: 'complete' } });
  expect(fresh?.monitor).toBe(undefined);
  expect(kept).toMatchObject({ page: 1, pages: 2, monitor: 'stuck', uuids: [uuid(3)] });
  expect(kept?.columns['cpu.time']).toEqual([monitorFields['cpu.time']]);
  expect(kept?.ageMs).toBeGreaterThanOrEqual(bench.nowMs - startedMs - 1);
});

test('a stuck domain that was never sampled has a row without values', () => {
  const bench = new MonitorBench();
  bench.diagnosed([3]);
  bench.answer(bench.asked.at(-1)!, [1, 2, 4, 5, 6]);
  const kept = bench.samples.at(-1)?.find((page) => page.monitor === 'stuck');
  expect(kept).toMatchObject({ uuids: [uuid(3)], columns: {}, groups: { block: 'missing' } });
});

test('while a call hangs at a domain, rounds go on by name and never ask it', () => {
  const { bench } = withStuck();
  for (let i = 0; i < 4; i++) {
    const call = bench.nextCall();
    expect(uuidsOf(call)).toEqual([1, 2, 4, 5, 6].map(uuid));
    bench.answer(call, [1, 2, 4, 5, 6]);
    bench.say([3], 60_000);
  }
  expect(bench.counts['paused']).toBe(undefined);
});

test('after its thaw a domain is asked alone, and one whole answer lets it back', () => {
  const { bench, hanging } = withStuck();
  bench.answer(hanging, guests, { startedMs: bench.nowMs - 900 });
  expect(uuidsOf(bench.asked.at(-1)!)).toEqual([uuid(3)]);
  bench.answer(bench.asked.at(-1)!, [3]);
  expect(bench.counts).toMatchObject({ unstuck: 1 });
  const [back, others] = bench.samples.at(-1)!;
  expect(back).toMatchObject({ uuids: [uuid(3)], ageMs: 1 });
  expect(others?.uuids).toEqual([1, 2, 4, 5, 6].map(uuid));
  expect([back?.monitor, others?.monitor]).toEqual([undefined, undefined]);
  expect(bench.nextCall().domains).toBe(undefined);
});

test('a probe that meets a monitor in use keeps the domain out until control info says it is free', () => {
  const { bench, hanging } = withStuck();
  bench.answer(hanging, guests, { startedMs: bench.nowMs - 900 });
  bench.answer(bench.asked.at(-1)!, [3], { fields: monitorBusyFields });
  expect(bench.counts['unstuck']).toBe(undefined);
  bench.answer(bench.nextCall(), [1, 2, 4, 5, 6]);
  bench.say([3]);
  expect(uuidsOf(bench.asked.at(-1)!)).not.toEqual([uuid(3)]);
  bench.answer(bench.nextCall(), [1, 2, 4, 5, 6]);
  bench.say([]);
  expect(uuidsOf(bench.asked.at(-1)!)).toEqual([uuid(3)]);
});

test('a domain that runs anew is not stuck any more', () => {
  const { bench, hanging } = withStuck();
  bench.answer(hanging, [1, 2, 4, 5, 6], { startedMs: bench.nowMs - 900 });
  bench.answer(bench.asked.at(-1)!, []);
  expect(bench.counts).toMatchObject({ stuck: 1, unstuck: 1 });
  expect(bench.nextCall().domains).toBe(undefined);
});

test('when four calls hang the tier pauses, says so, and goes on when one ends', () => {
  const bench = new MonitorBench();
  bench.answer(bench.asked[0]!, guests);
  const first = bench.nextCall();
  for (const n of [1, 2, 3, 4]) bench.diagnosed([n]);
  expect(bench.asked).toHaveLength(5);
  expect(bench.counts).toMatchObject({ stuck: 4, 're-asked': 4, paused: 1 });
  const said = bench.samples.at(-1)!;
  expect(new Set(said.map(({ monitor }) => monitor))).toEqual(new Set(['paused', 'stuck']));
  expect(said.flatMap(({ uuids }) => uuids).toSorted()).toEqual(guests.map(uuid));
  const paused = bench.samples.length;
  bench.until(() => bench.samples.length > paused);
  expect(bench.samples.at(-1)?.[0]?.ageMs).toBeGreaterThan(10_000);
  bench.answer(first, guests, { startedMs: bench.nowMs - 20_000 });
  expect(uuidsOf(bench.asked.at(-1)!)).toEqual([uuid(1)]);
});

test("calls of a lost session count until their domain's monitor is free", () => {
  const { bench } = withStuck();
  bench.give({ type: 'lost', tier: 'monitor' });
  bench.give({ type: 'opened', tier: 'monitor', epoch: 9, nowMs: bench.nowMs });
  expect(uuidsOf(bench.nextCall())).toEqual([1, 2, 4, 5, 6].map(uuid));
  for (const n of [1, 2]) {
    bench.say([3], 60_000);
    bench.diagnosed([n]);
  }
  // Two hang here and one in the lost session: the fourth may go out, a fifth may not.
  expect(uuidsOf(bench.asked.at(-1)!)).toEqual([4, 5, 6].map(uuid));
  bench.diagnosed([4]);
  expect(bench.counts).toMatchObject({ paused: 1 });
});

test("a monitor that somebody else's call occupies does not explain why ours hangs", () => {
  const bench = new MonitorBench();
  bench.answer(bench.asked[0]!, guests);
  bench.nextCall();
  bench.diagnosed([5], 60_000);
  expect(bench.counts).toMatchObject({ stuck: 1 });
  expect(bench.counts['re-asked']).toBe(undefined);
  bench.diagnosed([3], 900);
  expect(uuidsOf(bench.asked.at(-1)!)).toEqual([1, 2, 4, 6].map(uuid));
});

test('a daemon that is slow without a culprit is asked less often, and at its pace when it is well', () => {
  const bench = new MonitorBench();
  const slow = bench.asked[0]!;
  const startedMs = bench.nowMs;
  for (let i = 0; i < 3; i++) bench.diagnosed([]);
  bench.nowMs = startedMs + 6_000;
  bench.answer(slow, guests, { startedMs });
  expect(bench.counts).toMatchObject({ slowed: 1 });
  const gap = (): number => {
    const from = bench.nowMs;
    bench.answer(bench.nextCall(), guests);
    return bench.nowMs - from;
  };
  gap();
  expect(bench.samples.at(-1)?.[0]?.intervalMs).toBe(10_000);
  expect(gap()).toBeLessThan(10_100);
});

test('a monitor that hangs is told once, and once that it answers again', () => {
  const { bench, hanging } = withStuck();
  for (let i = 0; i < 3; i++) bench.answer(bench.nextCall(), [1, 2, 4, 5, 6]);
  expect(bench.told).toEqual(['monitor-stuck vm3']);
  bench.answer(hanging, guests, { startedMs: bench.nowMs - 900 });
  expect(bench.told).toHaveLength(1);
  bench.answer(bench.asked.at(-1)!, [3]);
  expect(bench.told).toEqual(['monitor-stuck vm3', 'monitor-recovered vm3 answered']);
});

test('one that ends while its monitor hangs is told as ended', () => {
  const { bench, hanging } = withStuck();
  bench.answer(hanging, [1, 2, 4, 5, 6], { startedMs: bench.nowMs - 900 });
  bench.answer(bench.asked.at(-1)!, []);
  expect(bench.told).toEqual(['monitor-stuck vm3', 'monitor-recovered vm3 ended']);
});

test('what an earlier sampler told is not told again, and is told well by the first answer here', () => {
  const still = new MonitorBench([3]);
  still.diagnosed([3]);
  still.answer(still.asked.at(-1)!, [1, 2, 4, 5, 6]);
  expect(still.told).toEqual([]);
  const well = new MonitorBench([3, 9]);
  expect(well.told).toEqual(['monitor-recovered vm9 ended']);
  well.answer(well.asked[0]!, guests);
  expect(well.told).toEqual(['monitor-recovered vm9 ended', 'monitor-recovered vm3 answered']);
});

test('CPU time that falls within one run is hinted at, once', () => {
  const bench = new MonitorBench();
  bench.answer(bench.asked[0]!, guests);
  bench.answer(bench.nextCall(), guests, { fields: { ...monitorFields, 'cpu.time': 5 } });
  bench.answer(bench.nextCall(), guests, { fields: { ...monitorFields, 'cpu.time': 6 } });
  expect(bench.told).toEqual(guests.map((n) => `hint vm${n}`));
});
