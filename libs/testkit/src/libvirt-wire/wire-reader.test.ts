import { expect, test } from 'vitest';
import { DecodeError, WireReader } from './wire-reader.ts';

const reader = (hex: string): WireReader => new WireReader(Buffer.from(hex, 'hex'), 0);

test.each(['00000001', '01000000', 'ffffffff'])(
  'the word %s is a pointer to what follows',
  (word) => {
    expect(reader(`${word}0000000261620000`).optionalString()).toBe('ab');
  },
);

test('the word 0 is no pointer, and nothing follows it', () => {
  const words = reader('0000000000000007');
  expect(words.optionalString()).toBeUndefined();
  expect(words.int()).toBe(7);
});

test('a pointer to what is cut off is refused', () => {
  expect(() => reader('0000000100000002').optionalString()).toThrow(DecodeError);
});
