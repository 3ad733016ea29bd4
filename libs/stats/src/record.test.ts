import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellOf } from './record.ts';

test('a 64-bit counter survives JSON digit by digit', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }), (value) => {
      const cell: unknown = JSON.parse(JSON.stringify(cellOf(value)));
      expect(BigInt(cell as number | string)).toBe(value);
      expect(typeof cell).toBe(
        value >= -(2n ** 53n) + 1n && value <= 2n ** 53n - 1n ? 'number' : 'string',
      );
    }),
  );
});

test('what JSON cannot say is absent, and zero is not', () => {
  expect([Number.NaN, Infinity, -Infinity, undefined].map(cellOf)).toEqual([
    null,
    null,
    null,
    null,
  ]);
  expect([0, 0n, false, '', 1.5, 2 ** 53].map(cellOf)).toEqual([0, 0, false, '', 1.5, 2 ** 53]);
});
