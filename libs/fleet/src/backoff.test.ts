import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs, maxBackoffMs } from './backoff.ts';

const dice = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('the first retry comes within half a second, and none later than the bound', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), dice, (failures, random) => {
      expect(backoffMs(1, random)).toBeLessThan(500);
      expect(backoffMs(failures, random)).toBeLessThan(maxBackoffMs);
      expect(backoffMs(failures, random)).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('the window grows with the failures', () => {
  expect([1, 2, 3, 7, 50].map((failures) => backoffMs(failures, 0.5))).toEqual([
    250, 500, 1_000, 15_000, 15_000,
  ]);
});
