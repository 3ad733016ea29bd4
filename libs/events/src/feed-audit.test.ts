import { expect, test } from 'vitest';
import type { FeedEffect, FeedInput, ListedDomain } from './feed-io.ts';
import type { HostFeed } from './feed-state.ts';
import { openFeed, step } from './host-feed.ts';

const uuid = '6695eb01-f6a4-8304-79aa-97f2502e193f';
const now = { wallMs: 1_800_000_000_000, monotonicMs: 0 };
const listed: ListedDomain = {
  uuid,
  name: 'vm',
  id: 4,
  state: 1,
  reason: 1,
  persistent: true,
  autostart: false,
  managedSave: false,
};
const config = (title: string, autostart = false): FeedInput => ({
  type: 'config',
  uuid,
  outcome: {
    config: {
      observedAt: '2026-01-01T00:00:00.000Z',
      xmlHash: title,
      title,
      disks: [],
      interfaces: [],
    },
    persistent: true,
    autostart,
    managedSave: false,
  },
});

/** A feed that is synced with one running domain; acks everything at once. */
class Feed {
  state: HostFeed;
  effects: FeedEffect[] = [];
  #seq = 10;

  constructor() {
    const [state, effects] = openFeed(
      {
        host: 'hv1',
        epoch: 100,
        base: { rows: [], things: [], record: undefined, events: [] },
        recordSeq: 1,
        cause: 'test',
        identityBy: 'uuid',
        facts: {},
        things: [],
      },
      now,
    );
    this.state = state;
    this.#perform(effects);
    this.input({ type: 'listed', startedMs: 0, startedMonotonicMs: 0, domains: [listed] });
    this.input(config('a'));
  }

  input(input: FeedInput): FeedEffect[] {
    this.effects = [];
    const [state, effects] = step(this.state, input, now);
    this.state = state;
    this.#perform(effects);
    return this.effects;
  }

  #perform(effects: FeedEffect[]): void {
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.type === 'publish') this.#then({ type: 'published', seq: effect.event.seq });
      if (effect.type === 'store') {
        const { key, writeId } = effect;
        this.#then({ type: 'stored', key, writeId, seq: ++this.#seq });
      }
    }
  }

  #then(input: FeedInput): void {
    const [state, effects] = step(this.state, input, now);
    this.state = state;
    this.#perform(effects);
  }
}

const sampled = (state: string, id: number | null = 4): FeedInput => ({
  type: 'sampled',
  states: [{ uuid, id, state }],
});

const notes = (effects: FeedEffect[]): string[] =>
  effects.flatMap((effect) => (effect.type === 'note' ? [effect.note] : []));
const reads = (effects: FeedEffect[]): string[] =>
  effects.flatMap((effect) =>
    effect.type === 'read' || effect.type === 'readConfig' ? [effect.reason] : [],
  );

test('the feed of these tests is synced', () => {
  expect(new Feed().state.link).toBe('synced');
});

test('a domain that differs in two samples in a row is told as a mismatch and read again', () => {
  const feed = new Feed();
  expect(reads(feed.input(sampled('running')))).toEqual([]);
  expect(reads(feed.input(sampled('paused')))).toEqual([]);
  const second = feed.input(sampled('paused'));
  expect(notes(second)).toEqual(['state-mismatch']);
  expect(reads(second)).toEqual(['audit']);
});

test('a state whose reason alone differs is a mismatch too: a start that failed sends no event', () => {
  const feed = new Feed();
  const failed = (): FeedInput => ({
    type: 'sampled',
    states: [{ uuid, id: 4, state: 'running', reason: 'crashed' }],
  });
  feed.input(failed());
  expect(notes(feed.input(failed()))).toEqual(['state-mismatch']);
});

test('one differing sample, or an event between two, is no mismatch', () => {
  const feed = new Feed();
  feed.input(sampled('paused'));
  expect(reads(feed.input(sampled('running')))).toEqual([]);
  feed.input(sampled('paused'));
  feed.input({ type: 'lifecycle', uuid, name: 'vm', event: 3, detail: 0 });
  expect(notes(feed.input(sampled('paused')))).toEqual([]);
});

test('a sample that lacks a domain, or has an unknown one, makes libvirt say what is there', () => {
  const feed = new Feed();
  const other = '7695eb01-f6a4-8304-79aa-97f2502e193f';
  expect(
    reads(feed.input({ type: 'sampled', states: [{ uuid: other, id: 5, state: 'running' }] })),
  ).toEqual(['event']);
  expect(
    reads(feed.input({ type: 'sampled', states: [{ uuid: other, id: 5, state: 'running' }] })),
  ).toEqual(['audit']);
});

test('a configuration that changed without an event is found, told with its fields and repaired', () => {
  const feed = new Feed();
  expect(reads(feed.input({ type: 'auditDue' }))).toEqual(['audit']);
  expect(notes(feed.input(config('a')))).toEqual([]);
  feed.input({ type: 'auditDue' });
  const found = feed.input(config('b', true));
  expect(found).toContainEqual({
    type: 'note',
    note: 'config-mismatch',
    uuid,
    detail: 'xmlHash, title, autostart',
  });
  expect(feed.state.entries.get(uuid)?.truth).toMatchObject({ autostart: true });
});

test('a configuration that an event asked to read is no mismatch', () => {
  const feed = new Feed();
  feed.input({ type: 'auditDue' });
  feed.input({ type: 'lifecycle', uuid, name: 'vm', event: 0, detail: 1 });
  expect(notes(feed.input(config('b')))).toEqual([]);
});
