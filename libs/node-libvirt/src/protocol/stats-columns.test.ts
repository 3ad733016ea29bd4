import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import {
  connectGetAllDomainStats,
  connectGetAllDomainStatsColumns,
} from '../procedures/connect-get-all-domain-stats.ts';
import { frameOf, golden } from '../testing/golden.ts';
import { type Parameter, uniqueParameters, writeParameters } from '../testing/parameters.ts';
import { writeDomain } from './identity.ts';
import { XdrReader } from './xdr-reader.ts';
import { XdrWriter } from './xdr-writer.ts';

function reply(records: readonly Parameter[][]): Buffer {
  const writer = new XdrWriter();
  writer.uint(records.length);
  for (const [i, parameters] of records.entries()) {
    const uuid = `00000000-0000-0000-0000-${String(i).padStart(12, '0')}`;
    writeDomain(writer, { name: `vm${i}`, uuid, id: i });
    writeParameters(writer, parameters);
  }
  return writer.take();
}

test('columns hold what plain records hold', () => {
  fc.assert(
    fc.property(fc.array(uniqueParameters, { maxLength: 10 }), (records) => {
      const wire = reply(records);
      const plain = connectGetAllDomainStats.decode(new XdrReader(wire));
      const columns = connectGetAllDomainStatsColumns.decode(new XdrReader(wire));
      expect(columns.domains).toEqual(plain.map(({ domain }) => domain));
      expect(columns).toHaveLength(plain.length);
      for (const [i, { params }] of plain.entries()) {
        expect(columns.layouts[i]?.names).toBe(params.names);
        expect(columns.row(i)).toHaveLength(params.size);
        for (const [name, value] of params) {
          const found = columns.text(i, name) ?? columns.number(i, name);
          expect(found).toEqual(typeof value === 'string' ? value : Number(value));
        }
      }
    }),
  );
});

test('a reply cut anywhere is a ProtocolError, and the next one is read right', () => {
  const wire = frameOf(golden.statsReply).subarray(28);
  for (let cut = 0; cut < wire.length; cut++) {
    const read = (): unknown =>
      connectGetAllDomainStatsColumns.decode(new XdrReader(wire.subarray(0, cut)));
    expect(read).toThrow(ProtocolError);
  }
  const columns = connectGetAllDomainStatsColumns.decode(new XdrReader(wire));
  expect(columns.number(0, 'balloon.rss')).toBe(36_048);
  expect(columns.number(0, 'balloon.none')).toBeUndefined();
});

test('two replies are apart: the second does not write into the first', () => {
  const record = (value: number): Parameter[][] => [[{ name: 'cpu.time', type: 4, value }]];
  const first = connectGetAllDomainStatsColumns.decode(new XdrReader(reply(record(1))));
  const second = connectGetAllDomainStatsColumns.decode(new XdrReader(reply(record(2))));
  expect([first.number(0, 'cpu.time'), second.number(0, 'cpu.time')]).toEqual([1, 2]);
  expect(second.layouts[0]).toBe(first.layouts[0]);
});

test('a reply that is larger than any before has room', () => {
  const many = Array.from({ length: 30_000 }, (_, i) => ({ name: `p${i}`, type: 1, value: i }));
  const columns = connectGetAllDomainStatsColumns.decode(new XdrReader(reply([many, many])));
  expect(columns.number(1, 'p29999')).toBe(29_999);
  expect(columns.layouts[1]).toBe(columns.layouts[0]);
});
