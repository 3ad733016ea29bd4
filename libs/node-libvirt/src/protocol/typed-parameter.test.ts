import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import { type Parameter, uniqueParameters, writeParameters } from '../testing/parameters.ts';
import { readTypedParameters } from './typed-parameter.ts';
import { XdrReader } from './xdr-reader.ts';
import { XdrWriter } from './xdr-writer.ts';

test('every record comes back, however the lists of names change from one to the next', () => {
  fc.assert(
    fc.property(fc.array(uniqueParameters, { maxLength: 8 }), (records) => {
      // Twice, so that the second round finds what the first has learnt.
      const rounds = [...records, ...records];
      const writer = new XdrWriter();
      for (const record of rounds) writeParameters(writer, record);
      const reader = new XdrReader(writer.take());
      for (const record of rounds) {
        const got = readTypedParameters(reader, 64);
        expect([...got]).toEqual(record.map((p) => [p.name, p.value]));
        expect(got.size).toBe(record.length);
        for (const p of record) expect(got.get(p.name)).toBe(p.value);
      }
      expect(reader.remaining).toBe(0);
    }),
  );
});

test('records with the same names share them', () => {
  const record: Parameter[] = [
    { name: 'cpu.time', type: 4, value: 1 },
    { name: 'block.0.name', type: 7, value: 'vda' },
  ];
  const writer = new XdrWriter();
  writeParameters(writer, record);
  writeParameters(writer, record.slice(0, 1));
  writeParameters(writer, record);
  const reader = new XdrReader(writer.take());
  const [first, shorter, second] = [1, 2, 3].map(() => readTypedParameters(reader, 64));
  expect(second?.names).toBe(first?.names);
  expect(shorter?.names).toEqual(['cpu.time']);
  expect(second?.get('block.0.name')).toBe('vda');
  expect(second?.has('block.1.name')).toBe(false);
});

test('a name that comes twice answers with its first value, as in libvirt', () => {
  const writer = new XdrWriter();
  writeParameters(writer, [
    { name: 'a', type: 1, value: 1 },
    { name: 'a', type: 1, value: 2 },
  ]);
  const got = readTypedParameters(new XdrReader(writer.take()), 64);
  expect(got.get('a')).toBe(1);
  expect(got.size).toBe(2);
});

test('a record cut anywhere is a ProtocolError, and teaches nothing wrong', () => {
  fc.assert(
    fc.property(uniqueParameters, (record) => {
      const writer = new XdrWriter();
      writeParameters(writer, record);
      const wire = writer.take();
      for (let cut = 0; cut < wire.length; cut++) {
        const reader = new XdrReader(wire.subarray(0, cut));
        expect(() => readTypedParameters(reader, 64)).toThrow(ProtocolError);
      }
      const whole = readTypedParameters(new XdrReader(wire), 64);
      expect([...whole.keys()]).toEqual(record.map((p) => p.name));
    }),
    { numRuns: 50 },
  );
});

test.each([0, 8, -1])('type %i is refused: what follows it cannot be found', (type) => {
  const writer = new XdrWriter();
  writer.uint(1);
  writer.string('x');
  writer.int(type);
  writer.int(0);
  expect(() => readTypedParameters(new XdrReader(writer.take()), 64)).toThrow(ProtocolError);
});

test('more parameters than the limit are refused', () => {
  const writer = new XdrWriter();
  writer.uint(65);
  const wire = Buffer.concat([writer.take(), Buffer.alloc(2_000)]);
  expect(() => readTypedParameters(new XdrReader(wire), 64)).toThrow(ProtocolError);
});
