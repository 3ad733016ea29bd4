import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import { XdrReader } from './xdr-reader.ts';
import { XdrWriter } from './xdr-writer.ts';

/** One value of any of XDR's kinds: how to write it, how to read it, and what must come back. */
type Item = {
  write: (writer: XdrWriter) => void;
  read: (reader: XdrReader) => unknown;
  value: unknown;
};

const text = fc.string({ unit: 'binary', maxLength: 40 }).filter((s) => !s.includes('\0'));
const bytes = fc.uint8Array({ maxLength: 40 });
const uuid = fc.uuid();

const item: fc.Arbitrary<Item> = fc.oneof(
  fc.integer().map((value) => ({
    write: (w: XdrWriter) => w.int(value),
    read: (r: XdrReader) => r.int(),
    value,
  })),
  fc.nat({ max: 0xffff_ffff }).map((value) => ({
    write: (w: XdrWriter) => w.uint(value),
    read: (r: XdrReader) => r.uint(),
    value,
  })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({
    write: (w: XdrWriter) => w.hyper(value),
    read: (r: XdrReader) => BigInt(r.signedCounter()),
    value,
  })),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => ({
    write: (w: XdrWriter) => w.unsignedHyper(value),
    read: (r: XdrReader) => BigInt(r.counter()),
    value,
  })),
  fc.double({ noNaN: true }).map((value) => ({
    write: (w: XdrWriter) => w.double(value),
    read: (r: XdrReader) => r.double(),
    value,
  })),
  text.map((value) => ({
    write: (w: XdrWriter) => w.string(value),
    read: (r: XdrReader) => r.string(),
    // Lone surrogates have no UTF-8: they become U+FFFD on the way out, as everywhere in Node.
    value: value.toWellFormed(),
  })),
  fc.option(text, { nil: undefined }).map((value) => ({
    write: (w: XdrWriter) => w.optionalString(value),
    read: (r: XdrReader) => r.optionalString(),
    value: value?.toWellFormed(),
  })),
  uuid.map((value) => ({
    write: (w: XdrWriter) => w.uuid(value.toUpperCase()),
    read: (r: XdrReader) => r.uuid(),
    value,
  })),
  bytes.map((value) => ({
    write: (w: XdrWriter) => w.opaque(value),
    read: (r: XdrReader) => [...r.opaque(64)],
    value: [...value],
  })),
  bytes.map((value) => ({
    write: (w: XdrWriter) => w.chars(value),
    read: (r: XdrReader) => [...r.chars(64)],
    value: [...value],
  })),
);

test('what the writer writes, the reader reads back, in any order of kinds', () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 20 }), (items) => {
      const writer = new XdrWriter(8);
      for (const { write } of items) write(writer);
      const wire = writer.take();
      expect(wire.length % 4).toBe(0);
      const reader = new XdrReader(wire);
      for (const { read, value } of items) expect(read(reader)).toEqual(value);
      expect(reader.remaining).toBe(0);
    }),
  );
});

test('a message cut anywhere ends in a ProtocolError, never in a made-up value', () => {
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 4 }), (items) => {
      const writer = new XdrWriter();
      for (const { write } of items) write(writer);
      const wire = writer.take();
      for (let cut = 0; cut < wire.length; cut++) {
        const reader = new XdrReader(wire.subarray(0, cut));
        expect(() => items.map(({ read }) => read(reader))).toThrow(ProtocolError);
      }
    }),
    { numRuns: 50 },
  );
});

test('random bytes are read or refused with a ProtocolError, whatever they are read as', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(item), (noise, items) => {
      const reader = new XdrReader(Buffer.from(noise));
      let failure: unknown;
      try {
        for (const { read } of items) read(reader);
      } catch (error) {
        failure = error;
      }
      expect(failure ?? new ProtocolError()).toBeInstanceOf(ProtocolError);
      expect(reader.remaining).toBeGreaterThanOrEqual(0);
    }),
  );
});

test('64-bit values are numbers as long as a number is exact, and bigints beyond', () => {
  const writer = new XdrWriter();
  const edges = [0n, 1n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n];
  for (const edge of edges) writer.unsignedHyper(edge);
  const reader = new XdrReader(writer.take());
  expect(edges.map(() => reader.counter())).toEqual([
    0,
    1,
    Number.MAX_SAFE_INTEGER,
    2n ** 53n,
    2n ** 64n - 1n,
  ]);
});

test('signed 64-bit values keep their sign and their lowest bits', () => {
  const writer = new XdrWriter();
  const edges = [-1n, -(2n ** 32n), -(2n ** 53n), -(2n ** 53n) - 1n, -(2n ** 63n)];
  for (const edge of edges) writer.hyper(edge);
  const reader = new XdrReader(writer.take());
  expect(edges.map(() => reader.signedCounter())).toEqual([
    -1,
    -4_294_967_296,
    -9_007_199_254_740_992,
    -(2n ** 53n) - 1n,
    -(2n ** 63n),
  ]);
});

test('a count that the rest of the frame cannot hold is refused before room is made for it', () => {
  const writer = new XdrWriter();
  writer.uint(16_384);
  const reader = new XdrReader(writer.take());
  let items = 0;
  expect(() => reader.array(16_384, 24, () => (items += 1))).toThrow(ProtocolError);
  expect(items).toBe(0);
});

test('a string longer than 4 MiB is refused on both sides', () => {
  const writer = new XdrWriter();
  expect(() => writer.string('x'.repeat(4_194_305))).toThrow(RangeError);
  writer.reset();
  writer.uint(4_194_305);
  const wire = Buffer.concat([writer.take(), Buffer.alloc(4_194_308)]);
  expect(() => new XdrReader(wire).string()).toThrow(ProtocolError);
});

test.each([
  ['a string with NUL', (w: XdrWriter) => w.string('a\0b')],
  ['an int that is none', (w: XdrWriter) => w.int(2 ** 31)],
  ['a fraction', (w: XdrWriter) => w.int(0.5)],
  ['a negative unsigned', (w: XdrWriter) => w.uint(-1)],
  ['an unsigned 64-bit that is negative', (w: XdrWriter) => w.unsignedHyper(-1n)],
  ['what is not a UUID', (w: XdrWriter) => w.uuid('6695eb01')],
])('%s is refused before anything is sent', (_, write) => {
  expect(() => write(new XdrWriter())).toThrow(/./);
});
