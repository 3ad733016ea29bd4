import type { StatsPage } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import type { ControlAnswer, SampleEffect, SamplerEffect, SamplerInput } from './sampler-io.ts';
import { startSampler, stepSampler } from './sampler.ts';
import type { SamplerState } from './state.ts';
import { fastFields, monitorBusyFields, monitorFields, record, uuid } from './testing.ts';
import { defaultPeriods } from './tier.ts';

const guests = [1, 2, 3, 4, 5, 6];

/** A host of six domains whose fast tier is well; the monitor tier is played by hand. */
class Bench {
  #state: SamplerState;
  readonly told: string[] = [];
  nowMs = 100_000;
  #wakeAtMs = 0;
  readonly asked: SampleEffect[] = [];
  readonly diagnoses: Extract<SamplerEffect, { type: 'diagnose' }>[] = [];
  samples: StatsPage[][] = [];
  readonly counts: Record<string, number> = {};

  /** @param stuck domains that an earlier sampler told stuck */
  constructor(stuck: readonly number[] = []) {
    const domains = stuck.map((n) => record(n, n, monitorFields).domain);
    this.#state = startSampler('hv1', defaultPeriods, [], { epoch: 0, stuck: domains });
    this.give({ type: 'opened', tier: 'fast', epoch: 1, nowMs: this.nowMs });
    this.give({ type: 'opened', tier: 'monitor', epoch: 2, nowMs: this.nowMs });
    this.until(() => this.asked.length > 0);
  }

  give(input: SamplerInput): void {
    const [state, effects] = stepSampler(this.#state, input);
    this.#state = state;
    const pages: StatsPage[] = [];
    for (const effect of effects) {
      if (effect.type === 'wakeAt') this.#wakeAtMs = effect.atMs;
      if (effect.type === 'diagnose') this.diagnoses.push(effect);
      if (effect.type === 'publish' && effect.page.tier === 'monitor') pages.push(effect.page);
      if (effect.type === 'hint') this.told.push(`hint ${effect.domain.name}`);
      if (effect.type === 'tell') {
        const { kind, domain, because } = effect;
        this.told.push([kind, domain.name, because].filter(Boolean).join(' '));
      }
      if (effect.type === 'count') {
        this.counts[effect.incident] = (this.counts[effect.incident] ?? 0) + effect.by;
      }
    }
    if (pages.length > 0) this.samples.push(pages);
    for (const effect of effects) {
      if (effect.type !== 'sample') continue;
      if (effect.tier === 'monitor') this.asked.push(effect);
      else this.answer(effect, guests);
    }
  }

  until(done: () => boolean): void {
    for (let i = 0; !done(); i++) {
      if (i === 200) throw new Error('it never came');
      this.nowMs = Math.max(this.nowMs, this.#wakeAtMs);
      this.give({ type: 'woke', nowMs: this.nowMs });
    }
  }

  /** The next call of the monitor tier. */
  nextCall(): SampleEffect {
    const before = this.asked.length;
    this.until(() => this.asked.length > before);
    return this.asked.at(-1)!;
  }

  answer(call: SampleEffect, of: readonly number[], options: Answer = {}): void {
    const startedMs = options.startedMs ?? this.nowMs;
    this.nowMs += 1;
    const fields = call.tier === 'fast' ? fastFields : (options.fields ?? monitorFields);
    this.give({
      type: 'sampled',
      tier: call.tier,
      callId: call.callId,
      startedMs,
      startedWallMs: Date.UTC(2026, 0, 1) + startedMs,
      nowMs: this.nowMs,
      records: of.map((n) => record(n, n, fields)),
    });
  }

  /** Control info says that these are occupied for as long as the newest call is out. */
  diagnosed(occupied: readonly number[], stateTimeMs = 600): void {
    const before = this.diagnoses.length;
    this.until(() => this.diagnoses.length > before);
    this.say(occupied, stateTimeMs);
  }

  say(occupied: readonly number[], stateTimeMs = 600): void {
    const { diagnosisId, domains } = this.diagnoses.at(-1)!;
    const out = new Set(occupied.map(uuid));
    const answers = domains.map((domain): ControlAnswer => {
      const is = out.has(domain.uuid);
      return { uuid: domain.uuid, state: is ? 2 : 0, stateTimeMs: is ? stateTimeMs : 0 };
    });
    this.give({ type: 'diagnosed', diagnosisId, nowMs: this.nowMs, answers });
  }
}

type Answer = { startedMs?: number; fields?: Record<string, string | number> };

const uuidsOf = (call: SampleEffect): string[] | undefined =>
  call.domains?.map((domain) => domain.uuid);

/** A domain hangs in the first round, and the others were asked again and answered. */
function withStuck(n = 3): { bench: Bench; hanging: SampleEffect } {
  const bench = new Bench();
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
  const bench = new Bench();
  bench.answer(bench.asked[0]!, guests);
  for (let i = 0; i < 5; i++) bench.answer(bench.nextCall(), guests);
  expect(bench.asked.every((call) => call.domains === undefined)).toBe(true);
  expect(bench.diagnoses).toEqual([]);
});

test('when a call hangs, its culprit is taken out and the others are asked again at once', () => {
  const bench = new Bench();
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
  const bench = new Bench();
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
  const bench = new Bench();
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
  const bench = new Bench();
  bench.answer(bench.asked[0]!, guests);
  bench.nextCall();
  bench.diagnosed([5], 60_000);
  expect(bench.counts).toMatchObject({ stuck: 1 });
  expect(bench.counts['re-asked']).toBe(undefined);
  bench.diagnosed([3], 900);
  expect(uuidsOf(bench.asked.at(-1)!)).toEqual([1, 2, 4, 6].map(uuid));
});

test('a daemon that is slow without a culprit is asked less often, and at its pace when it is well', () => {
  const bench = new Bench();
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
  const still = new Bench([3]);
  still.diagnosed([3]);
  still.answer(still.asked.at(-1)!, [1, 2, 4, 5, 6]);
  expect(still.told).toEqual([]);
  const well = new Bench([3, 9]);
  expect(well.told).toEqual(['monitor-recovered vm9 ended']);
  well.answer(well.asked[0]!, guests);
  expect(well.told).toEqual(['monitor-recovered vm9 ended', 'monitor-recovered vm3 answered']);
});

test('CPU time that falls within one run is hinted at, once', () => {
  const bench = new Bench();
  bench.answer(bench.asked[0]!, guests);
  bench.answer(bench.nextCall(), guests, { fields: { ...monitorFields, 'cpu.time': 5 } });
  bench.answer(bench.nextCall(), guests, { fields: { ...monitorFields, 'cpu.time': 6 } });
  expect(bench.told).toEqual(guests.map((n) => `hint vm${n}`));
});
