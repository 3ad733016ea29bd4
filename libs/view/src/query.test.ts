import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Asking, type Answer } from './asking.ts';
import { getBatch } from './batch.ts';
import { freshnessOf, isTagged } from './entity-tag.ts';
import { readFilter, type FilterQuery } from './filter.ts';
import { listDomains, streamDomains, type ListQuery } from './list.ts';
import { readOrder } from './order.ts';
import { readFields } from './projection.ts';
import type { Scope } from './scope.ts';
import { runAll } from './sliced.ts';
import { readPaths, summarise } from './summary.ts';
import { findUsage } from './usage.ts';
import {
  at,
  bytes,
  config,
  entry,
  page,
  presence,
  record,
  tombstone,
  uuidOf,
  World,
} from './world.fixture.ts';

type Body = Record<string, unknown> & {
  domains: Record<string, unknown>[];
  nextPageToken?: string;
  unreachable: string[];
};

const bodyOf = (answer: Answer): Body => {
  expect(answer).toMatchObject({ kind: 'found' });
  return JSON.parse((answer as { json: string }).json) as Body;
};

type Read<T> = ({ ok: true } & T) | { ok: false; reason: string };

function must<T>(read: Read<T>): T {
  if (!read.ok) throw new Error(read.reason);
  return read;
}

type Asked = FilterQuery & { orderBy?: string; fields?: string } & Omit<
    ListQuery,
    'filter' | 'order' | 'projection'
  >;

function query({
  orderBy,
  fields,
  pageSize,
  pageToken,
  topK,
  maxAgeMs,
  explain,
  ...filter
}: Asked): ListQuery {
  return {
    filter: must(readFilter(filter)).filter,
    order: orderBy === undefined ? undefined : must(readOrder(orderBy)).order,
    projection: fields === undefined ? undefined : must(readFields(fields)).projection,
    pageSize,
    pageToken,
    topK,
    maxAgeMs,
    explain,
  };
}

const only = (...hosts: string[]): Scope => ({
  key: hosts.join(','),
  host: (host) => hosts.includes(host),
  wholeHosts: true,
  row: () => true,
});

function ask(world: World, asked: Asked, scope?: Scope): Answer {
  return runAll(listDomains(new Asking(world.view, at(1_000), scope), query(asked)));
}

function small(): World {
  const world = World.ready();
  world.apply(entry('hv1', { labels: { zone: 'a' } }), entry('hv2', { labels: { zone: 'b' } }));
  world.state(
    presence('hv1', 1, { name: 'c', config: config({ vcpusCurrent: 2 }) }),
    presence('hv1', 2, {
      name: 'a',
      state: 'paused',
      config: config({ disks: [], interfaces: [] }),
    }),
    presence('hv2', 3, {
      name: 'b',
      config: config({ vcpusCurrent: 1, disks: [], interfaces: [] }),
    }),
    record('hv1'),
    record('hv2'),
  );
  world.beat(1_000, { hv1: { upTo: 5 }, hv2: { upTo: 5 } });
  world.view.statsOpened();
  world.view.statsBrokerTime(0, 0);
  const uuids = [uuidOf(1), uuidOf(2)];
  const columns = { 'cpu.time': [10, 90], 'net.0.rx.bytes': [5, null] };
  const body = page('hv1', { uuids, ids: [1, 2], columns });
  world.view.statsMessage('virt.v1.stats.hv1.fast.0', bytes(body), 900, 900);
  return world;
}

const names = (answer: Answer): unknown[] => bodyOf(answer).domains.map(({ name }) => name);

test('a list is ordered by its keys, and what has none stands last in both directions', () => {
  const world = small();
  expect(names(ask(world, { orderBy: 'name' }))).toEqual(['a', 'b', 'c']);
  expect(names(ask(world, { orderBy: 'stats.cpu.time' }))).toEqual(['c', 'a', 'b']);
  expect(names(ask(world, { orderBy: 'stats.cpu.time desc' }))).toEqual(['a', 'c', 'b']);
  expect(names(ask(world, { orderBy: 'labels.zone desc, config.vcpusCurrent' }))).toEqual([
    'b',
    'c',
    'a',
  ]);
  expect(readOrder('name down')).toMatchObject({ ok: false });
  expect(readOrder('nope')).toMatchObject({ ok: false });
});

test('topK gives the first of the order and no token', () => {
  const body = bodyOf(ask(small(), { orderBy: 'name', topK: 2, fields: 'name' }));
  expect(body.domains).toEqual([{ name: 'a' }, { name: 'b' }]);
  expect(body).not.toHaveProperty('nextPageToken');
});

test('fields shows what was asked for, stats with their age, holes left out', () => {
  const fields = 'uuid,id,config.vcpusCurrent,labels.zone,stats.cpu.time,stats.net.*,trust';
  expect(bodyOf(ask(small(), { name: 'a,c', fields })).domains).toEqual([
    {
      uuid: uuidOf(1),
      id: 1,
      trust: 'live',
      config: { vcpusCurrent: 2 },
      labels: { zone: 'a' },
      stats: { 'cpu.time': 10, 'net.0.rx.bytes': 5 },
      samples: { fast: { observedAt: '2026-01-01T00:00:00.000Z', ageMs: 110 } },
    },
    {
      uuid: uuidOf(2),
      id: 2,
      trust: 'live',
      config: { vcpusCurrent: 4 },
      labels: { zone: 'a' },
      stats: { 'cpu.time': 90 },
      samples: { fast: { observedAt: '2026-01-01T00:00:00.000Z', ageMs: 110 } },
    },
  ]);
  expect(readFields('uuid,secret')).toMatchObject({ ok: false });
});

test('a question names the index that answers it', () => {
  const world = World.ready('hv1', 'hv2');
  for (let n = 1; n <= 100; n++) {
    const disk = { type: 'file', target: 'vda', source: `/images/${n}` };
    const mac = `52:54:00:00:00:${n.toString(16).padStart(2, '0')}`;
    const more = { config: config({ disks: [disk], interfaces: [{ type: 'network', mac }] }) };
    world.state(
      presence(n <= 80 ? 'hv1' : 'hv2', n, { ...more, state: n === 7 ? 'paused' : 'running' }),
    );
  }
  const index = (asked: Asked): unknown =>
    bodyOf(ask(world, { ...asked, explain: true }))['explain'];
  expect(index({})).toMatchObject({ index: 'all', candidates: 100, rows: 100 });
  expect(index({ filter: 'name == "vm-7" && state == "running"' })).toMatchObject({
    index: 'name',
  });
  expect(index({ filter: 'state in ["paused"] && trust != "live"' })).toMatchObject({
    index: 'state',
  });
  expect(index({ filter: 'host == "hv2"' })).toMatchObject({ index: 'host', candidates: 20 });
  expect(index({ filter: 'config.disks.exists(d, d.source == "/images/9")' })).toMatchObject({
    index: 'disk',
    candidates: 1,
  });
  expect(
    index({ filter: 'config.interfaces.exists(i, "52:54:00:00:00:09" == i.mac)' }),
  ).toMatchObject({ index: 'mac' });
  expect(index({ filter: 'host == "hv2" || name == "vm-1"' })).toMatchObject({ index: 'all' });
});

test('a scope is applied first: nothing outside changes an answer', () => {
  const world = small();
  const scope = only('hv2');
  const alone = World.ready();
  alone.apply(entry('hv2', { labels: { zone: 'b' } }));
  expect(names(ask(world, {}, scope))).toEqual(['b']);
  expect(names(ask(world, { filter: 'name == "a"' }, scope))).toEqual([]);
  expect(bodyOf(ask(world, { explain: true }, scope))['explain']).toMatchObject({ rows: null });
  const hv1Lost = small();
  hv1Lost.state(record('hv1', { sync: 'lost' }));
  expect(bodyOf(ask(hv1Lost, {}, scope)).unreachable).toEqual([]);
  const asking = new Asking(hv1Lost.view, at(1_000), scope);
  expect(findUsage(asking, { name: 'c' })).toMatchObject({ kind: 'found' });
  // A user may be where the caller does not see.
  expect(bodyOf(findUsage(asking, { name: 'c' }))['verdict']).toBe('unknown');
  const token = bodyOf(ask(world, { pageSize: 1 }, only('hv1'))).nextPageToken ?? '';
  expect(ask(world, { pageSize: 1, pageToken: token })).toMatchObject({ kind: 'invalid' });
});

test('an answer older than maxAge is refused, and the hosts named', () => {
  const world = small();
  const fields = 'name,state';
  expect(ask(world, { maxAgeMs: 500, fields })).toMatchObject({ kind: 'found' });
  expect(ask(world, { maxAgeMs: 50, fields })).toMatchObject({
    kind: 'too-old',
    unreachable: ['hv1', 'hv2'],
  });
  expect(ask(world, { host: 'hv1', maxAgeMs: 105, fields: 'stats' })).toMatchObject({
    kind: 'too-old',
    unreachable: ['hv1'],
  });
  expect(ask(world, { host: 'hv1', maxAgeMs: 5_000, fields: 'stats' })).toMatchObject({
    kind: 'found',
  });
});

test('a tag changes with revision, trust and shown stats, and with nothing else', () => {
  const world = small();
  const tag = (nowMs: number, stats = false): string =>
    freshnessOf(new Asking(world.view, at(nowMs)), ['hv1', 'hv2'], { stats, question: 'q' }).etag;
  const first = tag(1_000);
  world.beat(1_500, { hv1: { upTo: 5 }, hv2: { upTo: 5 } });
  expect(tag(1_500)).toBe(first);
  const withStats = tag(1_500, true);
  world.view.statsMessage(
    'virt.v1.stats.hv1.fast.0',
    bytes(page('hv1', { sampleId: 2 })),
    1_400,
    1_400,
  );
  expect(tag(1_500)).toBe(first);
  expect(tag(1_500, true)).not.toBe(withStats);
  expect(tag(60_000)).not.toBe(first);
  world.state(presence('hv1', 9));
  expect(tag(1_500)).not.toBe(first);
  expect(isTagged(`"x", ${first}`, first)).toBe(true);
  expect(isTagged('"x"', first)).toBe(false);
});

test('a batch answers in the order asked and says of each missing one what is known', () => {
  const world = small();
  const asked = [uuidOf(3), uuidOf(99), uuidOf(1)];
  const body = bodyOf(getBatch(new Asking(world.view, at(1_000)), asked));
  expect(body.domains.map(({ uuid }) => uuid)).toEqual([uuidOf(3), uuidOf(1)]);
  expect(body['missing']).toMatchObject([{ uuid: uuidOf(99), verdict: 'absent' }]);
  world.state(record('hv2', { sync: 'lost' }));
  const doubtful = bodyOf(getBatch(new Asking(world.view, at(1_000)), asked));
  expect(doubtful['missing']).toMatchObject([{ uuid: uuidOf(99), verdict: 'unknown' }]);
});

test('an image is used by whose chain it lies in, or whose job copies to it', () => {
  const disk = {
    type: 'file',
    target: 'vda',
    source: '/images/top',
    backing: [{ type: 'file', source: '/images/base' }],
    mirror: { type: 'file', source: '/images/copy' },
  };
  const world = small();
  world.state(presence('hv1', 9, { config: config({ disks: [disk], labels: { a: 'b' } }) }));
  for (const path of ['/images/top', '/images/base', '/images/copy']) {
    const answer = bodyOf(findUsage(new Asking(world.view, at(1_000)), { disk: path }));
    expect(answer['verdict'], path).toBe('used');
  }
  const [row] = world.view.table.byDisk.get('/images/top');
  expect(row?.config).toMatchObject({ disks: [disk], labels: { a: 'b' } });
});

test('a disk or MAC is free only when every domain of every live host was read', () => {
  const world = small();
  const verdict = (used: Parameters<typeof findUsage>[1]): unknown =>
    bodyOf(findUsage(new Asking(world.view, at(1_000)), used))['verdict'];
  expect(verdict({ disk: '/images/1.qcow2' })).toBe('used');
  expect(verdict({ mac: '52:54:00:00:00:01'.toUpperCase() })).toBe('used');
  expect(verdict({ name: 'c' })).toBe('used');
  expect(verdict({ disk: '/images/2.qcow2' })).toBe('free');
  world.state(presence('hv2', 4));
  expect(verdict({ disk: '/images/2.qcow2' })).toBe('unknown');
  expect(verdict({ name: 'nope' })).toBe('free');
  world.state(presence('hv2', 4, { config: config({ disks: [], omitted: ['disks'] }) }));
  expect(verdict({ disk: '/images/2.qcow2' })).toBe('unknown');
  expect(verdict({ mac: '52:54:00:00:00:99' })).toBe('free');
  world.state(tombstone('hv2', 4), record('hv1', { sync: 'lost' }));
  expect(verdict({ disk: '/images/2.qcow2' })).toBe('unknown');
  expect(verdict({ disk: '/images/1.qcow2' })).toBe('used');
});

test('a leased address is used by the domain whose interface it was lent to', () => {
  const world = small();
  const lent = (host: string, sampleId: number, fields: Record<string, string | number>): void => {
    const body = page(host, {
      tier: 'host',
      sampleId,
      uuids: [],
      ids: [],
      columns: {},
      groups: { lease: 'complete' },
      hostFields: fields,
    });
    world.view.statsMessage(`virt.v1.stats.${host}.host.0`, bytes(body), 0, 0);
  };
  const ask = (ip: string): Record<string, unknown> =>
    bodyOf(findUsage(new Asking(world.view, at(1_000)), { ip }));
  const lease = (mac: string): Record<string, string | number> => ({
    'lease.0.network': 'default',
    'lease.0.mac': mac,
    'lease.0.address': '192.168.122.10',
    'lease.0.prefix': 24,
  });
  expect(ask('192.168.122.10')).toMatchObject({ verdict: 'unknown' });
  lent('hv1', 1, lease('52:54:00:00:00:01'));
  expect(ask('192.168.122.10')).toMatchObject({ verdict: 'used', count: 1 });
  // hv2 does not tell what it lent.
  expect(ask('192.168.122.11')).toMatchObject({ verdict: 'unknown', unreachable: ['hv2'] });
  lent('hv2', 1, {});
  expect(ask('192.168.122.11')).toMatchObject({ verdict: 'free' });
  lent('hv1', 2, lease('52:54:00:ff:ff:ff'));
  expect(ask('192.168.122.10')).toMatchObject({ verdict: 'unknown', unreachable: ['hv1'] });
  lent('hv1', 3, {});
  expect(ask('192.168.122.10')).toMatchObject({ verdict: 'free' });
});

test('a host device is one of its host, and any USB device may be a nameless one', () => {
  const world = small();
  const device = { type: 'pci', source: '0000:01:00.0' };
  world.state(presence('hv1', 9, { config: config({ disks: [], hostDevices: [device] }) }));
  const verdict = (host: string, hostDevice: string): unknown =>
    bodyOf(findUsage(new Asking(world.view, at(1_000)), { host, hostDevice }))['verdict'];
  expect(verdict('hv1', '0000:01:00.0')).toBe('used');
  expect(verdict('hv2', '0000:01:00.0')).toBe('free');
  expect(verdict('hv1', '0000:02:00.0')).toBe('free');
  const nameless = { type: 'usb', vendorId: '0x1d6b', productId: '0x0002' };
  world.state(presence('hv2', 8, { config: config({ disks: [], hostDevices: [nameless] }) }));
  expect(verdict('hv2', '1.2')).toBe('unknown');
});

test('a summary counts, and sums over those that have the field', () => {
  const asking = new Asking(small().view, at(1_000));
  const by = must(readPaths('labels.zone')).paths;
  const sum = must(readPaths('config.vcpusCurrent,stats.cpu.time')).paths;
  expect(bodyOf(runAll(summarise(asking, { filter: {}, by, sum })))['groups']).toEqual([
    {
      by: { 'labels.zone': 'a' },
      count: 2,
      sums: { 'config.vcpusCurrent': { sum: 6, of: 2 }, 'stats.cpu.time': { sum: 100, of: 2 } },
    },
    {
      by: { 'labels.zone': 'b' },
      count: 1,
      sums: { 'config.vcpusCurrent': { sum: 1, of: 1 }, 'stats.cpu.time': { sum: 0, of: 0 } },
    },
  ]);
});

// -- the brute-force answer

const domain = fc.record({
  host: fc.constantFrom('hv1', 'hv2', 'hv3'),
  n: fc.integer({ min: 1, max: 20 }),
  name: fc.constantFrom('a', 'b', 'c'),
  state: fc.constantFrom('running', 'paused', 'shutoff'),
  vcpus: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  cpu: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
});
type Domain = typeof domain extends fc.Arbitrary<infer T> ? T : never;

const condition: fc.Arbitrary<{ text: string; holds: (d: Domain) => boolean }> = fc.oneof(
  fc.constantFrom('a', 'b', 'z').map((name) => ({
    text: `name == "${name}"`,
    holds: (d: Domain) => d.name === name,
  })),
  fc.constantFrom('hv1', 'hv2', 'hv9').map((host) => ({
    text: `host in ["${host}", "hv3"]`,
    holds: (d: Domain) => d.host === host || d.host === 'hv3',
  })),
  fc.constantFrom('running', 'paused').map((state) => ({
    text: `state != "${state}"`,
    holds: (d: Domain) => d.state !== state,
  })),
  fc.integer({ min: 0, max: 5 }).map((least) => ({
    text: `stats.cpu.time >= ${least}`,
    holds: (d: Domain) => d.cpu !== undefined && d.cpu >= least,
  })),
  fc.integer({ min: 1, max: 3 }).map((vcpus) => ({
    text: `config.vcpusCurrent == ${vcpus}`,
    holds: (d: Domain) => d.vcpus === vcpus,
  })),
);

const orderKey = fc.record({
  path: fc.constantFrom('name', 'state', 'config.vcpusCurrent', 'stats.cpu.time'),
  descending: fc.boolean(),
});

const values: Record<string, (d: Domain) => string | number | undefined> = {
  name: (d) => d.name,
  state: (d) => d.state,
  'config.vcpusCurrent': (d) => d.vcpus,
  'stats.cpu.time': (d) => d.cpu,
};

function fill(domains: readonly Domain[]): World {
  const world = World.ready('hv1', 'hv2', 'hv3');
  world.view.statsOpened();
  world.view.statsBrokerTime(0, 0);
  for (const each of domains) {
    const vcpusCurrent = each.vcpus;
    const more = { config: { ...config(), vcpusCurrent } };
    world.state(
      presence(each.host, each.n, {
        name: each.name,
        state: each.state,
        ...(JSON.parse(JSON.stringify(more)) as object),
      }),
    );
  }
  for (const [host, group] of Map.groupBy(domains, (each) => each.host)) {
    const uuids = group.map(({ n }) => uuidOf(n));
    const columns = { 'cpu.time': group.map(({ cpu }) => cpu ?? null) };
    const body = page(host, { uuids, ids: group.map(({ n }) => n), columns });
    world.view.statsMessage(`virt.v1.stats.${host}.fast.0`, bytes(body), 900, 900);
  }
  return world;
}

const unique = (domains: readonly Domain[]): Domain[] => [
  ...new Map(domains.map((each) => [`${each.host}/${each.n}`, each])).values(),
];

function brute(
  domains: readonly Domain[],
  conditions: readonly { holds: (d: Domain) => boolean }[],
  keys: readonly { path: string; descending: boolean }[],
): string[] {
  const compare = (a: Domain, b: Domain): number => {
    for (const { path, descending } of keys) {
      const [x, y] = [values[path]?.(a), values[path]?.(b)];
      if (x === y) continue;
      if (x === undefined) return 1;
      if (y === undefined) return -1;
      return (x < y ? -1 : 1) * (descending ? -1 : 1);
    }
    return `${a.host}/${uuidOf(a.n)}` < `${b.host}/${uuidOf(b.n)}` ? -1 : 1;
  };
  return domains
    .filter((each) => conditions.every(({ holds }) => holds(each)))
    .toSorted(compare)
    .map((each) => `${each.host}/${uuidOf(each.n)}`);
}

function walk(world: World, asked: Asked): string[] {
  const walked: string[] = [];
  let pageToken: string | undefined;
  do {
    const body = bodyOf(ask(world, pageToken === undefined ? asked : { ...asked, pageToken }));
    expect(body.domains.length).toBeLessThanOrEqual(asked.pageSize ?? 1_000);
    walked.push(...body.domains.map(({ host, uuid }) => `${String(host)}/${String(uuid)}`));
    pageToken = body.nextPageToken;
  } while (pageToken !== undefined);
  return walked;
}

test('any filter, order and page size walks the brute-force answer', () => {
  fc.assert(
    fc.property(
      fc.array(domain, { maxLength: 40 }).map(unique),
      fc.array(condition, { maxLength: 3 }),
      fc.array(orderKey, { maxLength: 3 }),
      fc.integer({ min: 1, max: 7 }),
      (domains, conditions, keys, pageSize) => {
        const asked: Asked = { pageSize };
        if (conditions.length > 0) asked.filter = conditions.map(({ text }) => text).join(' && ');
        if (keys.length > 0) {
          asked.orderBy = keys
            .map(({ path, descending }) => `${path}${descending ? ' desc' : ''}`)
            .join(',');
        }
        const world = fill(domains);
        const expected = brute(domains, conditions, keys);
        expect(walk(world, asked)).toEqual(expected);
        const lines: string[] = [];
        runAll(
          streamDomains(new Asking(world.view, at(1_000)), query(asked), (line) =>
            lines.push(line),
          ),
        );
        expect(JSON.parse(lines.pop() ?? '')).toMatchObject({
          complete: true,
          rows: expected.length,
        });
        expect(
          new Set(
            lines
              .map((line) => JSON.parse(line) as { uuid: string; host: string })
              .map(({ host, uuid }) => `${host}/${uuid}`),
          ),
        ).toEqual(new Set(expected));
      },
    ),
    { numRuns: 300 },
  );
});

test('a walk under churn sees all that stayed at its place exactly once', () => {
  fc.assert(
    fc.property(
      fc.array(domain, { minLength: 3, maxLength: 30 }).map(unique),
      fc.array(fc.tuple(domain, fc.boolean()), { maxLength: 20 }),
      fc.boolean(),
      (domains, churn, byName) => {
        const world = fill(domains);
        const touched = new Set(churn.map(([each]) => `${each.host}/${uuidOf(each.n)}`));
        const asked: Asked = byName ? { orderBy: 'name desc', pageSize: 2 } : { pageSize: 2 };
        const walked: string[] = [];
        const changes = [...churn];
        let pageToken: string | undefined;
        do {
          const body = bodyOf(
            ask(world, pageToken === undefined ? asked : { ...asked, pageToken }),
          );
          walked.push(...body.domains.map(({ host, uuid }) => `${String(host)}/${String(uuid)}`));
          pageToken = body.nextPageToken;
          const change = changes.shift();
          if (change === undefined) continue;
          const [each, gone] = change;
          world.state(
            gone ? tombstone(each.host, each.n) : presence(each.host, each.n, { name: each.name }),
          );
        } while (pageToken !== undefined);
        const stayed = brute(
          domains,
          [],
          byName ? [{ path: 'name', descending: true }] : [],
        ).filter((key) => !touched.has(key));
        expect(walked.filter((key) => !touched.has(key))).toEqual(stayed);
      },
    ),
    { numRuns: 200 },
  );
});
