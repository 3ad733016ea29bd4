import type { DomainRow, EventData } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import type { BusBase } from './base.ts';
import type { FeedEffect, FeedInput, ReadOutcome } from './feed-io.ts';
import type { HostFeed } from './feed-state.ts';
import { openFeed, step } from './host-feed.ts';

const uuid = '6695eb01-f6a4-8304-79aa-97f2502e193f';
const [started, stopped] = [2, 5];
const emptyBus: BusBase = { rows: [], things: [], record: undefined, events: [] };
const startMs = 1_800_000_000_000;

/** A feed with one domain that runs; acks everything at once, and reads what `libvirt` says. */
class Feed {
  libvirt: ReadOutcome = { found: true, name: 'vm', id: 4, state: 1, reason: 1 };
  readonly told: EventData[] = [];
  row: { seq: number; body: DomainRow } | undefined;
  /** The wakes that were wished for, by when they are due. */
  wakes: number[] = [];
  ms: number;
  #state: HostFeed;
  #seq = 10;

  constructor(base: BusBase = emptyBus, epoch = 100, ms = 0) {
    this.ms = ms;
    const [state, effects] = openFeed(
      {
        host: 'hv1',
        epoch,
        base,
        recordSeq: 1,
        cause: 'test',
        identityBy: 'uuid',
        facts: {},
        things: [],
      },
      this.#now(),
    );
    this.#state = state;
    this.#perform(effects);
    const bulk = { persistent: true, autostart: false, managedSave: false };
    const domains = [{ uuid, name: 'vm', id: 4, state: 1, reason: 1, ...bulk }];
    this.input({ type: 'listed', startedMs: 0, startedMonotonicMs: 0, domains });
    this.input({ type: 'config', uuid, outcome: { failed: 'not in this test' } });
  }

  input(input: FeedInput): void {
    const [state, effects] = step(this.#state, input, this.#now());
    this.#state = state;
    this.#perform(effects);
  }

  hears(event: number): void {
    this.input({ type: 'lifecycle', uuid, name: 'vm', event, detail: 0 });
  }

  /** Moves the clock, and wakes whatever is due on the way. */
  pass(ms: number): void {
    const untilMs = this.ms + ms;
    for (;;) {
      const next = Math.min(...this.wakes);
      if (next > untilMs) break;
      this.wakes = this.wakes.filter((each) => each !== next);
      this.ms = Math.max(this.ms, next);
      this.input({ type: 'settleDue', uuid });
    }
    this.ms = untilMs;
  }

  get settled(): EventData[] {
    return this.told.filter(({ kind }) => kind === 'settled');
  }

  #now(): { wallMs: number; monotonicMs: number } {
    return { wallMs: startMs + this.ms, monotonicMs: this.ms };
  }

  #perform(effects: readonly FeedEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'publish') {
        this.told.push(effect.event);
        this.input({ type: 'published', seq: effect.event.seq });
      } else if (effect.type === 'store') {
        const { key, writeId, body } = effect;
        const seq = ++this.#seq;
        if (body.type === 'domain') this.row = { seq, body };
        this.input({ type: 'stored', key, writeId, seq });
      } else if (effect.type === 'read') {
        const { token } = effect;
        this.input({ type: 'read', uuid, token, startedMs: this.ms, outcome: this.libvirt });
      } else if (effect.type === 'settleLater') {
        this.wakes.push(this.ms + effect.afterMs);
      }
    }
  }
}

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
  const next = new Feed({ ...emptyBus, rows }, 101, 9_000);
  next.pass(5_999);
  expect(next.settled).toEqual([]);
  next.pass(1);
  expect(next.settled).toMatchObject([{ before: { state: 'running', id: 4 } }]);
  // Its row was not rewritten before it died: the event alone says that it was told.
  const third = new Feed({ ...emptyBus, rows, events: next.settled }, 102, 16_000);
  third.pass(60_000);
  expect(third.settled).toEqual([]);
});

test('an event whose row was never written is told as a story by the next session', () => {
  const heard = new Feed();
  const rows = heard.row === undefined ? [] : [heard.row];
  heard.hears(stopped);
  const next = new Feed({ ...emptyBus, rows, events: heard.told.slice(-1) }, 101, 20_000);
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
