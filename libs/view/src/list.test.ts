import fc from 'fast-check';
import { domainListSchema, hostListSchema } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { Asking, type Answer } from './asking.ts';
import { readFilter, type DomainFilter } from './filter.ts';
import { listHosts } from './hosts.ts';
import { listDomains } from './list.ts';
import type { Row } from './row.ts';
import type { Scope } from './scope.ts';
import { runAll } from './sliced.ts';
import { at, presence, record, uuidOf, World } from './world.fixture.ts';

type Page = {
  domains: { host: string; uuid: string; name: string; state: string; trust: string }[];
  nextPageToken?: string;
  unreachable: string[];
};

function ask(world: World, filter: DomainFilter, pageSize?: number, pageToken?: string): Answer {
  const asking = new Asking(world.view, at(1_000));
  return runAll(listDomains(asking, { filter, pageSize, pageToken }));
}

function pageOf(answer: Answer): Page {
  expect(answer.kind).toBe('found');
  const page = JSON.parse((answer as { json: string }).json) as Page;
  expect(domainListSchema.parse(page)).toEqual(page);
  return page;
}

const filterOf = (query: Parameters<typeof readFilter>[0]): DomainFilter => {
  const read = readFilter(query);
  if (!read.ok) throw new Error(read.reason);
  return read.filter;
};

test('a list names the hosts that it cannot vouch for', () => {
  const world = World.ready('hv1', 'hv2', 'hv3');
  world.state(record('hv1'), record('hv2', { sync: 'lost' }), presence('hv1', 1));
  world.beat(1_000, { hv1: { upTo: 3 } });
  expect(pageOf(ask(world, {})).unreachable).toEqual(['hv2', 'hv3']);
  expect(pageOf(ask(world, filterOf({ host: 'hv1' }))).unreachable).toEqual([]);
  // A host that nobody watches may run anything.
  expect(pageOf(ask(world, filterOf({ host: 'hv1,hv9' }))).unreachable).toEqual(['hv9']);
  const hosts = listHosts(new Asking(world.view, at(1_000))) as { json: string };
  const answer = JSON.parse(hosts.json) as object;
  expect(hostListSchema.parse(answer)).toEqual(answer);
  expect(answer).toMatchObject({ unreachable: ['hv2', 'hv3'] });
});

test('a host says how long a round of its audit takes, but not to who sees only some domains', () => {
  const world = World.ready('hv1');
  world.state(record('hv1'), presence('hv1', 1), presence('hv1', 2), presence('hv1', 3));
  const rounds = (scope?: Scope): (number | undefined)[] => {
    const { json } = listHosts(new Asking(world.view, at(1_000), scope)) as { json: string };
    return hostListSchema.parse(JSON.parse(json)).hosts.map((host) => host.auditRoundSeconds);
  };
  expect(rounds()).toEqual([90]);
  const one = (row: Row): boolean => row.uuid === uuidOf(1);
  expect(rounds({ key: 'one', wholeHosts: false, host: () => true, row: one })).toEqual([
    undefined,
  ]);
});

test('filters take several values, and a name with commas is found as it stands', () => {
  const world = World.ready('hv1', 'hv2');
  world.state(
    presence('hv1', 1, { name: 'a,b' }),
    presence('hv1', 2, { name: 'a', state: 'paused' }),
    presence('hv2', 3, { name: 'b', state: 'shutoff', id: null }),
  );
  const uuids = (query: Parameters<typeof readFilter>[0]): string[] =>
    pageOf(ask(world, filterOf(query))).domains.map(({ uuid }) => uuid);
  expect(uuids({ name: 'a' })).toEqual([uuidOf(2)]);
  expect(uuids({ name: 'a,b' })).toEqual([uuidOf(1), uuidOf(2), uuidOf(3)]);
  expect(uuids({ state: 'paused,shutoff' })).toEqual([uuidOf(2), uuidOf(3)]);
  expect(uuids({ host: 'hv2', state: 'running' })).toEqual([]);
});

test('a filter that cannot be meant is refused with the reason', () => {
  expect(readFilter({ state: 'runing' })).toMatchObject({ ok: false });
  expect(readFilter({ host: 'hv1,' })).toMatchObject({ ok: false });
  expect(readFilter({ host: '-x' })).toMatchObject({ ok: false });
  expect(readFilter({ state: 'unknown-9' })).toMatchObject({ ok: true });
});

test('a page token of another filter, or of nobody, is refused', () => {
  const world = World.ready('hv1');
  world.state(presence('hv1', 1), presence('hv1', 2));
  const { nextPageToken } = pageOf(ask(world, filterOf({ state: 'running' }), 1));
  expect(nextPageToken).toBeDefined();
  expect(ask(world, {}, 1, nextPageToken)).toMatchObject({
    kind: 'invalid',
    detail: 'pageToken: it belongs to a list with other filters or another order',
  });
  for (const token of ['', 'x', Buffer.from('[1,2,3,4]').toString('base64url'), 'bnVsbA']) {
    expect(ask(world, {}, 1, token)).toMatchObject({ kind: 'invalid' });
  }
});

test('a walk over the pages is the brute-force answer, whatever the filter and page size', () => {
  const domain = fc.record({
    host: fc.constantFrom('hv1', 'hv2', 'hv3'),
    n: fc.integer({ min: 1, max: 30 }),
    name: fc.constantFrom('a', 'b', 'c'),
    state: fc.constantFrom('running', 'paused', 'shutoff'),
  });
  const some = <T extends string>(...values: T[]): fc.Arbitrary<ReadonlySet<T> | undefined> =>
    fc.option(fc.subarray(values), { nil: undefined }).map((set) => set && new Set(set));
  fc.assert(
    fc.property(
      fc.array(domain, { maxLength: 60 }),
      fc.record({
        hosts: some('hv1', 'hv2', 'hv3', 'hv9'),
        states: some('running', 'paused', 'crashed'),
        names: some('a', 'b', 'z'),
      }),
      fc.integer({ min: 1, max: 7 }),
      (domains, filter, pageSize) => {
        const world = World.ready('hv1', 'hv2', 'hv3');
        const expected = new Map<string, (typeof domains)[number]>();
        for (const each of domains) {
          world.state(presence(each.host, each.n, { name: each.name, state: each.state }));
          expected.set(`${each.host}/${uuidOf(each.n)}`, each);
        }
        const brute = [...expected]
          .filter(
            ([, { host, state, name }]) =>
              (filter.hosts?.has(host) ?? true) &&
              (filter.states?.has(state as 'running') ?? true) &&
              (filter.names?.has(name as 'a') ?? true),
          )
          .map(([key]) => key)
          .toSorted();
        const walked: string[] = [];
        let token: string | undefined;
        do {
          const page = pageOf(ask(world, filter, pageSize, token));
          expect(page.domains.length).toBeLessThanOrEqual(pageSize);
          walked.push(...page.domains.map(({ host, uuid }) => `${host}/${uuid}`));
          token = page.nextPageToken;
        } while (token !== undefined);
        expect(walked).toEqual(brute);
      },
    ),
    { numRuns: 200 },
  );
});
