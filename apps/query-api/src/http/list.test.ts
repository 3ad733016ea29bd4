import {
  domainBatchSchema,
  problemSchema,
  problemTypes,
  selectedDomainListSchema,
  summarySchema,
  usageSchema,
} from '@virtscope/contracts';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { presence, uuidOf } from '../bus.fixture.ts';
import { Bench } from './bench.fixture.ts';

/** hv1 has many domains. */
function crowded(): Bench {
  const bench = Bench.filled();
  for (let n = 2; n <= 300; n++) bench.state(presence('hv1', n, { name: `vm-${n % 7}` }));
  return bench;
}

const url = (path: string, query: Record<string, string>): string =>
  `${path}?${new URLSearchParams(query).toString()}`;

test('a list takes an expression, an order and fields, and explains itself', async () => {
  const bench = crowded();
  const filter = 'name in ["vm-3", "vm-4"] && id > 100';
  const query = { filter, orderBy: 'id desc', fields: 'id,name', topK: '3', explain: 'true' };
  const { body } = await bench.get(url('/v1/domains', query));
  expect(selectedDomainListSchema.parse(body)).toEqual(body);
  expect(body).toMatchObject({
    domains: [
      { id: 298, name: 'vm-4' },
      { id: 297, name: 'vm-3' },
      { id: 291, name: 'vm-4' },
    ],
    explain: { rows: 300 },
  });
});

test.each([
  { filter: 'name ==' },
  { filter: 'name.matches("x")' },
  { orderBy: 'nope' },
  { fields: 'nope' },
  { topK: '3' },
  { maxAge: '-1' },
  { explain: 'maybe' },
  { uuid: 'x' },
])('what cannot be meant is refused: %o', async (query) => {
  const answer = await crowded().get(url('/v1/domains', query));
  expect(answer.status).toBe(400);
  const { detail = '' } = problemSchema.parse(answer.body);
  expect(detail).toContain(Object.keys(query)[0]);
});

test('an unchanged answer is 304, and says when it was verified', async () => {
  const bench = crowded();
  bench.beat({ hv1: { upTo: 2 } });
  for (const path of ['/v1/domains', `/v1/domains/${uuidOf(1)}`, '/v1/hosts', '/v1/hosts/hv1']) {
    const first = await bench.app.inject(path);
    const { etag } = first.headers;
    expect(etag).toMatch(/^W\/".+"$/);
    const headers = { 'if-none-match': String(etag) };
    const again = await bench.app.inject({ url: path, headers });
    expect(again.statusCode).toBe(304);
    expect(again.body).toBe('');
    expect(again.headers['cache-control']).toBe('private, no-cache');
  }
  const path = `/v1/domains/${uuidOf(1)}`;
  const { headers } = await bench.app.inject(path);
  expect(headers['verified-at']).toMatch(/^2026-01-01T/);
  bench.state(presence('hv1', 1, { state: 'paused' }));
  const changed = await bench.app.inject({
    url: path,
    headers: { 'if-none-match': String(headers.etag) },
  });
  expect(changed.statusCode).toBe(200);
});

test('a large answer is compressed for those who take it, and is the same', async () => {
  const bench = crowded();
  const get = async (encoding: string) =>
    await bench.app.inject({ url: '/v1/domains', headers: { 'accept-encoding': encoding } });
  const plain = await get('identity');
  const gzip = await get('deflate, gzip;q=0.5');
  expect(gzip.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(gzip.rawPayload).toString()).toBe(plain.body);
  const zstd = await get('gzip, zstd');
  expect(zstd.headers['content-encoding']).toBe('zstd');
  expect(zstdDecompressSync(zstd.rawPayload).toString()).toBe(plain.body);
  expect((await get('gzip;q=0')).headers['content-encoding']).toBeUndefined();
});

test('a stream of lines holds every row, and its last line says that it is complete', async () => {
  const bench = crowded();
  const headers = { accept: 'application/x-ndjson' };
  const { body, statusCode } = await bench.app.inject({ url: '/v1/domains?fields=uuid', headers });
  expect(statusCode).toBe(200);
  const lines = body.trim().split('\n');
  expect(lines).toHaveLength(301);
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
    complete: true,
    rows: 300,
    unreachable: ['hv2'],
  });
  const ordered = await bench.app.inject({ url: '/v1/domains?orderBy=name', headers });
  expect(ordered.statusCode).toBe(400);
});

test('an answer that would be too old is refused, and the hosts are named', async () => {
  const bench = crowded();
  const fresh = await bench.get('/v1/domains?host=hv1&maxAge=5&fields=state');
  expect(fresh.status).toBe(200);
  const { status, body } = await bench.get('/v1/domains?maxAge=5&fields=state');
  expect(status).toBe(503);
  expect(problemSchema.parse(body)).toMatchObject({
    type: problemTypes.tooOld,
    unreachable: ['hv2'],
  });
});

test('batch, summary and usage answer in their shapes', async () => {
  const bench = crowded();
  const batch = await bench.get(`/v1/domains/batch?uuid=${uuidOf(2)},${uuidOf(999)}&fields=uuid`);
  expect(domainBatchSchema.parse(batch.body)).toEqual(batch.body);
  expect(batch.body).toMatchObject({
    domains: [{ uuid: uuidOf(2) }],
    missing: [{ uuid: uuidOf(999), verdict: 'unknown' }],
  });
  const summary = await bench.get('/v1/summary?by=state,labels.zone&sum=id');
  expect(summarySchema.parse(summary.body)).toEqual(summary.body);
  expect(summary.body).toMatchObject({
    groups: [{ by: { state: 'running', 'labels.zone': 'a' }, count: 300 }],
  });
  const usage = await bench.get('/v1/usage?name=vm-3');
  expect(usageSchema.parse(usage.body)).toEqual(usage.body);
  expect(usage.body).toMatchObject({ verdict: 'used', count: 43 });
  expect((await bench.get('/v1/usage?disk=/a')).body).toMatchObject({ verdict: 'unknown' });
  expect((await bench.get('/v1/usage')).status).toBe(400);
  expect((await bench.get('/v1/usage?name=a&disk=b')).status).toBe(400);
});
