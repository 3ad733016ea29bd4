import { isTombstone } from '@virtscope/contracts';
import { VIR_DOMAIN_EVENT_STOPPED_MIGRATED } from 'node-libvirt/constants';
import { expect, test } from 'vitest';
import type { ReadOutcome } from './feed-io.ts';
import { emptyBus, Feed, listed, started, stopped, undefinedEvent } from './feed.fixture.ts';

const gone: ReadOutcome = { found: false };
const defined: ReadOutcome = { found: true, name: 'vm', id: -1, state: 5, reason: 4 };
const running: ReadOutcome = { found: true, name: 'vm', id: 5, state: 1, reason: 1 };

function end(feed: Feed): unknown {
  const row = feed.row?.body;
  return row !== undefined && isTombstone(row) ? row.tombstone : row;
}

test('a transient domain that migrated away is gone here, and may run elsewhere', () => {
  const feed = new Feed();
  feed.libvirt = gone;
  feed.hears(stopped, VIR_DOMAIN_EVENT_STOPPED_MIGRATED);
  expect(end(feed)).toMatchObject({ reason: 'gone', departure: 'migrated' });
});

test('so is one whose definition is taken away after it left', () => {
  const feed = new Feed();
  feed.libvirt = defined;
  feed.hears(stopped, VIR_DOMAIN_EVENT_STOPPED_MIGRATED);
  feed.libvirt = gone;
  feed.hears(undefinedEvent);
  expect(end(feed)).toMatchObject({ reason: 'gone', departure: 'migrated' });
});

test('a domain that came back and was destroyed here is not elsewhere', () => {
  const feed = new Feed();
  feed.libvirt = defined;
  feed.hears(stopped, VIR_DOMAIN_EVENT_STOPPED_MIGRATED);
  feed.libvirt = running;
  feed.hears(started);
  feed.libvirt = gone;
  feed.hears(stopped);
  expect(end(feed)).toEqual({ reason: 'gone', at: expect.any(String) as string });
});

test('of what ended while nobody watched, nobody says that it is not elsewhere', () => {
  const before = new Feed();
  const rows = before.row === undefined ? [] : [before.row];
  const record = before.record && { seq: 1, body: before.record };
  const feed = new Feed({
    base: { ...emptyBus, rows, record },
    epoch: 101,
    ms: 60_000,
    isListed: false,
    libvirt: gone,
  });
  expect(end(feed)).toMatchObject({ reason: 'gone', departure: 'unseen' });
});

test.for([
  ['its definition stays', defined],
  ['nothing of it stays', gone],
] as const)(
  'where %s, the settled event of its host says that it left, and not that it ended',
  ([, left]) => {
    const feed = new Feed();
    feed.libvirt = left;
    feed.hears(stopped, VIR_DOMAIN_EVENT_STOPPED_MIGRATED);
    const rows = feed.row === undefined ? [] : [feed.row];
    // The bridge dies in the window, and the next one tells it.
    const next = new Feed({
      base: { ...emptyBus, rows, record: feed.record && { seq: 1, body: feed.record } },
      epoch: 101,
      ms: 5_000,
      isListed: false,
      libvirt: left,
    });
    next.lists(left.found ? [{ ...listed, id: -1, state: 5, reason: 4 }] : []);
    for (const each of [feed, next]) {
      each.pass(15_000);
      expect(each.settled).toMatchObject([{ detail: 'migrated' }]);
    }
  },
);

test('a stop that is one settles without a detail', () => {
  const feed = new Feed();
  feed.libvirt = { found: true, name: 'vm', id: -1, state: 5, reason: 2 };
  feed.hears(stopped);
  feed.pass(15_000);
  expect(feed.settled[0]).not.toHaveProperty('detail');
});
