import { Metrics, createLogger, systemClock } from '@virtscope/runtime';
import { waitFor } from '@virtscope/testkit';
import { get, type IncomingMessage } from 'node:http';
import { expect, test } from 'vitest';
import { presence, record, uuidOf } from '../bus.fixture.ts';
import { Slices } from '../slices.ts';
import { Bench } from './bench.fixture.ts';
import { startServer } from './server.ts';

/** The bench's view behind a real port and a real clock. */
async function serve(bench: Bench): Promise<AsyncDisposable & { url: string }> {
  const { view, movement } = bench;
  const stop = new AbortController();
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    view,
    movement,
    clock: systemClock,
    slices: new Slices(systemClock),
    metrics: new Metrics('query-api'),
    log: createLogger('test', 'test', 'silent'),
    signal: stop.signal,
    callerLimits: { perCaller: 3 },
    caps: bench.capsSource,
    events: () => Promise.resolve(undefined),
    xml: () => Promise.resolve(undefined),
  });
  return {
    url: server.url,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server[Symbol.asyncDispose]();
    },
  };
}

class Reader implements Disposable {
  text = '';
  status = 0;
  ended = false;
  response: IncomingMessage | undefined;
  readonly #request;

  constructor(url: string, headers: Record<string, string> = {}) {
    this.#request = get(url, { headers, agent: false }, (response) => {
      this.response = response;
      this.status = response.statusCode ?? 0;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (this.text += chunk));
      response.on('close', () => (this.ended = true));
    });
    this.#request.on('error', () => (this.ended = true));
  }

  get events(): string[] {
    return [...this.text.matchAll(/^event: (.*)$/gm)].map((match) => match[1] ?? '');
  }

  get lastId(): string {
    return [...this.text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '';
  }

  async until(condition: (reader: Reader) => boolean, what: string): Promise<void> {
    await waitFor(() => condition(this), { what });
  }

  [Symbol.dispose](): void {
    this.#request.destroy();
  }
}

test('a watch tells what is there and what changes, and resumes where it was cut', async () => {
  const bench = Bench.filled();
  await using server = await serve(bench);
  const url = `${server.url}/v1/watch?filter=${encodeURIComponent('state == "running"')}&fields=uuid,state`;
  let lastId = '';
  {
    using reader = new Reader(url);
    await reader.until(({ events }) => events.includes('synced'), 'synced');
    expect(reader.response?.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    bench.state(presence('hv1', 2));
    await reader.until(({ events }) => events.includes('enter'), 'enter');
    expect(reader.events).toEqual(['present', 'synced', 'enter']);
    expect(reader.text).toContain(`data: {"uuid":"${uuidOf(2)}","state":"running"}`);
    ({ lastId } = reader);
  }
  bench.state(presence('hv1', 1, { state: 'paused' }), presence('hv1', 3));
  using again = new Reader(url, { 'last-event-id': lastId });
  await again.until(({ events }) => events.includes('synced'), 'resumed');
  expect(again.events.toSorted()).toEqual(['leave', 'synced', 'upsert']);
});

test('a watch that cannot be resumed is 410, a bad one 400, one too many 503', async () => {
  const bench = Bench.filled();
  await using server = await serve(bench);
  const url = `${server.url}/v1/watch`;
  const statusOf = async (query: string): Promise<number> => {
    using reader = new Reader(`${url}${query}`);
    await reader.until(({ status }) => status > 0, 'an answer');
    return reader.status;
  };
  expect(await statusOf('?resume=1-0-1')).toBe(410);
  expect(await statusOf('?resume=what')).toBe(400);
  expect(await statusOf('?filter=nope')).toBe(400);
  expect(await statusOf('?fields=nope')).toBe(400);
  using first = new Reader(url);
  using second = new Reader(url);
  using third = new Reader(url);
  for (const each of [first, second, third]) {
    await each.until(({ events }) => events.includes('synced'), 'synced');
  }
  expect(await statusOf('')).toBe(503);
});

test('a server that stops tells its watchers, and does not wait for them', async () => {
  const bench = Bench.filled();
  const server = await serve(bench);
  using reader = new Reader(`${server.url}/v1/watch`);
  await reader.until(({ events }) => events.includes('synced'), 'synced');
  await server[Symbol.asyncDispose]();
  await reader.until(({ ended }) => ended, 'the end');
  expect(reader.events.at(-1)).toBe('gone');
});

test('a watcher that does not read harms nobody, and then hears the newest of all', async () => {
  const bench = Bench.filled();
  bench.state(record('hv1'));
  await using server = await serve(bench);
  const url = `${server.url}/v1/watch`;
  using quick = new Reader(url);
  using slow = new Reader(url);
  await quick.until(({ events }) => events.includes('synced'), 'synced');
  await slow.until(({ events }) => events.includes('synced'), 'synced');
  slow.response?.pause();
  const name = 'x'.repeat(4_000);
  const rounds = 4_000;
  for (let round = 0; round < rounds; round++) {
    bench.state(presence('hv1', 10 + (round % 5), { name: `${name}${round}` }));
    if (round % 100 === 0) await new Promise(setImmediate);
  }
  await quick.until(({ text }) => text.includes(`${name}${rounds - 1}"`), 'the last change');
  expect(quick.events.filter((each) => each === 'enter' || each === 'modify')).toHaveLength(rounds);
  slow.response?.resume();
  await slow.until(({ text }) => text.includes(`${name}${rounds - 1}"`), 'the newest form');
  await slow.until(({ events }) => events.lastIndexOf('synced') > 1, 'synced again');
  expect(slow.events).toContain('coalesced');
  expect(slow.events.length).toBeLessThan(rounds);
}, 60_000);
