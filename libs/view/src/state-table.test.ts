import fc from 'fast-check';
import { subjects, type HostRecord, type Presence, type Tombstone } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { Asking } from './asking.ts';
import { findDomain, findOnHost } from './lookup.ts';
import { StateTable } from './state-table.ts';
import type { StateMessage } from './decode.ts';
import { at, presence, record, tombstone, uuidOf, World } from './world.fixture.ts';

const names = (table: StateTable): string[] =>
  table.sortedHosts.flatMap((slot) => slot.sorted.map((row) => `${row.host}/${row.name}`));

test('only an explicit tombstone removes a row', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1), presence('hv1', 2), record('hv1'));
  world.state(record('hv1', { sync: 'lost' }), record('hv1', { sync: 'identity-changed' }));
  expect(names(world.view.table)).toEqual(['hv1/vm-1', 'hv1/vm-2']);
  world.state(tombstone('hv1', 1));
  expect(names(world.view.table)).toEqual(['hv1/vm-2']);
});

test('rows of a lower epoch are shown as syncing until the record says synced', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1), record('hv1'));
  world.state(record('hv1', { epoch: 11, sync: 'syncing' }));
  world.beat(1_000, { hv1: { epoch: 11, link: 'syncing', upTo: 3 } });
  const answer = findDomain(new Asking(world.view, at(1_000)), uuidOf(1));
  expect(answer).toMatchObject({ kind: 'found' });
  expect(JSON.parse((answer as { json: string }).json)).toMatchObject({
    trust: 'syncing',
    id: null, // of the lost session
  });
});

test('once synced, rows of a lower epoch are a stale writer and come back never', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1), presence('hv1', 2), record('hv1'));
  world.state(record('hv1', { epoch: 11, sync: 'syncing' }), presence('hv1', 1, { epoch: 11 }));
  world.state(record('hv1', { epoch: 11 }));
  expect(names(world.view.table)).toEqual(['hv1/vm-1']);
  expect(world.state(presence('hv1', 3))).toEqual(['stale-writer']);
  expect(world.state(tombstone('hv1', 1))).toEqual(['stale-writer']);
  // A new session starts: the record no longer says synced, but it did.
  world.state(record('hv1', { epoch: 12, sync: 'syncing' }));
  expect(names(world.view.table)).toEqual(['hv1/vm-1']);
  expect(world.state(presence('hv1', 2))).toEqual(['stale-writer']);
  expect(world.view.table.ignored['stale-writer']).toBe(4);
});

test('a stale record changes neither trust nor rows', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1, { epoch: 11 }), record('hv1', { epoch: 11 }));
  expect(world.state(record('hv1', { epoch: 10, sync: 'lost' }))).toEqual(['stale-writer']);
  expect(world.view.table.hosts.get('hv1')?.record?.sync).toBe('synced');
});

test('a message that comes again, or after its successor, is ignored and counted', () => {
  const table = new StateTable();
  const domain = (n: number, more?: Partial<Presence>): StateMessage => ({
    type: 'domain',
    row: presence('hv1', n, more),
  });
  expect(table.apply(5, domain(1, { state: 'paused' }))).toBe('applied');
  expect(table.apply(5, domain(1))).toBe('duplicate');
  expect(table.apply(4, domain(1))).toBe('superseded');
  expect(table.byState.get('paused')?.size).toBe(1);
  expect(table.ignored).toMatchObject({ duplicate: 1, superseded: 1 });
  expect(table.appliedSeq).toBe(5);
});

test('malformed messages keep the last good row and name subject and path', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1), record('hv1'));
  const subject = subjects.state('hv1', 'domain', uuidOf(1));
  const cases: [unknown, string, string][] = [
    ['{"v":1', 'json', ''],
    [{ ...presence('hv1', 1), id: 'seven' }, 'schema', 'id'],
    [{ ...presence('hv1', 1), v: 2 }, 'schema', 'v'],
    [{ ...tombstone('hv1', 1), tombstone: { reason: 'bored' } }, 'schema', 'tombstone.reason'],
    [presence('hv2', 1), 'disagreement', 'host'],
    [presence('hv1', 2), 'disagreement', 'uuid'],
    [null, 'schema', ''],
  ];
  for (const [body, kind, path] of cases) {
    const { outcome, malformed } = world.raw(subject, body);
    expect(outcome).toBe('malformed');
    expect(malformed).toMatchObject({ kind, path, subject });
    expect(malformed?.reason).not.toBe('');
  }
  expect(names(world.view.table)).toEqual(['hv1/vm-1']);
  expect(world.view.table.appliedSeq).toBe(2 + cases.length);
});

test('a row whose newest message is malformed is not passed off as live', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1), record('hv1'));
  world.raw(subjects.state('hv1', 'domain', uuidOf(1)), '{');
  world.raw(subjects.state('hv1', 'domain', uuidOf(7)), '{');
  world.beat(1_000, { hv1: { upTo: 4 } });
  const found = findDomain(new Asking(world.view, at(1_000)), uuidOf(1)) as { json: string };
  expect(JSON.parse(found.json)).toMatchObject({ trust: 'gap' });
  // Nobody can say that there is no seventh domain; that there is no eighth, the view can.
  expect(findDomain(new Asking(world.view, at(1_000)), uuidOf(7)).kind).toBe('unknown');
  expect(findDomain(new Asking(world.view, at(1_000)), uuidOf(8)).kind).toBe('absent');
  expect(findOnHost(new Asking(world.view, at(1_000)), 'hv1', { name: 'vm-8' }).kind).toBe(
    'unknown',
  );
  world.state(presence('hv1', 1), tombstone('hv1', 7));
  expect(findDomain(new Asking(world.view, at(1_000)), uuidOf(1))).toMatchObject({ kind: 'found' });
  expect(findDomain(new Asking(world.view, at(1_000)), uuidOf(7)).kind).toBe('absent');
});

test('subjects that no writer builds change nothing', () => {
  const world = World.ready('hv1');
  for (const subject of [
    'virt.v1.state.hv1.domain.not-a-uuid',
    'virt.v1.state.hv1.domain',
    'virt.v1.state.hv1.toaster.x',
    'virt.v1.state.hv1.host.hv2',
  ]) {
    expect(world.raw(subject, presence('hv1', 1)).malformed?.kind).toBe('subject');
  }
  expect(world.raw('virt.v1.state.hv1.network.default', {}).outcome).toBe('other-type');
  expect(world.view.table.rows).toBe(0);
});

/** Two hosts, few domains, few epochs: small enough that every kind of clash is common. */
const host = fc.constantFrom('hv1', 'hv2');
const message = fc.oneof(
  fc
    .record({
      host,
      n: fc.integer({ min: 1, max: 4 }),
      epoch: fc.integer({ min: 1, max: 3 }),
      id: fc.option(fc.integer({ min: 1, max: 3 })),
      state: fc.constantFrom('running', 'paused', 'shutoff'),
      name: fc.constantFrom('a', 'b'),
    })
    .map(({ host: on, n, ...more }): StateMessage => ({
      type: 'domain',
      row: presence(on, n, more),
    })),
  fc
    .record({
      host,
      n: fc.integer({ min: 1, max: 4 }),
      epoch: fc.integer({ min: 1, max: 3 }),
    })
    .map(({ host: on, n, epoch }): StateMessage => ({
      type: 'domain',
      row: tombstone(on, n, { epoch }),
    })),
  fc
    .record({
      host,
      epoch: fc.integer({ min: 1, max: 3 }),
      sync: fc.constantFrom('syncing' as const, 'synced' as const, 'lost' as const),
    })
    .map(({ host: on, ...more }): StateMessage => ({ type: 'host', record: record(on, more) })),
);

/** All that a table answers from. */
function contents(table: StateTable): unknown {
  return table.sortedHosts.map((slot) => ({
    host: slot.host,
    record: slot.record,
    synced: slot.syncedEpoch,
    rows: slot.sorted,
    byUuid: [1, 2, 3, 4].map((n) => hostsOf(table.byUuid.get(uuidOf(n)))),
    byName: ['a', 'b'].map((name) => [
      hostsOf(table.byName.get(name)),
      hostsOf(slot.byName.get(name)),
    ]),
    byId: [1, 2, 3].map((id) => hostsOf(slot.byId.get(id))),
    byState: Object.fromEntries(
      [...table.byState].map(([state, rows]) => [state, hostsOf([...rows])]),
    ),
  }));
}

const hostsOf = (rows: readonly { host: string; uuid: string }[]): string[] =>
  rows.map((row) => `${row.host}/${row.uuid}`).toSorted();

const applyAll = (messages: [number, StateMessage][]): StateTable => {
  const table = new StateTable();
  for (const [seq, each] of messages) table.apply(seq, each);
  return table;
};

test('any order and any repetition of the messages gives the same view', () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 25 }).chain((messages) => {
        const numbered = messages.map((each, i): [number, StateMessage] => [i + 1, each]);
        return fc.tuple(
          fc.constant(numbered),
          fc.shuffledSubarray(numbered, { minLength: numbered.length }),
          fc.shuffledSubarray(numbered),
        );
      }),
      ([inOrder, shuffled, again]) => {
        const expected = contents(applyAll(inOrder));
        expect(contents(applyAll([...shuffled, ...again]))).toEqual(expected);
      },
    ),
    { numRuns: 500 },
  );
});

test('the view equals what its rules say of the messages, taken together', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 25 }), (messages) => {
      const table = applyAll(messages.map((each, i) => [i + 1, each]));
      const expected = bruteForce(messages);
      expect(names(table).toSorted()).toEqual(expected.toSorted());
      expect(table.rows).toBe(expected.length);
    }),
    { numRuns: 500 },
  );
});

/** The rules, read off the whole history at once. */
function bruteForce(messages: StateMessage[]): string[] {
  const synced = new Map<string, number>();
  for (const each of messages) {
    if (each.type === 'host' && each.record.sync === 'synced') {
      const held = synced.get(each.record.host) ?? 0;
      synced.set(each.record.host, Math.max(held, each.record.epoch));
    }
  }
  const newest = new Map<string, Presence | Tombstone>();
  for (const each of messages) {
    if (each.type !== 'domain' || each.row.epoch < (synced.get(each.row.host) ?? 0)) continue;
    const key = `${each.row.host}/${each.row.uuid}`;
    const held = newest.get(key);
    if (held === undefined || each.row.epoch >= held.epoch) newest.set(key, each.row);
  }
  return [...newest.values()].flatMap((row) =>
    'tombstone' in row ? [] : `${row.host}/${row.name}`,
  );
}

test('a table can be filled with any bytes and keeps answering', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1), record('hv1'));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (data, token) => {
      for (const subject of [
        subjects.state('hv1', 'domain', uuidOf(1)),
        subjects.hostRecord('hv1'),
        `virt.v1.state.hv1.domain.${token}`,
        token,
      ]) {
        const { outcome } = world.view.stateMessage(++world.seq, subject, data, 0);
        expect(['malformed', 'other-type']).toContain(outcome);
      }
      expect(names(world.view.table)).toEqual(['hv1/vm-1']);
    }),
    { numRuns: 200 },
  );
});

test('a host record keeps its last good word when a malformed one follows', () => {
  const world = World.ready('hv1');
  const good: HostRecord = record('hv1', { hostname: 'one.example' });
  world.state(good);
  world.raw(subjects.hostRecord('hv1'), { ...good, sync: 'perhaps' });
  expect(world.view.table.hosts.get('hv1')?.record).toEqual(good);
});
