import { expect, test } from 'vitest';
import type { ReadOutcome } from './feed-io.ts';
import { emptyBus, Feed, started, startMs, stopped, uuid } from './feed.fixture.ts';

const off: ReadOutcome = { found: true, name: 'vm', id: -1, state: 5, reason: 2 };
const onAgain: ReadOutcome = { found: true, name: 'vm', id: 5, state: 1, reason: 1 };

test('a reboot that shows as stopped and started is one settled story', () => {
  const feed = new Feed();
  feed.libvirt = off;
  feed.hears(stopped);
  feed.pass(4_000);
  feed.libvirt = onAgain;
  feed.hears(started);
  feed.pass(14_999);
  expect(feed.settled).toEqual([]);
  feed.pass(1);
  const before = { state: 'running', id: 4 };
  const after = { state: 'running', id: 5 };
  expect(feed.settled).toMatchObject([{ uuid, name: 'vm', before, after }]);
  feed.pass(60_000);
  expect(feed.settled).toHaveLength(1);
});

test('a settled event names the one before it, and the next one names the settled event', () => {
  const feed = new Feed();
  feed.hears(started);
  feed.pass(15_000);
  feed.hears(stopped);
  const last = feed.told.slice(-3);
  expect(last.map(({ kind }) => kind)).toEqual(['started', 'settled', 'stopped']);
  expect(last.slice(1).map(({ prev }) => prev?.seq)).toEqual(last.slice(0, 2).map((e) => e.seq));
});

test('the row says what is still to be told, and forgets it then', () => {
  const feed = new Feed();
  feed.libvirt = off;
  feed.hears(stopped);
  const at = new Date(startMs + 15_000).toISOString();
  const before = { state: 'running', id: 4 };
  expect(feed.row?.body).toMatchObject({ state: 'shutoff', settling: { before, at } });
  feed.pass(15_000);
  expect(feed.row?.body).not.toHaveProperty('settling');
});

test('a story whose session ended is told by the next one, once', () => {
  const first = new Feed();
  first.libvirt = off;
  first.hears(stopped);
  const rows = first.row === undefined ? [] : [first.row];
  const next = new Feed({ base: { ...emptyBus, rows }, epoch: 101, ms: 9_000 });
  next.pass(5_999);
  expect(next.settled).toEqual([]);
  next.pass(1);
  expect(next.settled).toMatchObject([{ before: { state: 'running', id: 4 } }]);
  // Its row was not rewritten before it died: the event alone says that it was told.
  const third = new Feed({
    base: { ...emptyBus, rows, events: next.settled },
    epoch: 102,
    ms: 16_000,
  });
  third.pass(60_000);
  expect(third.settled).toEqual([]);
});

test('an event whose row was never written is told as a story by the next session', () => {
  const heard = new Feed();
  const rows = heard.row === undefined ? [] : [heard.row];
  heard.hears(stopped);
  const next = new Feed({
    base: { ...emptyBus, rows, events: heard.told.slice(-1) },
    epoch: 101,
    ms: 20_000,
  });
  next.pass(0);
  expect(next.settled).toMatchObject([{ before: { state: 'running', id: 4 } }]);
});

test('a domain that nobody can read is neither there nor absent: its story waits, and has no end', () => {
  const feed = new Feed();
  feed.libvirt = { failed: 'deadline' };
  feed.hears(started);
  feed.pass(74_999);
  expect(feed.settled).toEqual([]);
  feed.pass(1_001);
  expect(feed.settled).toHaveLength(1);
  expect(feed.settled[0]).not.toHaveProperty('after');
});
