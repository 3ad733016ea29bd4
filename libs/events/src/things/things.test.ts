import type { HostRecord, ThingRow, ThingRowType } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import type { FeedEffect, FeedInput, Identity, ListedThing, ThingsOutcome } from '../feed-io.ts';
import type { HostFeed } from '../feed-state.ts';
import { openFeed, pulse, step } from '../host-feed.ts';
import { thingPresenceRow } from './row.ts';
import { relistPeriodMs } from './sync.ts';

const now = { wallMs: 1_800_000_000_000, monotonicMs: 0 };
const types: ThingRowType[] = ['network', 'pool', 'nodedev', 'secret'];
const uuid = (n: number): string => `00000000-0000-4000-8000-00000000000${n}`;

/** A session with a bus that takes everything at once, and a libvirt without domains. */
class Session {
  feed: HostFeed;
  readonly effects: FeedEffect[] = [];
  #stream = 100;

  constructor(known: Identity = {}, things: ThingRow[] = []) {
    const record = { v: 1, type: 'host', host: 'hv1', epoch: 1, sync: 'synced', ...known } as const;
    const [feed, effects] = openFeed(
      {
        host: 'hv1',
        epoch: 2,
        base: {
          rows: [],
          things: things.map((body, i) => ({ seq: i + 1, body })),
          record: { seq: 50, body: { ...record, changedAt: '2026-01-01T00:00:00.000Z' } },
          events: [],
        },
        recordSeq: 51,
        cause: 'a test',
        identityBy: 'hostname',
        facts: { missingKinds: ['network-metadata-change'] },
        things: types.map((type) => ({ type, hasEvents: true })),
      },
      now,
    );
    this.feed = feed;
    this.take(effects);
    this.input({ type: 'listed', startedMs: 0, startedMonotonicMs: 0, domains: [] });
  }

  input(input: FeedInput): void {
    const [feed, effects] = step(this.feed, input, now);
    this.feed = feed;
    this.take(effects);
  }

  take(effects: readonly FeedEffect[]): void {
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.type === 'publish') this.input({ type: 'published', seq: effect.event.seq });
      if (effect.type === 'store') {
        const { key, writeId } = effect;
        this.input({ type: 'stored', key, writeId, seq: ++this.#stream });
      }
    }
  }

  list(of: ThingRowType, outcome: ThingsOutcome): void {
    this.input({ type: 'thingsListed', of, startedMs: now.wallMs, outcome });
  }

  listOthers(but: ThingRowType): void {
    for (const type of types) if (type !== but) this.list(type, { things: [] });
  }

  all<Type extends FeedEffect['type']>(type: Type): Extract<FeedEffect, { type: Type }>[] {
    return this.effects.filter((each): each is Extract<FeedEffect, { type: Type }> => {
      return each.type === type;
    });
  }

  get record(): HostRecord | undefined {
    return this.all('store')
      .map(({ body }) => body)
      .findLast((body): body is HostRecord => body.type === 'host');
  }

  /** The rows that were written, the newest last. */
  get rows(): ThingRow[] {
    return this.all('store').flatMap(({ body }) =>
      body.type === 'host' || body.type === 'domain' ? [] : [body],
    );
  }

  get told(): string[] {
    return this.all('publish').flatMap(({ event }) => event.kind);
  }
}

const network = (n: number): ListedThing => ({
  id: uuid(n),
  name: `net${n}`,
  active: true,
  persistent: true,
  autostart: false,
});

function rowOf(n: number): ThingRow {
  const { id, ...standing } = network(n);
  const by = { host: 'hv1', epoch: 1, seq: 1, lastEvent: null };
  const from = { stateFrom: 'read' as const, stateObservedMs: 0, config: undefined };
  return thingPresenceRow({ type: 'network', id }, { ...standing, ...from }, by);
}

test('types that a daemon does not have are named, and hold nothing up', () => {
  const session = new Session();
  for (const type of types) session.list(type, 'unsupported');
  expect(session.record).toMatchObject({
    sync: 'synced',
    missingKinds: ['network-metadata-change', ...types],
  });
});

test('`synced` waits for the things that were listed, each under this epoch', () => {
  const session = new Session({}, [rowOf(1)]);
  session.listOthers('network');
  expect(session.feed.link).toBe('syncing');
  session.list('network', { things: [network(1)] });
  expect(session.rows).toMatchObject([{ id: uuid(1), epoch: 2, active: true }]);
  expect(session.told).toEqual(['gap', 'gap']);
  expect(session.record).toMatchObject({
    sync: 'synced',
    missingKinds: ['network-metadata-change'],
  });
});

test('a list that hangs lets the host be synced, and its type is complete once it answers', () => {
  const session = new Session();
  session.listOthers('pool');
  session.list('pool', { failed: 'no answer' });
  expect(session.record).toMatchObject({ sync: 'synced' });
  expect(session.record?.missingKinds).toContain('pool');
  expect(session.all('listThings').at(-1)).toMatchObject({ of: 'pool', afterMs: relistPeriodMs });
  session.list('pool', { things: [{ ...network(1), name: 'p' }] });
  expect(session.rows).toMatchObject([{ type: 'pool', name: 'p', epoch: 2 }]);
  expect(session.told).toEqual(['gap', 'gap', 'defined', 'started']);
  expect(session.record?.missingKinds).not.toContain('pool');
});

test('a missing thing ends only on the same daemon, and nobody waits for its proof', () => {
  const session = new Session({ hostname: 'a' }, [rowOf(1)]);
  session.listOthers('network');
  session.list('network', { things: [] });
  const thing = { type: 'network', id: uuid(1) } as const;
  expect(session.all('readThing')).toMatchObject([{ thing, reason: 'sync' }]);
  const absent = { type: 'thingRead', thing, token: 0, startedMs: 0, outcome: { found: false } };
  session.input(absent as FeedInput);
  expect(session.record).toMatchObject({ sync: 'synced' });
  expect(session.record?.missingKinds).toContain('network');
  expect(session.rows).toEqual([]);
  session.input({ type: 'identified', identity: { hostname: 'a' } });
  expect(session.told).toEqual(['gap', 'gap', 'stopped', 'undefined']);
  expect(session.rows).toMatchObject([{ id: uuid(1), tombstone: { reason: 'gone' } }]);
  expect(session.record?.missingKinds).not.toContain('network');
});

test("another daemon's lack of a thing ends nothing", () => {
  const session = new Session({ hostname: 'a' }, [rowOf(1)]);
  session.input({ type: 'identified', identity: { hostname: 'b' } });
  session.list('network', { things: [] });
  expect(session.feed.link).toBe('identity-changed');
  expect(session.rows).toEqual([]);
});

test('a list that lacks most of a type is asked again before anything is proven', () => {
  const rows = [1, 2, 3, 4, 5].map(rowOf);
  const session = new Session({ hostname: 'a' }, rows);
  session.listOthers('network');
  session.list('network', { things: [] });
  expect(session.all('readThing')).toEqual([]);
  expect(session.all('listThings').at(-1)).toMatchObject({ of: 'network', afterMs: 5_000 });
  expect(session.record).toMatchObject({ sync: 'synced' });
  session.list('network', { things: [1, 2, 3, 4, 5].map(network) });
  expect(session.rows).toHaveLength(5);
  expect(session.told).toEqual(['gap', 'gap']);
});

test('an event rewrites its row by its own word, and `seq` waits for no read', () => {
  const session = new Session();
  session.listOthers('network');
  session.list('network', { things: [network(1)] });
  session.input({
    type: 'thingOccurred',
    event: {
      kind: 'network-lifecycle',
      network: { uuid: uuid(1), name: 'net1' },
      event: 3,
      detail: 0,
    },
  });
  expect(session.rows.at(-1)).toMatchObject({ active: false, stateFrom: 'event' });
  expect(pulse(session.feed, now).seq).toBe(session.feed.seq);
  // The read of its first listing was under way: the event voids it.
  expect(session.all('readThing')).toHaveLength(1);
});

test('a thing whose id no subject takes is noted and not told', () => {
  const session = new Session();
  const device = { name: 'x'.repeat(300) };
  session.listOthers('nodedev');
  session.list('nodedev', { things: [{ ...network(1), id: device.name }] });
  session.input({
    type: 'thingOccurred',
    event: { kind: 'nodedev-lifecycle', device, event: 0, detail: 0 },
  });
  expect(session.rows).toEqual([]);
  expect(session.told).toEqual(['gap', 'gap']);
  expect(session.all('note').map(({ note }) => note)).toEqual(['thing-refused', 'thing-refused']);
});

test('the audit reads one thing after the other, and tells of a mismatch', () => {
  const session = new Session();
  session.listOthers('network');
  session.list('network', { things: [network(1)] });
  const thing = { type: 'network', id: uuid(1) } as const;
  const answer = (active: boolean): FeedInput => {
    const { id: _id, ...standing } = network(1);
    const config = { observedAt: '2026-01-01T00:00:00.000Z', xmlHash: 'h' };
    const outcome = { found: true as const, ...standing, active, config };
    return { type: 'thingRead', thing, token: 0, startedMs: 0, outcome };
  };
  session.input(answer(true));
  session.input({ type: 'auditDue' });
  expect(session.all('readThing').at(-1)).toMatchObject({ thing, reason: 'audit' });
  session.input(answer(false));
  expect(session.all('note').map(({ note }) => note)).toEqual(['state-mismatch']);
  expect(session.rows.at(-1)).toMatchObject({ active: false, stateFrom: 'read' });
});
