import { createHash } from 'node:crypto';
import { appliedKey, subjects, type DomainConfig, type Presence } from '@virtscope/contracts';
import { inventoryDigest } from '@virtscope/view';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAccess } from '../access/settings.ts';
import type { TokenEntry } from '../access/token-file.ts';
import { bytes, entry, presence, record, statsPage, uuidOf } from '../bus.fixture.ts';
import { Bench } from './bench.fixture.ts';

const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');

const ops: TokenEntry = { name: 'ops', sha256: sha256('all') };
const tenantA: TokenEntry = { name: 'tenant-a', sha256: sha256('a'), hosts: { zone: 'a' } };
const project: TokenEntry = {
  name: 'project',
  sha256: sha256('p'),
  hosts: { zone: 'a' },
  domains: { project: 'x' },
};

type Host = { id: string; zone: string; live: boolean };
const hosts: Host[] = [
  { id: 'a1', zone: 'a', live: true },
  { id: 'a2', zone: 'a', live: true },
  { id: 'b1', zone: 'b', live: true },
  { id: 'b2', zone: 'b', live: false },
];

function config(n: number, projectOf: string): DomainConfig {
  return {
    observedAt: '2026-01-01T00:00:00.000Z',
    xmlHash: 'f00d',
    vcpusCurrent: n,
    vcpusMaximum: n,
    labels: { project: projectOf },
    disks: [{ target: 'vda', bus: 'virtio', device: 'disk', type: 'file', source: `/d/${n}` }],
    interfaces: [{ type: 'network', mac: `52:54:00:00:00:0${n % 10}` }],
  };
}

/** Two domains on each host, one of each project; those of zone b have words of their own. */
function domainsOf({ id, zone }: Host, index: number): Presence[] {
  return ['x', 'y'].map((projectOf, k) => {
    const n = index * 2 + k + 1;
    const name = zone === 'a' ? `vm-${n}` : `secret-${n}`;
    return presence(id, n, { name, config: config(n, projectOf) });
  });
}

/** The fleet, or the part of it that the hosts of `zones` are. */
function world(zones: readonly string[]): Bench {
  const bench = new Bench([ops, tenantA, project]);
  const { view } = bench;
  const shown = hosts
    .map((host, index) => ({ host, index }))
    .filter(({ host }) => zones.includes(host.zone));
  view.connection(true);
  view.stateOpened({ createdMs: 1_000, timeline: 0 }, 'being filled');
  for (const { host, index } of shown) bench.state(...domainsOf(host, index), record(host.id));
  view.stateCaughtUp(bench.seq, 0);
  view.hostsOpened();
  const entries = shown.map(({ host: { id, zone } }) => entry(id, { labels: { zone } }));
  for (const [i, each] of entries.entries()) {
    view.hostsMessage({ seq: i + 1, subject: each.id, key: each.id, data: bytes(each) }, 0);
  }
  const mark = { v: 1, source: 'file', count: entries.length, digest: inventoryDigest(entries) };
  const key = appliedKey('file');
  view.hostsMessage({ seq: entries.length + 1, subject: key, key, data: bytes(mark) }, 0);
  view.hostsCaughtUp(0);
  view.statsOpened();
  view.statsBrokerTime(0, 0);
  for (const { host, index } of shown) {
    const n = index * 2 + 1;
    const told = statsPage(host.id, {
      uuids: [uuidOf(n), uuidOf(n + 1)],
      ids: [n, n + 1],
      columns: { 'cpu.time': [n * 10, n * 7] },
    });
    view.statsMessage(subjects.stats(host.id, 'fast', 0), bytes(told), 900, 900);
  }
  const pulses = shown
    .filter(({ host }) => host.live)
    .map(({ host }) => [host.id, { upTo: bench.seq }] as const);
  bench.beat(Object.fromEntries(pulses));
  return bench;
}

type Reply = { status: number; text: string };

async function ask(bench: Bench, url: string, token?: string): Promise<Reply> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const { statusCode, body } = await bench.app.inject({ url, headers });
  return { status: statusCode, text: body };
}

/**
 * What tells one stream's place from another's says nothing about what lies there; and how many rows
 * a plan looked at is told to whoever sees them all.
 */
const unplaced = (text: string): string =>
  text
    .replaceAll(/"(revision|nextPageToken)":"[^"]*"/g, '"$1":"…"')
    .replaceAll(/"explain":\{[^}]*\}/g, '"explain":"…"');

const words = fc.constantFrom(
  'vm-1',
  'vm-3',
  'secret-5',
  'secret-7',
  'a1',
  'b1',
  'b2',
  'zone',
  'nobody',
);
const uuids = fc.integer({ min: 1, max: 9 }).map(uuidOf);
const filters = fc.oneof(
  words.map((word) => `name == "${word}"`),
  words.map((word) => `host == "${word}" || id > 4`),
  fc.constantFrom(
    'labels.zone == "b"',
    'config.labels.project == "y"',
    'stats.cpu.time > 30',
    'name.startsWith("sec")',
    'trust != "live"',
    'config.vcpusCurrent > 2 && state == "running"',
  ),
);
const query = (parts: Record<string, string | undefined>): string =>
  new URLSearchParams(
    Object.entries(parts).filter((part): part is [string, string] => part[1] !== undefined),
  ).toString();

const questions: fc.Arbitrary<string> = fc.oneof(
  fc
    .record({
      filter: fc.option(filters, { nil: undefined }),
      host: fc.option(fc.constantFrom('a1', 'b1', 'a2,b2'), { nil: undefined }),
      orderBy: fc.option(
        fc.constantFrom('name desc', 'stats.cpu.time desc', 'config.vcpusCurrent'),
        {
          nil: undefined,
        },
      ),
      fields: fc.option(fc.constantFrom('name,host', 'uuid,stats.cpu.time', 'labels.zone'), {
        nil: undefined,
      }),
      pageSize: fc.option(fc.constantFrom('1', '3'), { nil: undefined }),
      explain: fc.option(fc.constant('true'), { nil: undefined }),
    })
    .map((parts) => `/v1/domains?${query(parts)}`),
  fc.tuple(uuids, uuids).map(([one, two]) => `/v1/domains/batch?uuid=${one},${two}`),
  uuids.map((uuid) => `/v1/domains/${uuid}`),
  fc.tuple(words, words).map(([host, name]) => `/v1/hosts/${host}/domains/by-name/${name}`),
  fc.tuple(words, fc.nat(9)).map(([host, id]) => `/v1/hosts/${host}/domains/by-id/${id}`),
  fc.tuple(words, uuids).map(([host, uuid]) => `/v1/hosts/${host}/domains/${uuid}/stats`),
  words.map((host) => `/v1/hosts/${host}`),
  words.map((host) => `/v1/hosts/${host}/stats`),
  filters.map(
    (filter) => `/v1/summary?${query({ by: 'host,state', sum: 'stats.cpu.time', filter })}`,
  ),
  fc.constantFrom(
    '/v1/hosts',
    '/v1/migrations',
    '/v1/summary?by=labels.zone',
    '/v1/domains?topK=2&orderBy=stats.cpu.time%20desc',
    '/metrics/fleet?labels=zone',
    '/metrics/fleet?host=b1',
    '/metrics/fleet?shard=0/2&names=libvirt-exporter',
  ),
);

test('who is limited to hosts is answered as if there were no others', async () => {
  const [whole, part] = [world(['a', 'b']), world(['a'])];
  await fc.assert(
    fc.asyncProperty(questions, async (url) => {
      const limited = await ask(whole, url, 'a');
      const alone = await ask(part, url, 'all');
      expect({ url, ...limited, text: unplaced(limited.text) }).toEqual({
        url,
        ...alone,
        text: unplaced(alone.text),
      });
    }),
    { numRuns: 600 },
  );
}, 60_000);

test('who is limited to domains hears of no other, by whatever question', async () => {
  const bench = world(['a', 'b']);
  await fc.assert(
    fc.asyncProperty(questions, async (url) => {
      const { text } = await ask(bench, url, 'p');
      // Of project x on the hosts of zone a: vm-1 and vm-3. What was asked may be said again.
      const asked = decodeURIComponent(url);
      const words = [...text.matchAll(/(?:vm|secret)-\d|"b[12]"/g)].map(([word]) => word);
      const foreign = words.filter(
        (word) => word !== 'vm-1' && word !== 'vm-3' && !asked.includes(word.replaceAll('"', '')),
      );
      expect({ url, foreign }).toEqual({ url, foreign: [] });
    }),
    { numRuns: 600 },
  );
}, 60_000);

test('a limited caller is never told that something is free', async () => {
  const bench = world(['a', 'b']);
  const verdict = async (what: string, token: string): Promise<unknown> =>
    (JSON.parse((await ask(bench, `/v1/usage?${what}`, token)).text) as { verdict: string })
      .verdict;
  expect(await verdict('disk=/d/1', 'a')).toBe('used');
  // In use by the other tenant, and by nobody: it cannot tell them apart.
  expect(await verdict('disk=/d/5', 'a')).toBe('unknown');
  expect(await verdict('disk=/d/99', 'a')).toBe('unknown');
  expect(await verdict('disk=/d/5', 'all')).toBe('used');
});

test('a tag and a page token are of the scope that they were given in', async () => {
  const bench = world(['a', 'b']);
  const url = '/v1/domains?pageSize=1';
  const first = await bench.app.inject({ url, headers: { authorization: 'Bearer all' } });
  const etag = first.headers.etag ?? '';
  const other = await bench.app.inject({
    url,
    headers: { authorization: 'Bearer a', 'if-none-match': etag },
  });
  expect(other.statusCode).toBe(200);
  const { nextPageToken } = JSON.parse(first.body) as { nextPageToken: string };
  const turned = await ask(bench, `${url}&pageToken=${nextPageToken}`, 'a');
  expect([400, 410]).toContain(turned.status);
});

test('without a token that counts nothing is answered but our health', async () => {
  const bench = world(['a']);
  for (const url of ['/v1/domains', '/', '/openapi.json', '/metrics/fleet', '/nowhere']) {
    const missing = await bench.app.inject({ url });
    expect([url, missing.statusCode]).toEqual([url, 401]);
    expect(missing.headers['www-authenticate']).toBe('Bearer realm="virtscope"');
    const wrong = await bench.app.inject({ url, headers: { authorization: 'Bearer wrong' } });
    expect(wrong.headers['www-authenticate']).toContain('invalid_token');
    expect(wrong.body).toContain('urn:virtscope:problem:unauthorized');
    expect(wrong.body).not.toContain('wrong');
  }
  expect((await ask(bench, '/healthz')).status).toBe(200);
  expect((await ask(bench, '/readyz')).status).toBe(200);
});

test('a token ends when it expires or is taken back, and others go on', async () => {
  const bench = world(['a']);
  const at = (ms: number): string => new Date(bench.clock.wallMs() + ms).toISOString();
  bench.tokens?.replace([ops, { ...tenantA, expires: at(5_000) }]);
  const status = async (token: string): Promise<number> =>
    (await ask(bench, '/v1/hosts', token)).status;
  const ended: string[] = [];
  bench.tokens?.grantOf('all')?.signal.addEventListener('abort', () => ended.push('all'));
  expect([await status('all'), await status('a')]).toEqual([200, 200]);
  bench.clock.nowMs += 6_000;
  expect([await status('all'), await status('a')]).toEqual([200, 401]);
  expect(ended).toEqual([]);
  bench.tokens?.replace([tenantA]);
  expect(ended).toEqual(['all']);
  expect(await status('all')).toBe(401);
});

test('a watch ends when its token is taken back, and says so', async () => {
  const bench = world(['a']);
  const url = await bench.app.listen({ host: '127.0.0.1', port: 0 });
  try {
    const headers = { authorization: 'Bearer a' };
    const response = await fetch(`${url}/v1/watch`, {
      headers,
      signal: AbortSignal.timeout(10_000),
    });
    let text = '';
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if (text.includes('event: synced')) bench.tokens?.replace([ops]);
    }
    expect(text).toContain('event: gone');
    expect(text).toContain('taken back');
    expect((await fetch(`${url}/v1/watch`, { headers })).status).toBe(401);
  } finally {
    await bench.app.close();
  }
});

test('on loopback without tokens a page of a stranger cannot make a browser ask', async () => {
  const bench = new Bench(undefined, { loopbackNamesOnly: true });
  const status = async (host: string): Promise<number> =>
    (await bench.app.inject({ url: '/healthz', headers: { host } })).statusCode;
  expect(await status('evil.example')).toBe(421);
  expect(await status('evil.example:8080')).toBe(421);
  for (const host of ['localhost:8080', '127.0.0.1:8080', '[::1]:8080']) {
    expect([host, await status(host)]).toEqual([host, 200]);
  }
});

test('open to a network only with tokens, or when somebody says so', () => {
  const network = { host: '0.0.0.0', port: 8080 };
  const loopback = { host: '127.0.0.1', port: 8080 };
  expect(() => readAccess({}, network)).toThrow('off loopback callers need tokens');
  expect(readAccess({ VIRTSCOPE_HTTP_INSECURE: 'on' }, network).tokenFile).toBeUndefined();
  expect(readAccess({ VIRTSCOPE_HTTP_TOKENS: 't.yaml' }, network).tokenFile).toBe('t.yaml');
  expect(readAccess({}, loopback)).toEqual({ tokenFile: undefined, loopbackNamesOnly: true });
});
