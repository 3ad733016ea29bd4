import { presencesDigestText, type HostRecord } from '@virtscope/contracts';
import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Asking } from './asking.ts';
import { findDomain } from './lookup.ts';
import { WatchHub } from './watch/hub.ts';
import {
  at,
  bytes,
  presence,
  record,
  subjectOf,
  tombstone,
  uuidOf,
  World,
} from './world.fixture.ts';

/** The record of hv1 over these domains and the sequences of their rows. */
function digested(rows: Record<number, number>, more: Partial<HostRecord> = {}): HostRecord {
  const lying = Object.entries(rows).map(([n, seq]) => ({ uuid: uuidOf(Number(n)), seq }));
  const digest = hash('sha256', presencesDigestText(lying), 'base64url');
  return record('hv1', { digest, presences: lying.length, ...more });
}

/** hv1 is live, with domains 1 (sequence 1) and 2 (sequence 2). */
function world(): World {
  const made = World.ready('hv1');
  made.state(presence('hv1', 1), presence('hv1', 2), digested({ 1: 1, 2: 2 }));
  made.beat(1_000, { hv1: { upTo: 3 } });
  return made;
}

/** What lies on the bus, as a read of the host's subjects after `asOf` found it. */
function reread(made: World, asOf: number, ...lying: [number, Parameters<typeof subjectOf>[0]][]) {
  const messages = lying.map(([seq, body]) => ({
    seq,
    subject: subjectOf(body),
    data: bytes(body),
  }));
  return made.view.hostReread('hv1', { table: made.view.table, asOf }, messages, 1_000);
}

const stateOf = (made: World, n: number): string =>
  findDomain(new Asking(made.view, at(1_000)), uuidOf(n)).kind;

test('a record that fits what was followed raises no doubt', () => {
  const made = world();
  made.state(tombstone('hv1', 2), digested({ 1: 1 }));
  expect(made.view.doubts.size).toBe(0);
});

test('a host whose rows do not fit its record is not live until it was read again', () => {
  const made = world();
  made.state(digested({ 1: 1, 3: 4 }));
  expect(made.view.trustOf('hv1', 1_000)).toMatchObject({ trust: 'syncing' });
  reread(made, 4, [1, presence('hv1', 1)], [4, presence('hv1', 3)], [4, digested({ 1: 1, 3: 4 })]);
  expect(made.view.doubts.size).toBe(0);
  expect(made.view.trustOf('hv1', 1_000)).toMatchObject({ trust: 'live' });
  expect([stateOf(made, 1), stateOf(made, 2), stateOf(made, 3)]).toEqual([
    'found',
    'unknown', // it ran when it was last seen, and nobody said how it ended
    'found',
  ]);
});

test('bus rule 6: an end that was purged while the view was away is found by the record', () => {
  const made = world();
  made.view.stateLost('the connection broke');
  // The tombstone of 2 lay at sequence 4, and is gone.
  made.seq = 4;
  made.state(digested({ 1: 1 }, { purgedThrough: 4 }));
  expect(made.view.doubts.size).toBe(0);
  made.view.stateCaughtUp(5, 1_000);
  expect([...made.view.doubts.keys()]).toEqual(['hv1']);
  reread(made, 5, [1, presence('hv1', 1)], [5, digested({ 1: 1 }, { purgedThrough: 4 })]);
  expect(made.view.table.rows).toBe(1);
});

test('a feed that catches up judges no record: rows were written over since', () => {
  const made = world();
  made.view.stateLost('the connection broke');
  made.state(digested({ 1: 1, 3: 99 }));
  made.view.stateCaughtUp(4, 1_000);
  expect(made.view.doubts.size).toBe(0);
});

test('a read says nothing of what is newer than it, and gives nothing before its turn', () => {
  const made = world();
  const { view } = made;
  made.state(presence('hv1', 3));
  reread(made, 3, [1, presence('hv1', 1)], [2, presence('hv1', 2)], [9, presence('hv1', 9)]);
  expect(view.table.rows).toBe(3);
  expect(view.table.appliedSeq).toBe(4);
  expect(stateOf(made, 9)).toBe('absent');
});

test('a row whose message cannot be read stays, and is told', () => {
  const made = world();
  const [subject] = [subjectOf(presence('hv1', 2))];
  const messages = [{ seq: 9, subject, data: bytes('no row') }];
  const malformed = made.view.hostReread('hv1', { table: made.view.table, asOf: 9 }, messages, 0);
  expect(malformed).toMatchObject([{ subject, kind: 'json' }]);
  expect(stateOf(made, 2)).toBe('found');
});

test('a read that began before the rows were replaced is not taken', () => {
  const made = world();
  const { table } = made.view;
  made.view.stateOpened({ createdMs: 2_000, timeline: 0 }, 'made anew');
  made.state(presence('hv1', 1));
  made.view.stateCaughtUp(made.seq, 1_000);
  made.view.hostReread('hv1', { table, asOf: 1_000 }, [], 1_000);
  expect(made.view.table.rows).toBeGreaterThan(0);
});

test('a watch cannot be resumed below what was purged: its watcher may hold what ended', () => {
  const made = world();
  const hub = new WatchHub(made.view, () => at(1_000));
  const before = made.view.revisionAt(3);
  expect(hub.cannotResume(before)).toBeUndefined();
  made.state(tombstone('hv1', 2), digested({ 1: 1 }, { purgedThrough: 4 }));
  expect(hub.cannotResume(before)).toContain('not remembered');
  expect(hub.cannotResume(made.view.revision)).toBeUndefined();
});
