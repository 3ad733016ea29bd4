/** Whole histories from seeds; see history.fixture.ts. More of them with VIRTSCOPE_FULL. */
import assert from 'node:assert/strict';
import { expect, test } from 'vitest';
import { faultyMs, History, type Faults } from './history.fixture.ts';
import { defaultPeriods } from './tier.ts';

const full = Number(process.env['VIRTSCOPE_FULL'] ?? 0) > 0;
const seeds = Number(process.env['VIRTSCOPE_SIM_SEEDS'] ?? (full ? 10_000 : 1_000));

function each(faults: Faults, check: (history: History) => void): Record<string, number> {
  const all: Record<string, number> = {};
  for (let seed = 1; seed <= seeds; seed++) {
    try {
      const history = new History(seed, faults).run();
      check(history);
      for (const [key, by] of Object.entries(history.counts)) all[key] = (all[key] ?? 0) + by;
    } catch (error) {
      throw new Error(`seed ${seed} breaks a promise`, { cause: error });
    }
  }
  return all;
}

const reached = [
  'fast groups-dropped',
  'fast groups-restored',
  'monitor stuck',
  'monitor unstuck',
  'monitor re-asked',
  'monitor paused',
  'monitor slowed',
];

test(
  'whatever libvirtd does, samples never go back, and are whole again once it is well',
  { timeout: 600_000 },
  () => {
    const all = each({ maxFrozen: 6, rough: true }, (history) => history.checkHealed());
    // The dice reach every fault that they are meant to reach.
    for (const incident of ['deadline', 'late', 'unasked', 'stale', 'failed', 'skipped']) {
      for (const tier of ['fast', 'monitor']) expect(all[`${tier} ${incident}`]).toBeGreaterThan(0);
    }
    expect(Object.keys(all)).toEqual(expect.arrayContaining(reached));
  },
);

test(
  'with at most three frozen, no other domain loses a sample, and each is found in time',
  { timeout: 600_000 },
  () => {
    let found = 0;
    let waited = 0;
    each({ maxFrozen: 3, rough: false }, (history) => {
      history.checkHealed();
      found += history.found;
      if (history.jobWaited) {
        waited += 1; // it then costs as many calls as four frozen ones
        return;
      }
      assert.equal(history.counts['monitor paused'], undefined);
      for (const id of history.guests.uuids) {
        const spans = history.guests.frozenSpans.filter(({ uuid }) => uuid === id);
        const at = history.freshAt.get(id) ?? [];
        for (let i = 1; i < at.length; i++) {
          const [from = 0, to = 0] = [at[i - 1], at[i]];
          if (to > faultyMs) break;
          const frozen = spans.some(({ fromMs, untilMs }) => fromMs < to && untilMs > from);
          const { guests } = history;
          if (frozen || guests.wasOff(id, from, to) || guests.wasInJob(id, from, to)) continue;
          // One interval, and the time until the last of three was found.
          assert(to - from <= defaultPeriods.monitor + 4_000, `${id} lost one at ${from}`);
        }
      }
    });
    expect(found).toBeGreaterThan(seeds);
    expect(waited).toBeLessThan(seeds / 100);
  },
);

test('a seed is one history', () => {
  const run = (): unknown[] => new History(7, { maxFrozen: 6, rough: true }).run().log;
  expect(run()).toEqual(run());
});
