import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextTurn, phaseOf } from './phase.ts';

test('the next turn is after now, within one period, and on the grid', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e12, noNaN: true }),
      fc.integer({ min: 100, max: 600_000 }),
      fc.string(),
      (nowMs, periodMs, key) => {
        const phase = phaseOf(key, periodMs);
        const turn = nextTurn(nowMs, periodMs, phase);
        expect(turn).toBeGreaterThan(nowMs);
        expect(turn - periodMs).toBeLessThanOrEqual(nowMs);
        expect((turn - phase) % periodMs).toBe(0);
      },
    ),
  );
});

test('a turn taken on time is not taken again', () => {
  const turn = nextTurn(5, 2_000, 700);
  expect(nextTurn(turn, 2_000, 700)).toBe(turn + 2_000);
});

test('hosts are spread over the interval', () => {
  const buckets = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 1_000; i++) {
    const bucket = Math.floor(phaseOf(`hv${i} fast`, 2_000) / 200);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  for (const hosts of buckets) {
    expect(hosts).toBeGreaterThan(60);
    expect(hosts).toBeLessThan(140);
  }
});
