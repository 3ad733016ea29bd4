import { isTombstone } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { Feed, listed, uuid } from './feed.fixture.ts';

const relistMs = 10_000;
const off = { ...listed, id: -1, state: 5, reason: 2 };

/** What was told since the first list. */
function toldAfterSync(feed: Feed): [string, boolean | undefined][] {
  const end = feed.told.findLastIndex(({ kind }) => kind === 'gap');
  return feed.told.slice(end + 1).map(({ kind, synthesised }) => [kind, synthesised]);
}

function withoutEvents(): Feed {
  const feed = new Feed({ relistMs });
  feed.input({ type: 'config', uuid, outcome: { failed: 'not in this test' } });
  return feed;
}

test('a host without lifecycle events is listed again and again; one with them is not', () => {
  const feed = withoutEvents();
  const again = { type: 'list', afterMs: relistMs, reason: 'relist' };
  expect(feed.relists).toEqual([again]);
  feed.lists([listed]);
  feed.lists([listed]);
  expect(feed.relists).toEqual([again, again, again]);
  expect(toldAfterSync(feed)).toEqual([]);
  expect(new Feed().relists).toEqual([]);
});

test('what changed between two lists is told as a net effect, and the row follows', () => {
  const feed = withoutEvents();
  feed.lists([off]);
  expect(toldAfterSync(feed)).toEqual([['stopped', true]]);
  expect(feed.row?.body).toMatchObject({ state: 'shutoff', stateReason: 'destroyed', id: null });
  feed.lists([{ ...listed, id: 9 }]);
  expect(toldAfterSync(feed).slice(1)).toEqual([['started', true]]);
  expect(feed.row?.body).toMatchObject({ state: 'running', id: 9 });
  const [stopped, started] = feed.told.slice(-2);
  expect(started?.prev).toEqual({ epoch: stopped?.epoch, seq: stopped?.seq });
  feed.lists([{ ...listed, id: 9, autostart: true }]);
  expect(toldAfterSync(feed)).toHaveLength(2);
  expect(feed.row?.body).toMatchObject({ autostart: true });
});

test('what the list lacks ends only when libvirt says so itself', () => {
  const feed = withoutEvents();
  feed.lists([]);
  // The list was wrong: the look-up found it.
  expect(feed.row?.body).toMatchObject({ state: 'running' });
  feed.libvirt = { found: false };
  feed.lists([]);
  const row = feed.row?.body;
  expect(row !== undefined && isTombstone(row) && row.tombstone.reason).toBe('gone');
  expect(toldAfterSync(feed)).toEqual([
    ['stopped', true],
    ['undefined', true],
  ]);
});

test('a keepalive verifies nothing here; a list does, from its start', () => {
  const feed = withoutEvents();
  feed.ms = 8_000;
  feed.input({ type: 'pong', startedMonotonicMs: 7_990, eventsReceived: 0 });
  expect(feed.pulse().verifiedAgeMs).toBe(8_000);
  feed.lists([listed]);
  expect(feed.pulse().verifiedAgeMs).toBe(0);
});
