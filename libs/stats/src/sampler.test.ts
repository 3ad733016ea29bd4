import { statsPageSchema, type StatsPage } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { firstProbeTurns } from './fast-tier.ts';
import type { SamplerEffect, SamplerInput } from './sampler-io.ts';
import { startSampler, stepSampler } from './sampler.ts';
import type { SamplerState } from './state.ts';
import { fastFields, monitorFields, record } from './testing.ts';
import { defaultPeriods, type SamplerTier } from './tier.ts';

/** One host's sampler at a bench: time moves only when told. */
class Bench {
  #state: SamplerState = startSampler('hv1', defaultPeriods);
  nowMs = 100_000;
  wakeAtMs = Number.POSITIVE_INFINITY;
  sample: Extract<SamplerEffect, { type: 'sample' }> | undefined;
  readonly pages: StatsPage[] = [];
  readonly counts: Record<string, number> = {};

  give(input: SamplerInput): this {
    const [state, effects] = stepSampler(this.#state, input);
    this.#state = state;
    for (const effect of effects) {
      if (effect.type === 'sample') this.sample = effect;
      if (effect.type === 'wakeAt') this.wakeAtMs = effect.atMs;
      if (effect.type === 'publish') this.pages.push(statsPageSchema.parse(effect.page));
      if (effect.type === 'count') {
        const key = `${effect.tier} ${effect.incident}`;
        this.counts[key] = (this.counts[key] ?? 0) + effect.by;
      }
    }
    return this;
  }

  open(tier: SamplerTier, epoch = 10): this {
    return this.give({ type: 'opened', tier, epoch, nowMs: this.nowMs });
  }

  /** Moves the clock to the next moment that the sampler asked for. */
  wake(): this {
    this.nowMs = Math.max(this.nowMs, this.wakeAtMs);
    return this.give({ type: 'woke', nowMs: this.nowMs });
  }

  /** Wakes until a call is asked for, and gives it. */
  untilAsked(): Extract<SamplerEffect, { type: 'sample' }> {
    const before = this.sample;
    for (let i = 0; i < 10; i++) {
      this.wake();
      if (this.sample !== undefined && this.sample !== before) return this.sample;
    }
    throw new Error('nothing was asked for in ten wakes');
  }

  answer(call = this.sample, change: { startedMs?: number; afterMs?: number } = {}): this {
    if (call === undefined) throw new Error('nothing was asked for');
    const startedMs = change.startedMs ?? this.nowMs;
    this.nowMs += change.afterMs ?? 1;
    const fields = call.tier === 'fast' ? fastFields : monitorFields;
    return this.give({
      type: 'sampled',
      tier: call.tier,
      callId: call.callId,
      startedMs,
      startedWallMs: Date.UTC(2026, 0, 1) + startedMs,
      nowMs: this.nowMs,
      records: [record(1, 1, fields)],
    });
  }
}

const fastMask = 0x1 | 0x10 | 0x40 | 0x100;
const withoutInterface = 0x1 | 0x40 | 0x100;

test('before a session nothing is asked for, and no wake wished', () => {
  const bench = new Bench().give({ type: 'woke', nowMs: 5 });
  expect(bench.sample).toBe(undefined);
  expect(bench.wakeAtMs).toBe(Number.POSITIVE_INFINITY);
});

test('a fast turn asks for the groups without a monitor, and its answer is published', () => {
  const bench = new Bench().open('fast');
  expect(bench.untilAsked()).toMatchObject({ tier: 'fast', stats: fastMask, flags: 0 });
  const startedMs = bench.nowMs;
  bench.answer(bench.sample, { afterMs: 30 });
  expect(bench.pages).toMatchObject([
    {
      host: 'hv1',
      tier: 'fast',
      epoch: 10,
      sampleId: 1,
      page: 0,
      pages: 1,
      ageMs: 30,
      intervalMs: 2_000,
      startedAt: new Date(Date.UTC(2026, 0, 1) + startedMs).toISOString(),
      groups: { interface: 'complete' },
    },
  ]);
});

test('turns come once a period, each tier at its own phase', () => {
  const bench = new Bench().open('fast').open('monitor');
  const turns: Record<SamplerTier, number[]> = { fast: [], monitor: [] };
  while (turns.monitor.length < 3) {
    const { tier } = bench.untilAsked();
    turns[tier].push(bench.nowMs);
    bench.answer();
  }
  const gaps = (at: number[]): number[] => at.slice(1).map((ms, i) => ms - (at[i] ?? 0));
  expect(new Set(gaps(turns.fast))).toEqual(new Set([2_000]));
  expect(gaps(turns.monitor)).toEqual([10_000, 10_000]);
});

test('a call that hangs costs its tier the turns and nothing else', () => {
  const bench = new Bench().open('monitor');
  const hanging = bench.untilAsked();
  bench.open('fast');
  for (let i = 0; i < 11; i++) {
    expect(bench.untilAsked().tier).toBe('fast');
    bench.answer();
  }
  expect(bench.pages.map((page) => page.tier)).toEqual(Array.from({ length: 11 }, () => 'fast'));
  expect(bench.counts).toMatchObject({ 'monitor deadline': 1, 'monitor skipped': 2 });
  const startedMs = bench.nowMs - 20_000;
  bench.answer(hanging, { startedMs });
  expect(bench.counts).toMatchObject({ 'monitor late': 1 });
  expect(bench.pages.at(-1)).toMatchObject({ tier: 'monitor', ageMs: 20_001 });
});

test('after a missed deadline the fast tier goes on without interface and says so', () => {
  const bench = new Bench().open('fast');
  const slow = bench.untilAsked();
  bench.wake().answer(slow, { startedMs: bench.nowMs - 1_500 });
  expect(bench.counts).toEqual({ 'fast deadline': 1, 'fast groups-dropped': 1, 'fast late': 1 });
  expect(bench.untilAsked().stats).toBe(withoutInterface);
  bench.answer();
  expect(bench.pages.map((page) => page.groups['interface'])).toEqual(['complete', 'missing']);
});

test('an answer after its deadline counts as missed even when no wake came between', () => {
  const bench = new Bench().open('fast');
  bench.answer(bench.untilAsked(), { afterMs: 1_600 });
  expect(bench.counts).toMatchObject({ 'fast deadline': 1, 'fast late': 1 });
});

function missDeadline(bench: Bench): void {
  bench.answer(bench.sample, { afterMs: 1_600 });
}

/** Turns without `interface` until it is asked for again. */
function turnsUntilProbe(bench: Bench): number {
  for (let turns = 0; ; turns++) {
    if (bench.untilAsked().stats === fastMask) return turns;
    bench.answer();
  }
}

test('interface comes back by a probe that is in time', () => {
  const bench = new Bench().open('fast');
  bench.untilAsked();
  missDeadline(bench);
  expect(turnsUntilProbe(bench)).toBe(firstProbeTurns - 1);
  bench.answer();
  expect(bench.counts).toMatchObject({ 'fast groups-restored': 1 });
  expect(bench.pages.at(-1)?.groups).toMatchObject({ interface: 'complete' });
  expect(bench.untilAsked().stats).toBe(fastMask);
});

test('each probe that is late doubles the wait for the next', () => {
  const bench = new Bench().open('fast');
  bench.untilAsked();
  missDeadline(bench);
  turnsUntilProbe(bench);
  missDeadline(bench);
  expect(turnsUntilProbe(bench)).toBe(2 * firstProbeTurns - 1);
  expect(bench.counts).toMatchObject({ 'fast deadline': 2, 'fast groups-dropped': 1 });
});

test('a probe that is refused neither restores interface nor ends the probing', () => {
  const bench = new Bench().open('fast');
  bench.untilAsked();
  missDeadline(bench);
  turnsUntilProbe(bench);
  bench.give({ type: 'failed', tier: 'fast', callId: bench.sample!.callId, nowMs: bench.nowMs });
  expect(turnsUntilProbe(bench)).toBe(firstProbeTurns - 1);
});

test('a call that hangs in interface for good costs the fast tier interface, and no more', () => {
  const bench = new Bench().open('fast');
  const hanging = bench.untilAsked();
  for (let turn = 0; turn < 3 * firstProbeTurns; turn++) {
    expect(bench.untilAsked().stats).toBe(withoutInterface);
    bench.answer();
  }
  expect(bench.pages).toHaveLength(3 * firstProbeTurns);
  expect(bench.counts).toMatchObject({ 'fast deadline': 1, 'fast groups-dropped': 1 });
  expect(bench.counts['fast skipped']).toBe(undefined);
  bench.answer(hanging, { startedMs: bench.nowMs - 90_000 });
  expect(bench.counts).toMatchObject({ 'fast late': 1, 'fast stale': 1 });
  while (bench.untilAsked().stats !== fastMask) bench.answer();
  bench.answer();
  expect(bench.counts).toMatchObject({ 'fast groups-restored': 1 });
});

test('a second call that hangs beside it stops the fast tier: no third is made', () => {
  const bench = new Bench().open('fast');
  bench.untilAsked();
  bench.untilAsked();
  expect(() => bench.untilAsked()).toThrow('nothing was asked for');
  expect(bench.counts['fast skipped']).toBeGreaterThan(0);
});

test('a new session asks for everything again', () => {
  const bench = new Bench().open('fast');
  bench.untilAsked();
  missDeadline(bench);
  bench.give({ type: 'lost', tier: 'fast' }).open('fast', 11);
  expect(bench.untilAsked().stats).toBe(fastMask);
});

test('a doubled answer is published once', () => {
  const bench = new Bench().open('fast');
  const call = bench.untilAsked();
  bench.answer(call).answer(call);
  expect(bench.pages).toHaveLength(1);
  expect(bench.counts).toEqual({ 'fast unasked': 1 });
});

test('an answer of a lost session is not published under the next one', () => {
  const bench = new Bench().open('fast');
  const call = bench.untilAsked();
  bench.give({ type: 'lost', tier: 'fast' }).open('fast', 11).answer(call);
  expect(bench.pages).toEqual([]);
  expect(bench.counts).toEqual({ 'fast unasked': 1 });
});

test('an answer whose call began before the published one is dropped and counted', () => {
  const bench = new Bench().open('fast');
  bench.answer(bench.untilAsked());
  bench.answer(bench.untilAsked(), { startedMs: 100_000 });
  expect(bench.pages).toHaveLength(1);
  expect(bench.counts).toEqual({ 'fast stale': 1 });
});

test('a refused call is counted, and the next turn asks again', () => {
  const bench = new Bench().open('fast');
  const { callId } = bench.untilAsked();
  bench.give({ type: 'failed', tier: 'fast', callId, nowMs: bench.nowMs + 5 });
  expect(bench.untilAsked().callId).toBeGreaterThan(callId);
  expect(bench.counts).toEqual({ 'fast failed': 1 });
});

test('turns slept through are not made up for', () => {
  const bench = new Bench().open('fast');
  bench.answer(bench.untilAsked());
  bench.nowMs += 60_000;
  bench.wake();
  const { callId } = bench.sample!;
  bench.answer().wake();
  expect(bench.wakeAtMs).toBeGreaterThan(bench.nowMs);
  expect(bench.sample!.callId).toBeLessThanOrEqual(callId + 1);
});

test('a timer that fires early asks for nothing', () => {
  const bench = new Bench().open('fast');
  bench.give({ type: 'woke', nowMs: bench.wakeAtMs - 0.5 });
  expect(bench.sample).toBe(undefined);
});

test('a session of either tier raises the epoch of both, and no older one lowers it', () => {
  const bench = new Bench().open('fast', 10).open('monitor', 12);
  while (bench.untilAsked().tier !== 'fast') bench.answer();
  bench.answer();
  expect(bench.pages.at(-1)).toMatchObject({ tier: 'fast', epoch: 12 });
  bench.give({ type: 'lost', tier: 'fast' }).open('fast', 11);
  while (bench.untilAsked().tier !== 'fast') bench.answer();
  bench.answer();
  expect(bench.pages.at(-1)).toMatchObject({ tier: 'fast', epoch: 12 });
});

test('sample ids grow across sessions', () => {
  const bench = new Bench().open('fast');
  bench.answer(bench.untilAsked());
  bench.give({ type: 'lost', tier: 'fast' }).open('fast', 11);
  bench.answer(bench.untilAsked());
  expect(bench.pages.map(({ epoch, sampleId }) => [epoch, sampleId])).toEqual([
    [10, 1],
    [11, 2],
  ]);
});
