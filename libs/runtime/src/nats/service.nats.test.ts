import type { Msg, NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { startNats, waitFor, type NatsServer } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../log.ts';
import { maxServiceRequests, NatsService, type ServiceReply } from './service.ts';

const log = createLogger('test', 'test', 'silent');

let server: NatsServer;
let nc: NatsConnection;

beforeAll(async () => {
  server = await startNats();
  nc = await connect({ servers: server.url, noAsyncTraces: true });
});

afterAll(async () => {
  await nc.close();
  await server[Symbol.asyncDispose]();
});

function serve(handle: (request: Msg) => Promise<ServiceReply>): NatsService {
  return new NatsService(
    nc,
    {
      name: 'echo',
      version: '1.2.3',
      description: 'Says it again',
      metadata: { kind: 'test' },
      endpoints: [{ name: 'say', subject: 'echo.say.*', handle }],
    },
    log,
  );
}

const echo = (request: Msg): Promise<ServiceReply> => Promise.resolve({ body: request.data });

async function ask(subject: string): Promise<Record<string, unknown>> {
  return (await nc.request(subject, '', { timeout: 5_000 })).json();
}

test('an endpoint answers requests', async () => {
  await using _ = serve(echo);
  expect((await nc.request('echo.say.hello', 'again')).string()).toBe('again');
});

test('a fault is in the headers, on one line, beside the body', async () => {
  await using _ = serve(() =>
    Promise.resolve({ body: 'sorry', error: { code: 404, description: 'no\r\nsuch thing' } }),
  );
  const reply = await nc.request('echo.say.hello');
  expect(reply.string()).toBe('sorry');
  expect(reply.headers?.get('Nats-Service-Error-Code')).toBe('404');
  expect(reply.headers?.get('Nats-Service-Error')).toBe('no such thing');
});

test('a handler that breaks gives code 500, says nothing of the inside, and harms no other', async () => {
  await using _ = serve((request) =>
    request.subject.endsWith('bad') ? Promise.reject(new Error('secret')) : echo(request),
  );
  const reply = await nc.request('echo.say.bad');
  expect(reply.headers?.get('Nats-Service-Error-Code')).toBe('500');
  expect(reply.headers?.get('Nats-Service-Error')).toBe('internal error, see the log');
  expect((await nc.request('echo.say.good', 'fine')).string()).toBe('fine');
});

test('members of a service share the requests: each is answered once', async () => {
  const seen: string[] = [];
  const noting = (member: string) => (request: Msg) => {
    seen.push(member);
    return echo(request);
  };
  await using _a = serve(noting('a'));
  await using _b = serve(noting('b'));
  await nc.flush();
  for (let n = 0; n < 50; n++) await nc.request('echo.say.hello');
  expect(seen).toHaveLength(50);
  expect(new Set(seen)).toEqual(new Set(['a', 'b']));
});

test('PING, INFO and STATS are answered for all services, this name and this id', async () => {
  await using service = serve((request) =>
    Promise.resolve({
      body: '',
      ...(request.string() === '' ? {} : { error: { code: 400, description: 'too much said' } }),
    }),
  );
  await nc.request('echo.say.hello');
  await nc.request('echo.say.hello', 'noise');
  const common = { name: 'echo', id: service.id, version: '1.2.3', metadata: { kind: 'test' } };
  for (const scope of ['', '.echo', `.echo.${service.id}`]) {
    expect(await ask(`$SRV.PING${scope}`)).toEqual({
      type: 'io.nats.micro.v1.ping_response',
      ...common,
    });
  }
  expect(await ask('$SRV.INFO.echo')).toEqual({
    type: 'io.nats.micro.v1.info_response',
    ...common,
    description: 'Says it again',
    endpoints: [{ name: 'say', subject: 'echo.say.*', queue_group: 'q', metadata: {} }],
  });
  const stats = await ask('$SRV.STATS.echo');
  expect(stats).toMatchObject({
    type: 'io.nats.micro.v1.stats_response',
    ...common,
    endpoints: [
      {
        name: 'say',
        subject: 'echo.say.*',
        queue_group: 'q',
        num_requests: 2,
        num_errors: 1,
        last_error: '400:too much said',
      },
    ],
  });
  const [{ processing_time, average_processing_time }] = stats['endpoints'] as [
    { processing_time: number; average_processing_time: number },
  ];
  expect(Number.isInteger(processing_time)).toBe(true);
  expect(average_processing_time).toBe(Math.round(processing_time / 2));
  expect(Date.parse(String(stats['started']))).not.toBeNaN();
});

test('over the bound of requests under way the next is refused at once', async () => {
  const release = Promise.withResolvers<void>();
  let underWay = 0;
  await using _ = serve(async () => {
    underWay += 1;
    await release.promise;
    return { body: 'late' };
  });
  for (let n = 0; n < maxServiceRequests; n++)
    nc.publish('echo.say.hello', '', { reply: 'nobody' });
  await waitFor(() => underWay === maxServiceRequests, { what: 'the requests to arrive' });
  const refused = await nc.request('echo.say.hello');
  expect(refused.headers?.get('Nats-Service-Error-Code')).toBe('503');
  release.resolve();
});

test('disposing answers what is under way and takes nothing new', async () => {
  const release = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const service = serve(async () => {
    arrived.resolve();
    await release.promise;
    return { body: 'done' };
  });
  const reply = nc.request('echo.say.hello', '', { timeout: 10_000 });
  await arrived.promise;
  const disposed = service[Symbol.asyncDispose]();
  release.resolve();
  expect((await reply).string()).toBe('done');
  await disposed;
  await expect(nc.request('echo.say.hello')).rejects.toThrow(/no responders/);
  await expect(nc.request('$SRV.PING.echo')).rejects.toThrow(/no responders/);
});
