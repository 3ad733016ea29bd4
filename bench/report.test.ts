import { expect, test } from 'vitest';
import { against, quantile } from './report.ts';

test('a quantile is a sample that so many do not exceed', () => {
  const samples = [5, 1, 4, 2, 3];
  expect([0, 0.5, 0.99, 1].map((q) => quantile(samples, q))).toEqual([1, 3, 5, 5]);
  expect(quantile([], 0.5)).toBeNaN();
});

test('a ratio is against what was measured beside it', () => {
  expect(against({ id: 'x', value: 6, unit: 'ms', baseline: 2 })).toMatchObject({ ratio: 3 });
});
