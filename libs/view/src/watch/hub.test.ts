import fc from 'fast-check';
import { parseRevision } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { Asking } from '../asking.ts';
import { readFilter } from '../filter.ts';
import { listDomains } from '../list.ts';
import { wholeRow } from '../projection.ts';
import { everything } from '../scope.ts';
import { runAll } from '../sliced.ts';
import {
  at,
  bytes,
  config,
  page,
  presence,
  record,
  tombstone,
  uuidOf,
  World,
} from '../world.fixture.ts';
import { WatchHub, defaultWatchLimits, type WatchLimits } from './hub.ts';
import type { WatchQuestion } from './group.ts';
import type { Watcher } from './watcher.ts';

type Frame = { event: string; id: string | undefined; data: Record<string, unknown> };

function parse(text: string): Frame[] {
  return text
    .split('\n\n')
    .filter((each) => each !== '')
    .map((each) => {
      const lines = each.split('\n');
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = JSON.parse(field('data') ?? '{}') as Record<string, unknown>;
      return { event: field('event') ?? '', id: field('id'), data };
    });
}

/** What a client makes of the frames. */
class Client {
  readonly rows = new Map<string, Record<string, unknown>>();
  readonly frames: Frame[] = [];
  revision: string | undefined;
  /** Frames that it can take before it is slow. */
  room = Number.POSITIVE_INFINITY;
  exact = true;

  push = (text: string): boolean => {
    for (const each of parse(text)) this.#take(each);
    return this.frames.length < this.room;
  };

  #take(each: Frame): void {
    this.frames.push(each);
    if (each.id !== undefined) this.revision = each.id;
    const { host, uuid } = each.data;
    const key = `${String(host)}/${String(uuid)}`;
    switch (each.event) {
      case 'reset':
        this.rows.clear();
        break;
      case 'enter':
        if (this.rows.has(key)) this.exact = false;
        this.rows.set(key, each.data);
        break;
      case 'modify':
        if (!this.rows.has(key)) this.exact = false;
        this.rows.set(key, each.data);
        break;
      case 'present':
      case 'upsert':
        this.rows.set(key, each.data);
        break;
      case 'leave':
        this.rows.delete(key);
        break;
    }
  }

  get keys(): string[] {
    return [...this.rows.keys()].toSorted();
  }

  get events(): string[] {
    return this.frames.map(({ event }) => event);
  }
}

const question = (filter?: string): WatchQuestion => {
  const read = readFilter({ filter });
  if (!read.ok) throw new Error(read.reason);
  return { filter: read.filter, projection: wholeRow, scope: everything };
};

function join(hub: WatchHub, client: Client, filter?: string): Watcher {
  const watcher = hub.join(question(filter), client);
  if (typeof watcher === 'string') throw new Error(watcher);
  return watcher;
}

function watch(hub: WatchHub, client: Client, filter?: string): Watcher {
  const watcher = join(hub, client, filter);
  runAll(hub.tell(watcher));
  return watcher;
}

function resume(hub: WatchHub, client: Client, token: string, filter?: string): Watcher {
  const watcher = join(hub, client, filter);
  runAll(hub.tell(watcher, parseRevision(token)?.seq ?? 0));
  return watcher;
}

const hubOf = (world: World, limits?: WatchLimits): WatchHub =>
  new WatchHub(world.view, () => at(1_000), limits);

function listed(world: World, filter?: string): string[] {
  const asking = new Asking(world.view, at(1_000));
  const answer = runAll(listDomains(asking, { filter: question(filter).filter }));
  const { domains } = JSON.parse((answer as { json: string }).json) as {
    domains: { host: string; uuid: string }[];
  };
  return domains.map(({ host, uuid }) => `${host}/${uuid}`);
}

test('what is there is told, then each change as it happens', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1), presence('hv1', 2, { state: 'paused' }));
  const client = new Client();
  watch(hubOf(world), client, 'state == "running"');
  expect(client.events).toEqual(['present', 'synced']);
  world.state(presence('hv1', 2), presence('hv1', 1, { name: 'new' }));
  world.state(presence('hv1', 1, { state: 'paused' }), tombstone('hv1', 2));
  expect(client.events.slice(2)).toEqual(['enter', 'modify', 'leave', 'leave']);
  expect(client.revision).toBe(world.view.revision);
  expect(client.exact).toBe(true);
});

test('a row that is written again under a new epoch, or read again, is no frame', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1, { config: config() }));
  const client = new Client();
  watch(hubOf(world), client);
  const observedAt = '2026-01-02T00:00:00.000Z';
  const again = { epoch: 11, stateObservedAt: observedAt, config: config({ observedAt }) };
  world.state(presence('hv1', 1, again));
  expect(client.events).toEqual(['present', 'synced']);
  world.state(presence('hv1', 1, { ...again, config: config({ xmlHash: 'beef' }) }));
  expect(client.events.slice(2)).toEqual(['modify']);
});

test('a stale row that a sync takes away leaves', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1), presence('hv1', 2), record('hv1'));
  const client = new Client();
  watch(hubOf(world), client);
  world.state(record('hv1', { epoch: 11, sync: 'syncing' }), presence('hv1', 1, { epoch: 11 }));
  world.state(record('hv1', { epoch: 11 }));
  expect(client.keys).toEqual([`hv1/${uuidOf(1)}`]);
  const other = new Client();
  other.rows.set(`hv1/${uuidOf(2)}`, {});
  resume(hubOf(world), other, world.view.revision.replace(/\d+$/, '3'));
  expect(other.keys).toEqual([`hv1/${uuidOf(1)}`]);
});

test('live stats are judged again each tick, without a revision of their own', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1), presence('hv1', 2));
  world.view.statsOpened();
  world.view.statsBrokerTime(0, 0);
  const hub = hubOf(world);
  const sample = (sampleId: number, ...cpu: number[]): void => {
    const body = page('hv1', {
      sampleId,
      uuids: [uuidOf(1), uuidOf(2)],
      ids: [1, 2],
      columns: { 'cpu.time': cpu },
    });
    world.view.statsMessage('virt.v1.stats.hv1.fast.0', bytes(body), 900, 900);
    runAll(hub.tick());
  };
  sample(1, 5, 50);
  const client = new Client();
  watch(hub, client, 'stats.cpu.time > 10');
  sample(2, 20, 50);
  sample(3, 20, 5);
  expect(client.events.filter((each) => each !== 'bookmark')).toEqual(
    'present synced enter leave'.split(' '),
  );
  expect(client.keys).toEqual([`hv1/${uuidOf(1)}`]);
  const again = new Client();
  resume(hub, again, world.view.revision, 'stats.cpu.time > 10');
  expect(again.events).toEqual(['reset', 'present', 'synced']);
});

test('a change of trust is one frame of the host', () => {
  const world = World.ready('hv1', 'hv2');
  world.state(record('hv1'), record('hv2'));
  world.beat(1_000, { hv1: { upTo: 2 }, hv2: { upTo: 2 } });
  const hub = hubOf(world);
  runAll(hub.tick());
  const client = new Client();
  watch(hub, client);
  world.state(record('hv2', { sync: 'lost', problem: 'cut' }));
  runAll(hub.tick());
  runAll(hub.tick());
  const hosts = client.frames.filter(({ event }) => event === 'host');
  expect(hosts.map(({ data }) => data)).toMatchObject([
    { host: 'hv2', trust: 'lost', trustReason: 'cut' },
  ]);
});

test('a stream that was read anew begins every watch anew', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1), presence('hv1', 2), record('hv1'));
  const hub = hubOf(world);
  const client = new Client();
  const watcher = watch(hub, client);
  world.view.stateOpened({ createdMs: 2_000, timeline: 0 }, 'made anew');
  world.seq = 0;
  world.state(presence('hv1', 2, { epoch: 20 }), record('hv1', { epoch: 20 }));
  world.view.stateCaughtUp(2, 0);
  expect(client.events.at(-1)).toBe('reset');
  runAll(hub.catchUp(watcher));
  expect(client.keys).toEqual(listed(world));
  expect(client.events.at(-1)).toBe('synced');
  world.state(presence('hv1', 3, { epoch: 20 }));
  expect(client.keys).toEqual(listed(world));
});

test('limits refuse, and what is left is free again', () => {
  const hub = hubOf(World.ready('hv1'), {
    ...defaultWatchLimits,
    watchers: 2,
    groups: 2,
    liveGroups: 1,
  });
  const first = join(hub, new Client(), 'stats.cpu.time > 1');
  expect(hub.join(question('stats.cpu.time > 2'), new Client())).toMatch(/live stats/);
  join(hub, new Client());
  expect(hub.join(question(), new Client())).toMatch(/2 watch already/);
  hub.leave(first);
  hub.leave(first);
  expect(hub.watchers).toBe(1);
  expect(hub.groups).toBe(1);
  join(hub, new Client());
});

// -- any history

type Step =
  | { is: 'put'; host: string; n: number; state: string; name: string }
  | { is: 'end'; host: string; n: number }
  | { is: 'sync'; host: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constant('put' as const),
      host: fc.constantFrom('hv1', 'hv2'),
      n: fc.integer({ min: 1, max: 6 }),
      state: fc.constantFrom('running', 'paused'),
      name: fc.constantFrom('a', 'b'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('end' as const),
      host: fc.constantFrom('hv1', 'hv2'),
      n: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ is: fc.constant('sync' as const), host: fc.constantFrom('hv1', 'hv2') }),
  },
);

const filters = [
  'state == "running"',
  'name == "a"',
  'host == "hv1" && state != "paused"',
  undefined,
];

/** The same stream, told to several replicas. */
class Stream {
  readonly worlds: World[];
  readonly #epochs = new Map<string, number>();

  constructor(replicas: number) {
    this.worlds = Array.from({ length: replicas }, () => World.ready('hv1', 'hv2'));
  }

  tell(each: Step): void {
    const { host } = each;
    const epoch = this.#epochs.get(host) ?? 10;
    if (each.is === 'sync') {
      // A new session that finds nobody: rows of the one before are stale.
      this.#epochs.set(host, epoch + 1);
      for (const world of this.worlds) world.state(record(host, { epoch: epoch + 1 }));
      return;
    }
    const { n } = each;
    const body =
      each.is === 'end'
        ? tombstone(host, n, { epoch })
        : presence(host, n, { epoch, state: each.state, name: each.name });
    for (const world of this.worlds) world.state(body);
  }
}

test('enter and leave are the difference of sets, whatever happens', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 15 }),
      fc.array(step, { maxLength: 30 }),
      fc.constantFrom(...filters),
      (before, after, filter) => {
        const stream = new Stream(1);
        const [world] = stream.worlds;
        if (world === undefined) return;
        for (const each of before) stream.tell(each);
        const client = new Client();
        watch(hubOf(world), client, filter);
        expect(client.keys).toEqual(listed(world, filter));
        for (const each of after) {
          stream.tell(each);
          expect(client.keys).toEqual(listed(world, filter));
        }
        expect(client.exact).toBe(true);
      },
    ),
    { numRuns: 300 },
  );
});

test('bus rule 7: a watch that was cut at any frame resumes on another replica and ends in the same set', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 15 }),
      fc.array(step, { maxLength: 20 }),
      fc.array(step, { maxLength: 20 }),
      fc.constantFrom(...filters),
      (before, watched, missed, filter) => {
        const stream = new Stream(2);
        const [one, two] = stream.worlds;
        if (one === undefined || two === undefined) return;
        for (const each of before) stream.tell(each);
        const client = new Client();
        const hub = hubOf(one);
        const watcher = watch(hub, client, filter);
        for (const each of watched) stream.tell(each);
        hub.leave(watcher);
        for (const each of missed) stream.tell(each);
        resume(hubOf(two), client, client.revision ?? '', filter);
        expect(client.keys).toEqual(listed(two, filter));
      },
    ),
    { numRuns: 300 },
  );
});

test('a slow watcher is told the newest form of what it missed, and ends in the same set', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 15 }),
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 20 }),
      fc.constantFrom(...filters),
      (before, after, room, filter) => {
        const stream = new Stream(1);
        const [world] = stream.worlds;
        if (world === undefined) return;
        for (const each of before) stream.tell(each);
        const hub = hubOf(world);
        const client = new Client();
        const watcher = watch(hub, client, filter);
        client.room = client.frames.length + room;
        for (const each of after) stream.tell(each);
        expect(client.frames.length).toBeLessThanOrEqual(client.room);
        client.room = Number.POSITIVE_INFINITY;
        runAll(hub.catchUp(watcher));
        expect(client.keys).toEqual(listed(world, filter));
      },
    ),
    { numRuns: 300 },
  );
});

test('changes between the slices of a beginning watch are told once', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 30 }),
      fc.array(step, { maxLength: 30 }),
      fc.constantFrom(...filters),
      (before, during, filter) => {
        const stream = new Stream(1);
        const [world] = stream.worlds;
        if (world === undefined) return;
        // Enough rows that the telling is cut into slices.
        for (let n = 100; n < 200; n++) {
          stream.tell({
            is: 'put',
            host: n % 2 === 0 ? 'hv1' : 'hv2',
            n,
            state: 'running',
            name: 'c',
          });
        }
        for (const each of before) stream.tell(each);
        const client = new Client();
        const hub = hubOf(world);
        const telling = hub.tell(join(hub, client, filter));
        const changes = [...during];
        for (let told = telling.next(); told.done !== true; told = telling.next()) {
          for (const each of changes.splice(0, 10)) stream.tell(each);
        }
        for (const each of changes) stream.tell(each);
        expect(client.keys).toEqual(listed(world, filter));
        expect(client.exact).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});
