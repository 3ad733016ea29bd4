import {
  domainAnswerSchema,
  domainListSchema,
  formatRevision,
  hostAnswerSchema,
  hostCapabilitiesSchema,
  hostDomainAnswerSchema,
  hostListSchema,
  hostStatsSchema,
  domainStatsSchema,
  problemSchema,
  problemTypes,
  type CapsReply,
} from '@virtscope/contracts';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { presence, uuidOf } from '../bus.fixture.ts';
import { maxWaiters } from '../movement.ts';
import { Bench } from './bench.fixture.ts';

async function problemAt(
  bench: Bench,
  url: string,
  status: number,
): Promise<z.infer<typeof problemSchema> & { retryAfter: unknown }> {
  const answer = await bench.get(url);
  expect(answer.type).toBe('application/problem+json; charset=utf-8');
  expect(answer.status).toBe(status);
  const problem = problemSchema.parse(answer.body);
  expect(problem).toEqual(answer.body);
  expect(problem.status).toBe(status);
  return { ...problem, retryAfter: answer.retryAfter };
}

test('every question is answered in the shape that the contract says', async () => {
  const bench = Bench.filled();
  for (const [url, schema] of [
    ['/v1/domains', domainListSchema],
    ['/v1/domains?host=hv1&state=running&name=vm-1&pageSize=1', domainListSchema],
    [`/v1/domains/${uuidOf(1)}`, domainAnswerSchema],
    [`/v1/domains/${uuidOf(1).toUpperCase()}`, domainAnswerSchema],
    ['/v1/hosts', hostListSchema],
    ['/v1/hosts/hv1', hostAnswerSchema],
    [`/v1/hosts/hv1/domains/${uuidOf(1)}`, hostDomainAnswerSchema],
    ['/v1/hosts/hv1/domains/by-id/1', hostDomainAnswerSchema],
    ['/v1/hosts/hv1/domains/by-name/vm-1', hostDomainAnswerSchema],
    [`/v1/hosts/hv1/domains/${uuidOf(1)}/stats`, domainStatsSchema],
    ['/v1/hosts/hv1/stats', hostStatsSchema],
  ] as const) {
    const { status, body, type } = await bench.get(url);
    expect(status, url).toBe(200);
    expect(type, url).toBe('application/json; charset=utf-8');
    expect(schema.parse(body), url).toEqual(body);
  }
});

test('a list holds host, uuid, name, id and state, and names who cannot be vouched for', async () => {
  const { body } = await Bench.filled().get('/v1/domains');
  expect(body).toMatchObject({
    domains: [
      { host: 'hv1', uuid: uuidOf(1), name: 'vm-1', id: 1, state: 'running', trust: 'live' },
    ],
    unreachable: ['hv2'],
  });
});

test('unknown and bad parameters are refused with their names', async () => {
  const bench = Bench.filled();
  for (const [url, words] of [
    ['/v1/domains?hots=hv1', /query.*hots/],
    ['/v1/domains?pageSize=0', /query pageSize/],
    ['/v1/domains?pageSize=10001', /query pageSize/],
    ['/v1/domains?pageSize=many', /query pageSize/],
    ['/v1/domains?state=runing', /state: "runing"/],
    ['/v1/domains?host=a&host=b', /query host/],
    ['/v1/domains?pageToken=x', /pageToken/],
    ['/v1/domains?minRevision=yesterday', /minRevision/],
    ['/v1/domains/not-a-uuid', /path uuid/],
    ['/v1/hosts/-hv1', /path host/],
    ['/v1/hosts/hv1/domains/by-id/one', /path id/],
    ['/v1/hosts?fields=x', /query.*fields/],
    ['/v1/hosts/hv1/capabilities?refresh=1', /query.*refresh/],
    ['/?x=1', /query.*x/],
  ] as const) {
    const problem = await problemAt(bench, url, 400);
    expect(problem.type, url).toBe(problemTypes.invalidRequest);
    expect(problem.detail, url).toMatch(words);
    expect(problem.instance).toBe(url);
  }
});

test('a path that is none is no proof of absence', async () => {
  const bench = Bench.filled();
  for (const url of ['/v1/domain', '/v2/domains', '/v1/hosts/hv1/domains/by-id/1/x', '/%zz']) {
    const { status, body } = await bench.get(url);
    expect(problemSchema.parse(body).type, url).toBe(problemTypes.invalidRequest);
    expect([400, 404]).toContain(status);
  }
  const post = await bench.app.inject({ method: 'POST', url: '/v1/domains', payload: '{}' });
  expect(problemSchema.parse(post.json()).type).toBe(problemTypes.invalidRequest);
});

test('absence is 404 with asOf where every host in scope is live, else 503 naming who is not', async () => {
  const bench = Bench.filled();
  const onHost = await problemAt(bench, `/v1/hosts/hv1/domains/${uuidOf(9)}`, 404);
  expect(onHost).toMatchObject({ type: problemTypes.notFound });
  expect(onHost.asOf).toBe('2026-01-01T00:00:00.900Z');
  const anywhere = await problemAt(bench, `/v1/domains/${uuidOf(9)}`, 503);
  expect(anywhere).toMatchObject({ type: problemTypes.unknown, unreachable: ['hv2'] });
  await problemAt(bench, '/v1/hosts/hv2/domains/by-id/1', 503);
  await problemAt(bench, '/v1/hosts/hv9', 404);
});

test('bytes that are no HTTP, and headers without end, are told so in problem details', async () => {
  const bench = Bench.filled();
  await bench.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = bench.app.server.address() as AddressInfo;
  try {
    for (const [sent, status] of [
      ['hello\r\n\r\n', 400],
      [`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, 431],
    ] as const) {
      const socket = connect(port, '127.0.0.1');
      socket.write(sent);
      const [head, body] = (await text(socket)).split('\r\n\r\n');
      expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(problemSchema.parse(JSON.parse(body ?? ''))).toMatchObject({ status });
    }
  } finally {
    await bench.app.close();
  }
});

test('a name of any characters is found under its path', async () => {
  const bench = Bench.filled();
  const name = 'é/?#%41 ü'.repeat(40);
  bench.state(presence('hv1', 2, { name }));
  const { status, body } = await bench.get(
    `/v1/hosts/hv1/domains/by-name/${encodeURIComponent(name)}`,
  );
  expect(status).toBe(200);
  expect(body).toMatchObject({ name });
});

test('before the view was filled every question is 503 and so is readyz', async () => {
  const bench = new Bench();
  for (const url of ['/v1/domains', `/v1/domains/${uuidOf(1)}`, '/v1/hosts', '/readyz']) {
    const problem = await problemAt(bench, url, 503);
    expect(problem).toMatchObject({ type: problemTypes.notReady, retryAfter: '1' });
  }
  expect((await bench.get('/healthz')).status).toBe(200);
});

test('readyz follows the connection', async () => {
  const bench = Bench.filled();
  expect((await bench.get('/readyz')).status).toBe(200);
  bench.view.connection(false);
  expect((await problemAt(bench, '/readyz', 503)).detail).toMatch(/cut off from NATS/);
  // The view still answers, and says what its answers are worth.
  const { status, body } = await bench.get(`/v1/domains/${uuidOf(1)}`);
  expect(status).toBe(200);
  expect(body).toMatchObject({ trust: 'lost', trustReason: 'query-api is cut off from NATS' });
});

test('a question for a revision waits until the view has it', async () => {
  const bench = Bench.filled();
  const revision = formatRevision({ createdMs: 1_000, timeline: 0, seq: 3 });
  const url = `/v1/hosts/hv1/domains/${uuidOf(1)}?minRevision=${revision}`;
  const pending = bench.get(url);
  await expect.poll(() => bench.movement.waiters).toBe(1);
  bench.state(presence('hv1', 1, { state: 'paused' }));
  bench.movement.moved();
  expect(await pending).toMatchObject({ status: 200, body: { state: 'paused', revision } });
});

test('a question for an event waits until the bridge vouches for it', async () => {
  const bench = Bench.filled();
  const pending = bench.get(`/v1/domains/${uuidOf(1)}?minRevision=event-bridge:hv1:10:6`);
  await expect.poll(() => bench.movement.waiters).toBe(1);
  bench.beat({ hv1: { upTo: 2, seq: 6 } });
  bench.movement.moved();
  expect((await pending).status).toBe(200);
});

test('a revision that does not come in time is 503 with Retry-After, never an older answer', async () => {
  const bench = Bench.filled();
  const revision = formatRevision({ createdMs: 1_000, timeline: 0, seq: 3 });
  const pending = problemAt(bench, `/v1/domains?minRevision=${revision}`, 503);
  await expect.poll(() => bench.clock.sleepers.size).toBe(1);
  for (const wake of bench.clock.sleepers) wake();
  expect(await pending).toMatchObject({ type: problemTypes.unavailable, retryAfter: '1' });
  expect(bench.movement.waiters).toBe(0);
});

test('a foreign revision, and one ahead of the stream, are 410', async () => {
  const bench = Bench.filled();
  const foreign = formatRevision({ createdMs: 999, timeline: 0, seq: 1 });
  await problemAt(bench, `/v1/domains?minRevision=${foreign}`, 410);
  const ahead = formatRevision({ createdMs: 1_000, timeline: 0, seq: 99 });
  const pending = problemAt(bench, `/v1/domains?minRevision=${ahead}`, 410);
  await expect.poll(() => bench.movement.waiters).toBe(1);
  bench.view.stateChecked(2, bench.clock.nowMs, bench.clock.nowMs);
  bench.movement.moved();
  expect(await pending).toMatchObject({ type: problemTypes.foreignToken });
});

test('at the bound of waiting requests one more is refused', async () => {
  const bench = Bench.filled();
  const stop = new AbortController();
  const waiting = Array.from({ length: maxWaiters }, () =>
    bench.movement.until(() => false, 1_000, stop.signal),
  );
  const revision = formatRevision({ createdMs: 1_000, timeline: 0, seq: 3 });
  const problem = await problemAt(bench, `/v1/domains?minRevision=${revision}`, 503);
  expect(problem.title).toMatch(/Too many/);
  stop.abort();
  expect(await Promise.all(waiting)).not.toContain(true);
  expect(bench.movement.waiters).toBe(0);
});

test('capabilities are passed on, and what caps-cache cannot say is 503', async () => {
  const bench = Bench.filled();
  expect(await problemAt(bench, '/v1/hosts/hv1/capabilities', 503)).toMatchObject({
    type: problemTypes.unavailable,
    detail: 'no caps-cache listens on the bus',
    retryAfter: '1',
  });
  const reply: CapsReply = {
    v: 1,
    ok: true,
    host: 'hv1',
    hash: 'abc',
    standing: 'confirmed',
    source: 'redis',
    observedAt: '2026-01-01T00:00:00.000Z',
    document: { v: 1, cpu: { arch: 'x86_64', features: [] }, migrationTransports: [], guests: [] },
    hostPart: { cells: [] },
  };
  bench.caps = { kind: 'reply', reply };
  const { status, body } = await bench.get('/v1/hosts/hv1/capabilities');
  expect(status).toBe(200);
  expect(hostCapabilitiesSchema.parse(body)).toEqual(body);
  const failure = { v: 1, ok: false, message: 'no such host', code: 'unknown-host' } as const;
  bench.caps = { kind: 'reply', reply: { ...failure, host: 'hv9' } };
  await problemAt(bench, '/v1/hosts/hv9/capabilities', 404);
  // The inventory wants hv1: the cache merely has not heard of it.
  bench.caps = { kind: 'reply', reply: { ...failure, host: 'hv1', retryAfterMs: 2_500 } };
  expect(await problemAt(bench, '/v1/hosts/hv1/capabilities', 503)).toMatchObject({
    retryAfter: '3',
  });
});

test('requests are measured by route and status, never by what they asked for', async () => {
  const bench = Bench.filled();
  await bench.get(`/v1/domains/${uuidOf(1)}`);
  await bench.get('/nowhere');
  const exposed = await bench.metrics.registry.metrics();
  expect(exposed).toMatch(
    /virtscope_http_request_seconds_count\{.*method="GET",route="\/v1\/domains\/:uuid",status="200"\} 1/,
  );
  expect(exposed).not.toContain(uuidOf(1));
  expect(exposed).not.toContain('nowhere');
});

test('the door lists what can be asked', async () => {
  const { status, body } = await new Bench().get('/');
  expect(status).toBe(200);
  expect(body).toMatchObject({ service: 'virtscope query-api' });
});
