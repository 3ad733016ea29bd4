import { statsPageSchema, statsRows, type StatsCell } from '@virtscope/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { paged, type Sample } from './pages.ts';
import { cellOf, type StatsRecord } from './record.ts';
import { fastFields, monitorBusyFields, monitorFields, record, recordOf, uuid } from './testing.ts';
import { tierSpecs } from './tier.ts';

function sample(
  tier: 'fast' | 'monitor',
  records: StatsRecord[],
  change: Partial<Sample> = {},
): Sample {
  return {
    host: 'hv1',
    tier,
    epoch: 1_800_000_000,
    sampleId: 3,
    startedAt: '2026-01-01T00:00:00.000Z',
    ageMs: 1.25,
    intervalMs: 2_000,
    groups: tierSpecs[tier].groups,
    asked: tierSpecs[tier].groups,
    records,
    ...change,
  };
}

const pageBytes = (page: unknown): number => Buffer.byteLength(JSON.stringify(page));

test('a host without domains publishes one empty, complete page', () => {
  const { pages } = paged(sample('fast', []));
  expect(pages).toHaveLength(1);
  expect(statsPageSchema.parse(pages[0])).toMatchObject({
    page: 0,
    pages: 1,
    uuids: [],
    columns: {},
    groups: { state: 'complete', interface: 'complete', perf: 'complete', memory: 'complete' },
  });
});

test('a field that one domain lacks is a hole, and a zero stays a zero', () => {
  const { pages } = paged(
    sample('monitor', [record(1, 7, monitorFields), record(2, 8, monitorBusyFields)]),
  );
  const rows = [...statsRows(statsPageSchema.parse(pages[0]))];
  expect(rows).toEqual([
    { uuid: uuid(2), id: 8, fields: monitorBusyFields },
    { uuid: uuid(1), id: 7, fields: monitorFields },
  ]);
});

test('one busy monitor makes its groups partial, and the page says so', () => {
  const records = [record(1, 7, monitorFields), record(2, 8, monitorBusyFields)];
  expect(paged(sample('monitor', records)).pages[0]?.groups).toEqual({
    'cpu-total': 'complete',
    balloon: 'partial',
    vcpu: 'partial',
    block: 'partial',
    iothread: 'partial',
    vm: 'partial',
  });
});

test('a group that was not asked for is missing, whatever came', () => {
  const asked = tierSpecs.fast.groups.filter((group) => group !== 'interface');
  const { pages } = paged(sample('fast', [record(1, 1, fastFields)], { asked }));
  expect(pages[0]?.groups).toMatchObject({ state: 'complete', interface: 'missing' });
});

test('an inactive domain has its state and not the CPU time of libvirtd', () => {
  const fields = { 'state.state': 5, 'state.reason': 2, 'cpu.time': 230_000_000, 'cpu.user': 1 };
  const { pages } = paged(sample('fast', [record(1, -1, fields)]));
  expect([...statsRows(pages[0]!)]).toEqual([
    { uuid: uuid(1), id: null, fields: { 'state.state': 5, 'state.reason': 2 } },
  ]);
  // It could not have interfaces' counters, so that it lacks none.
  expect(pages[0]?.groups).toMatchObject({ state: 'complete', interface: 'complete' });
});

test('an inactive domain does not hide the CPU time of a running one with the same fields', () => {
  const records = [record(1, -1, monitorFields), record(2, 4, monitorFields)];
  const rows = [...statsRows(paged(sample('monitor', records)).pages[0]!)];
  expect(rows.map(({ id, fields }) => [id, fields['cpu.time']])).toEqual([
    [null, undefined],
    [4, 370_000_000],
  ]);
});

test('unknown fields are kept, and their names told', () => {
  const fields = { ...fastFields, 'net.0.rx.queues': 4, 'energy.core': 12 };
  const { pages, unknownFields, unfitFields } = paged(
    sample('fast', [record(1, 1, fields), record(2, 2, fields)]),
  );
  expect([...unknownFields]).toEqual(['net.0.rx.queues', 'energy.core']);
  expect(unfitFields).toBe(0);
  expect([...statsRows(pages[0]!)].map((row) => row.fields)).toEqual([fields, fields]);
});

test('a counter above 2^53 is its decimal string', () => {
  const { pages } = paged(
    sample('monitor', [record(1, 1, { 'cpu.time': 18_446_744_073_709_551_615n })]),
  );
  expect(pages[0]?.columns).toEqual({ 'cpu.time': ['18446744073709551615'] });
});

test('names that an object would misread are ordinary columns', () => {
  const fields = [
    ['__proto__', 1],
    ['constructor', 2],
  ] as const;
  const { pages } = paged(sample('fast', [recordOf(1, 1, fields)]));
  expect(JSON.stringify(pages[0]?.columns)).toBe('{"__proto__":[1],"constructor":[2]}');
});

test('a name that no reader takes is left out and counted', () => {
  const { pages, unfitFields } = paged(
    sample('fast', [record(1, 1, { ['x'.repeat(300)]: 1, 'state.state': 1 })]),
  );
  expect(unfitFields).toBe(1);
  expect(Object.keys(pages[0]?.columns ?? {})).toEqual(['state.state']);
});

test('of two fields with one name the first counts', () => {
  const fields = [
    ['state.state', 1],
    ['state.state', 5],
  ] as const;
  expect(paged(sample('fast', [recordOf(1, 1, fields)])).pages[0]?.columns).toEqual({
    'state.state': [1],
  });
});

test('a domain that overflows a page alone loses its last fields, counted and partial', () => {
  const fields = Object.fromEntries(
    Array.from({ length: 200 }, (_, n) => [`vcpu.${n}.time`, 9_000_000_000_000_000]),
  );
  const big = record(1, 1, {
    'balloon.current': 1,
    'balloon.rss': 1,
    'vcpu.current': 200,
    ...fields,
  });
  const { pages, unfitFields } = paged(
    sample('monitor', [record(2, 2, monitorFields), big], { groups: ['vcpu'], asked: ['vcpu'] }),
    4_000,
  );
  expect(pages.map((page) => page.uuids)).toEqual([[uuid(2)], [uuid(1)]]);
  expect(pages.map((page) => page.groups)).toEqual([{ vcpu: 'complete' }, { vcpu: 'partial' }]);
  expect(unfitFields).toBeGreaterThan(0);
  expect(Object.keys(pages[1]?.columns ?? {})).toHaveLength(203 - unfitFields);
  expect(pageBytes(pages[1])).toBeLessThanOrEqual(4_000);
});

const value = fc.oneof(
  fc.integer(),
  fc.nat(2 ** 53 - 1),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.boolean(),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const name = fc.oneof(
  fc.constantFrom(...Object.keys(monitorFields), ...Object.keys(fastFields)),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
);
const fieldList = fc.uniqueArray(fc.tuple(name, value), {
  selector: ([key]) => key,
  maxLength: 12,
});
/** Some records of one sample share their names, as like domains do. */
const records = fc
  .tuple(
    fc.array(fieldList, { minLength: 1, maxLength: 4 }),
    fc.array(fc.nat(3), { maxLength: 40 }),
  )
  .map(([lists, picks]) => {
    const shared = lists.map((list) => recordOf(0, 0, list).params);
    return picks.map((pick, n) => ({
      domain: { uuid: uuid(n), id: n % 5 === 0 ? -1 : n, name: `vm${n}` },
      params: shared[pick % shared.length]!,
    }));
  });

test('pages together are the answer: every domain once, every value that JSON can say', () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 2_000, max: 8_000 }), (answer, maxBytes) => {
      const { pages } = paged(sample('monitor', answer), maxBytes);
      const rows = pages.flatMap((page) => [...statsRows(page)]);
      const expected = answer.map(({ domain, params }) => {
        const fields: [string, StatsCell][] = [];
        for (const [i, field] of params.names.entries()) {
          const cell = cellOf(params.valueAt(i));
          const own = domain.id < 0 && (field === 'cpu' || field.startsWith('cpu.'));
          if (cell !== null && !own) fields.push([field, cell]);
        }
        return [domain.uuid, domain.id < 0 ? null : domain.id, fields.toSorted(byName)] as const;
      });
      const got = rows.map(
        ({ uuid: id, id: run, fields }) =>
          [id, run, Object.entries(fields).toSorted(byName)] as const,
      );
      expect(got.toSorted(byUuid)).toEqual(expected.toSorted(byUuid));
    }),
  );
});

test('each page is valid, within the bound, and says which of how many it is', () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 900, max: 4_000 }), (answer, maxBytes) => {
      const { pages } = paged(sample('monitor', answer), maxBytes);
      for (const [n, page] of pages.entries()) {
        expect(statsPageSchema.safeParse(JSON.parse(JSON.stringify(page))).success).toBe(true);
        expect(pageBytes(page)).toBeLessThanOrEqual(maxBytes);
        expect(page).toMatchObject({ page: n, pages: pages.length, sampleId: 3 });
        for (const column of Object.values(page.columns)) {
          expect(column).toHaveLength(page.uuids.length);
        }
      }
    }),
  );
});

test('a thousand domains of one kind fill few pages, none above the bound', () => {
  const like = record(0, 0, monitorFields).params;
  const answer = Array.from({ length: 1_000 }, (_, n) => ({
    domain: { uuid: uuid(n), id: n, name: `vm${n}` },
    params: like,
  }));
  const { pages } = paged(sample('monitor', answer), 64 * 1024);
  expect(pages.reduce((rows, page) => rows + page.uuids.length, 0)).toBe(1_000);
  expect(Math.max(...pages.map(pageBytes))).toBeLessThanOrEqual(64 * 1024);
  expect(pages.length).toBeLessThan(10);
});

const byName = (
  [a]: readonly [string, ...unknown[]],
  [b]: readonly [string, ...unknown[]],
): number => (a < b ? -1 : 1);
const byUuid = byName;
