import { problemTypes } from '@virtscope/contracts';
import fc from 'fast-check';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { VirtscopeClient } from './client.ts';
import { ProblemError, UnreachableError } from './errors.ts';
import { SseParser } from './sse.ts';
import type { WatchEvent } from './watch.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A server that answers each request by the next handler, the last for ever. */
async function serve(
  ...handlers: Handler[]
): Promise<AsyncDisposable & { client: VirtscopeClient; asked: string[]; pauses: number[] }> {
  const asked: string[] = [];
  const pauses: number[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    const handler = handlers.length > 1 ? handlers.shift() : handlers[0];
    handler?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client = new VirtscopeClient({
    url: `http://127.0.0.1:${port}/`,
    retries: 3,
    random: () => 0.5,
    sleep: (ms) => {
      pauses.push(ms);
      return Promise.resolve();
    },
  });
  return {
    client,
    asked,
    pauses,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const json =
  (body: unknown, status = 200, headers: Record<string, string> = {}): Handler =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };

const problem = (type: keyof typeof problemTypes, status: number, headers = {}): Handler =>
  json({ type: problemTypes[type], title: type, status }, status, headers);

const cut: Handler = (_request, response) => {
  response.destroy();
};

const page = (names: string[], nextPageToken?: string): unknown => ({
  domains: names.map((name) => ({ name })),
  ...(nextPageToken === undefined ? {} : { nextPageToken }),
  revision: 'a-0-1',
  unreachable: [],
});

test('a walk asks page after page with the same question', async () => {
  await using server = await serve(json(page(['a', 'b'], 't1')), json(page(['c'])));
  const names: unknown[] = [];
  for await (const { name } of server.client.domains({ filter: 'id > 1', pageSize: 2 })) {
    names.push(name);
  }
  expect(names).toEqual(['a', 'b', 'c']);
  expect(server.asked).toEqual([
    '/v1/domains?filter=id+%3E+1&pageSize=2',
    '/v1/domains?filter=id+%3E+1&pageSize=2&pageToken=t1',
  ]);
});

test('a question is asked again after a lost answer, and no sooner than the server says', async () => {
  const later = problem('notReady', 503, { 'retry-after': '3' });
  await using server = await serve(cut, later, json(page([])));
  expect((await server.client.listPage()).domains).toEqual([]);
  expect(server.pauses).toEqual([125, 3_000]);
});

test.each([
  ['unknown', 503],
  ['tooOld', 503],
  ['notFound', 404],
  ['invalidRequest', 400],
] as const)(
  'a refusal that asking again cannot change is thrown at once: %s',
  async (type, status) => {
    await using server = await serve(problem(type, status));
    const error: unknown = await server.client.domain('x').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProblemError);
    expect((error as ProblemError).problem.type).toBe(problemTypes[type]);
    expect(server.asked).toHaveLength(1);
  },
);

test('a server that never answers is told as unreachable, with its cause', async () => {
  await using server = await serve(cut);
  const error: unknown = await server.client.hosts().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UnreachableError);
  expect((error as Error).cause).toBeInstanceOf(Error);
  expect(server.asked).toHaveLength(4);
});

const frames =
  (text: string, end: 'cut' | 'open' = 'cut'): Handler =>
  (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(text, () => {
      if (end === 'cut') response.destroy();
    });
  };

const frame = (event: string, data: unknown, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

async function watched(client: VirtscopeClient, until: number): Promise<WatchEvent[]> {
  const stop = new AbortController();
  const events: WatchEvent[] = [];
  for await (const event of client.watch({ filter: 'id > 1', signal: stop.signal })) {
    events.push(event);
    if (events.length === until) stop.abort();
  }
  return events;
}

test('a watch resumes at the last revision, and begins anew where that cannot be', async () => {
  const synced = frame('synced', { revision: 'a-0-5' }, 'a-0-5');
  await using server = await serve(
    frames(frame('present', { name: 'a' }) + synced + frame('enter', { name: 'b' }, 'a-0-6')),
    frames(frame('upsert', { name: 'c' })),
    problem('foreignToken', 410),
    frames(frame('present', { name: 'd' }) + synced + frame('later-kind', {}), 'open'),
  );
  const events = await watched(server.client, 7);
  expect(events.map(({ kind }) => kind)).toEqual(
    'present synced enter upsert reset present synced'.split(' '),
  );
  const at = (revision: string): string => `/v1/watch?filter=id+%3E+1&resume=${revision}`;
  const fresh = '/v1/watch?filter=id+%3E+1';
  expect(server.asked).toEqual([fresh, at('a-0-6'), at('a-0-6'), fresh]);
});

test('a watch that was cut before it was synced begins anew', async () => {
  await using server = await serve(
    frames(frame('present', { name: 'a' })),
    frames(frame('present', { name: 'a' }), 'open'),
  );
  const events = await watched(server.client, 3);
  expect(events.map(({ kind }) => kind)).toEqual(['present', 'reset', 'present']);
});

test('a watch that cannot be meant throws', async () => {
  await using server = await serve(problem('invalidRequest', 400));
  await expect(watched(server.client, 1)).rejects.toBeInstanceOf(ProblemError);
});

test('events are the same however their bytes are cut', () => {
  const text = frame('enter', { name: 'ä€😀' }, 'r-1') + frame('bookmark', { revision: 'r-2' });
  const bytes = new TextEncoder().encode(text);
  const whole = new SseParser().push(bytes);
  expect(whole).toHaveLength(2);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 20 }), (cuts) => {
      const parser = new SseParser();
      const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const events = places.slice(1).flatMap((end, i) => parser.push(bytes.slice(places[i], end)));
      expect(events).toEqual(whole);
    }),
  );
});
