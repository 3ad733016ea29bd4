/**
 * A seed is a whole history: libvirtd that answers late, twice, never, or refuses; sessions that
 * are lost and come back; timers that fire early or long after. The invariants P1 to P5 of
 * sampler.ts are judged from outside, after every step.
 */
import assert from 'node:assert/strict';
import { statsPageSchema, type StatsPage } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { nextTurn, phaseOf } from './phase.ts';
import {
  firstProbeTurns,
  startSampler,
  stepSampler,
  type SamplerEffect,
  type SamplerInput,
} from './sampler.ts';
import { fastFields, monitorBusyFields, monitorFields, record } from './testing.ts';
import { defaultPeriods, samplerTiers, type SamplerTier } from './tier.ts';

/** Histories to try; more of them by hand. */
const seeds = Number(process.env['VIRTSCOPE_SIM_SEEDS'] ?? 1_000);
const host = 'hv1';
const faultyMs = 120_000;
/** Time for a hanging call to end and interface to be probed for, after two late probes. */
const healthyMs = 60_000 + firstProbeTurns * 4 * defaultPeriods.fast;

type Event = { atMs: number; order: number; run: () => void };
type Asked = Extract<SamplerEffect, { type: 'sample' }>;

class History {
  readonly #random: () => number;
  readonly #queue: Event[] = [];
  #order = 0;
  #nowMs = 1_000;
  #state = startSampler(host, defaultPeriods);
  #wake = 0;
  #epoch = 100;
  #faulty = true;
  /** The world's own books. */
  readonly #sessions: Record<SamplerTier, number> = { fast: 0, monitor: 0 };
  readonly #outstanding: Record<SamplerTier, number | undefined> = {
    fast: undefined,
    monitor: undefined,
  };
  readonly #slots: Record<SamplerTier, number> = { fast: -1, monitor: -1 };
  readonly #asked = new Map<number, Asked>();
  readonly #newest: Partial<Record<SamplerTier, StatsPage & { startedMs: number }>> = {};
  readonly #frozen: (() => void)[] = [];
  #answers = 0;
  #published = 0;
  readonly counts: Record<string, number> = {};
  readonly log: unknown[] = [];

  constructor(seed: number) {
    this.#random = dice(seed);
  }

  run(): this {
    for (const tier of samplerTiers) this.#later(this.#random() * 3_000, () => this.#open(tier));
    this.#until(faultyMs);
    this.#faulty = false;
    for (const thaw of this.#frozen) this.#later(this.#random() * 1_000, thaw);
    for (const tier of samplerTiers) {
      if (this.#sessions[tier] % 2 === 0) this.#later(1, () => this.#open(tier));
    }
    this.#until(faultyMs + healthyMs);
    return this;
  }

  /** After the last fault both tiers sample again, whole. */
  checkHealed(): void {
    for (const tier of samplerTiers) {
      const page = this.#newest[tier];
      assert(page, `no sample of ${tier}`);
      assert(this.#nowMs - page.startedMs <= 2 * defaultPeriods[tier], `${tier} stands still`);
      assert.equal(page.epoch, this.#epoch);
    }
    assert.equal(this.#newest.fast?.groups['interface'], 'complete');
    const { unasked = 0, stale = 0, failed = 0 } = this.#countsOfBoth();
    assert.equal(this.#answers, this.#published + unasked + stale + failed);
  }

  #countsOfBoth(): Record<string, number> {
    const sum: Record<string, number> = {};
    for (const [key, by] of Object.entries(this.counts)) {
      const incident = key.split(' ')[1] ?? '';
      sum[incident] = (sum[incident] ?? 0) + by;
    }
    return sum;
  }

  #until(endMs: number): void {
    for (;;) {
      const next = this.#queue.reduce<Event | undefined>(
        (first, event) =>
          first === undefined ||
          event.atMs < first.atMs ||
          (event.atMs === first.atMs && event.order < first.order)
            ? event
            : first,
        undefined,
      );
      if (next === undefined || next.atMs > endMs) break;
      this.#queue.splice(this.#queue.indexOf(next), 1);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = endMs;
  }

  #later(inMs: number, run: () => void): void {
    this.#queue.push({ atMs: this.#nowMs + inMs, order: this.#order++, run });
  }

  #open(tier: SamplerTier): void {
    this.#sessions[tier] += 1;
    this.#outstanding[tier] = undefined;
    const session = this.#sessions[tier];
    this.#epoch += 1 + Math.floor(this.#random() * 3);
    this.#give({ type: 'opened', tier, epoch: this.#epoch, nowMs: this.#nowMs });
    if (this.#random() < 0.7) {
      this.#later(this.#random() * 120_000, () => {
        if (this.#sessions[tier] === session && this.#faulty) this.#lose(tier);
      });
    }
  }

  #lose(tier: SamplerTier): void {
    this.#sessions[tier] += 1;
    this.#outstanding[tier] = undefined;
    this.#give({ type: 'lost', tier });
    this.#later(this.#random() * 20_000, () => {
      if (this.#sessions[tier] % 2 === 0) this.#open(tier);
    });
  }

  #give(input: SamplerInput): void {
    const [state, effects] = stepSampler(this.#state, input);
    this.#state = state;
    this.log.push([input.type, effects.length, this.#nowMs]);
    for (const effect of effects) this.#perform(effect);
    const published = effects.filter((effect) => effect.type === 'publish');
    if (published.length > 0) this.#checkPublished(published);
  }

  #perform(effect: SamplerEffect): void {
    switch (effect.type) {
      case 'sample':
        return this.#call(effect);
      case 'wakeAt': {
        const wake = ++this.#wake;
        // Early by a hair, on time, or after a stall of the process.
        const late = this.#faulty && this.#random() < 0.02 ? this.#random() * 9_000 : 0;
        const inMs = Math.max(0.01, effect.atMs - this.#nowMs + this.#random() - 0.3 + late);
        return this.#later(inMs, () => {
          if (wake === this.#wake) this.#give({ type: 'woke', nowMs: this.#nowMs });
        });
      }
      case 'count': {
        const key = `${effect.tier} ${effect.incident}`;
        this.counts[key] = (this.counts[key] ?? 0) + effect.by;
        return;
      }
      case 'publish':
    }
  }

  #call(call: Asked): void {
    const { tier, callId } = call;
    assert(this.#sessions[tier] % 2 === 1, 'a call without a session');
    assert.equal(this.#outstanding[tier], undefined, 'P1: a second call');
    const period = defaultPeriods[tier];
    const slot = nextTurn(this.#nowMs, period, phaseOf(`${host} ${tier}`, period));
    assert(slot > this.#slots[tier], 'P2: a second call in one interval');
    this.#slots[tier] = slot;
    this.#outstanding[tier] = callId;
    this.#asked.set(callId, call);
    const startedMs = this.#nowMs;
    const fate = this.#faulty ? this.#random() : 1;
    if (fate < 0.02) {
      // A frozen QEMU: only its thaw or a lost session ends it.
      this.#frozen.push(() => this.#answer(call, startedMs, fate));
      return;
    }
    const slow = fate < 0.12;
    const tookMs = slow ? this.#random() * 40_000 : 1 + this.#random() * 300;
    this.#later(tookMs, () => this.#answer(call, startedMs, fate));
    if (fate > 0.5 && fate < 0.55) {
      this.#later(tookMs + this.#random() * 5_000, () => this.#answer(call, startedMs, fate));
    }
  }

  #answer({ tier, callId }: Asked, startedMs: number, fate: number): void {
    if (this.#outstanding[tier] === callId) this.#outstanding[tier] = undefined;
    this.#answers += 1;
    if (fate > 0.9 && fate < 0.95) {
      this.#give({ type: 'failed', tier, callId, nowMs: this.#nowMs });
      return;
    }
    const monitor = fate > 0.6 && fate < 0.7 ? monitorBusyFields : monitorFields;
    this.#give({
      type: 'sampled',
      tier,
      callId,
      // A clock that misbehaves: sometimes an answer claims to be older than it is.
      startedMs: fate > 0.7 && fate < 0.72 ? startedMs - 15_000 : startedMs,
      startedWallMs: 1_800_000_000_000 + startedMs,
      nowMs: this.#nowMs,
      records: [
        record(1, 1, tier === 'fast' ? fastFields : monitorFields),
        record(2, 2, tier === 'fast' ? fastFields : monitor),
      ],
    });
  }

  #checkPublished(effects: Extract<SamplerEffect, { type: 'publish' }>[]): void {
    this.#published += 1;
    const [first] = effects;
    assert(first);
    const { page, startedMs } = first;
    const tier = page.tier as SamplerTier;
    for (const [n, effect] of effects.entries()) {
      assert.equal(effect.page.page, n);
      assert.equal(effect.page.pages, effects.length);
      // One in sixteen: the schema costs more than all the rest.
      if (page.sampleId % 16 === 1) statsPageSchema.parse(effect.page);
    }
    const before = this.#newest[tier];
    if (before !== undefined) {
      assert(startedMs > before.startedMs, 'P3: an older sample');
      assert.equal(page.sampleId, before.sampleId + 1);
    }
    assert.equal(page.epoch, this.#epoch);
    assert.equal(page.ageMs, Math.ceil(this.#nowMs - startedMs));
    this.#newest[tier] = { ...page, startedMs };
  }
}

function dice(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test('whatever libvirtd does, samples never go back, and are whole again once it is well', () => {
  const all: Record<string, number> = {};
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      const history = new History(seed).run();
      history.checkHealed();
      for (const [key, by] of Object.entries(history.counts)) all[key] = (all[key] ?? 0) + by;
    } catch (error) {
      throw new Error(`seed ${seed} breaks a promise`, { cause: error });
    }
  }
  // The dice reach every fault that they are meant to reach.
  for (const incident of ['skipped', 'deadline', 'late', 'unasked', 'stale', 'failed']) {
    for (const tier of samplerTiers) expect(all[`${tier} ${incident}`]).toBeGreaterThan(0);
  }
  expect(all['fast groups-dropped']).toBeGreaterThan(0);
  expect(all['fast groups-restored']).toBeGreaterThan(0);
});

test('a seed is one history', () => {
  expect(new History(7).run().log).toEqual(new History(7).run().log);
});
