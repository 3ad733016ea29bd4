import { hash } from 'node:crypto';
import { presencesDigestText, subjects, type HostPulse } from '@virtscope/contracts';
import {
  Health,
  Metrics,
  StateWriter,
  applyInventory,
  connectNats,
  createLogger,
  ensureBus,
  systemClock as clock,
  type Hands,
} from '@virtscope/runtime';
import { freePort, startNats, waitFor, type NatsServer } from '@virtscope/testkit';
import { expect, test } from 'vitest';
import { beat, entry, presence, record, statsPage, subjectOf, uuidOf } from './bus.fixture.ts';
import { serveQueries } from './serve-queries.ts';

type Connection = Awaited<ReturnType<typeof connectNats>>;
type Domain = { host: string; uuid: string; name: string; id: number | null; trust: string };
type List = { domains: Domain[]; unreachable: string[]; revision: string };

function handsFor(name: string, natsUrl: string, port: number, signal: AbortSignal): Hands {
  return {
    name,
    replica: 'test',
    env: {
      fleetFile: '',
      natsUrl,
      redisUrl: '',
      redisCaFile: undefined,
      redisKeyPrefix: '',
      httpListen: { host: '127.0.0.1', port },
      managementListen: { host: '127.0.0.1', port: 0 },
      logLevel: 'silent',
    },
    log: createLogger(name, 'test', 'silent'),
    metrics: new Metrics(name),
    clock,
    health: new Health(),
    signal,
  };
}

/** A bus, query-api on it, and the hands of an event-bridge. */
class Bench implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly nc: Connection;
  readonly url: string;
  readonly #hands: Hands;
  readonly #stop: AbortController;
  readonly #service: Promise<void>;
  readonly #beats: NodeJS.Timeout;
  #pulses: Record<string, Partial<HostPulse>> = {};

  constructor(nats: NatsServer, nc: Connection, hands: Hands, stop: AbortController) {
    this.nats = nats;
    this.nc = nc;
    this.#hands = hands;
    this.#stop = stop;
    this.url = `http://127.0.0.1:${hands.env.httpListen.port}`;
    this.#service = serveQueries(hands);
    this.#beats = setInterval(() => {
      const message = JSON.stringify(beat(this.#pulses));
      nc.publish(subjects.heartbeat('event-bridge', 'one'), message);
    }, 200);
  }

  static async open(): Promise<Bench> {
    const nats = await startNats();
    const stop = new AbortController();
    const writer = handsFor('event-bridge', nats.url, 0, stop.signal);
    const nc = await connectNats(writer);
    await ensureBus(nc, writer);
    const hands = handsFor('query-api', nats.url, await freePort(), stop.signal);
    const bench = new Bench(nats, nc, hands, stop);
    await waitFor(async () => (await bench.get('/healthz')).status === 200, { what: 'query-api' });
    return bench;
  }

  get metrics(): Promise<string> {
    return this.#hands.metrics.registry.metrics();
  }

  async ensureBus(): Promise<void> {
    await ensureBus(this.nc, this.#hands);
  }

  /** @returns the sequence in the stream */
  async write(subject: string, body: unknown): Promise<number> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    // A server that has just started loses what comes before its streams are back.
    const ack = await waitFor(() => this.nc.request(subject, text, { timeout: 1_000 }), {
      what: `the ack of ${subject}`,
      timeoutMs: 20_000,
    });
    return ack.json<{ seq: number }>().seq;
  }

  async state(...bodies: Parameters<typeof subjectOf>[0][]): Promise<number> {
    let last = 0;
    for (const body of bodies) last = await this.write(subjectOf(body), body);
    return last;
  }

  async purge(seq: number): Promise<void> {
    const { clock: time, log, signal } = this.#hands;
    await new StateWriter(this.nc, { clock: time, log }).purge(seq, signal);
  }

  /** From now on the heartbeats say this. */
  beats(pulses: Record<string, Partial<HostPulse>>): void {
    this.#pulses = pulses;
  }

  async get<T>(path: string): Promise<{ status: number; body: T }> {
    const response = await fetch(`${this.url}${path}`);
    return { status: response.status, body: (await response.json()) as T };
  }

  async list(): Promise<List> {
    const { status, body } = await this.get<List>('/v1/domains');
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`);
    return body;
  }

  /** The names of all domains, once all of them and all hosts are live. */
  async liveNames(): Promise<string[]> {
    const { domains } = await waitFor(
      async () => {
        const list = await this.list();
        const live = list.domains.every(({ trust }) => trust === 'live');
        return live && list.unreachable.length === 0 && list;
      },
      { what: 'a live fleet', timeoutMs: 30_000 },
    );
    return domains.map(({ name }) => name);
  }

  /** One host with two domains, synced, and query-api ready. */
  async fill(epoch = 10): Promise<void> {
    await applyInventory(this.nc, 'file', [entry('hv1')], (hosts) => hosts);
    await this.state(
      record('hv1', { epoch, sync: 'syncing' }),
      presence('hv1', 1, { epoch }),
      presence('hv1', 2, { epoch }),
    );
    const upTo = await this.state(record('hv1', { epoch }));
    this.beats({ hv1: { epoch, upTo } });
    await this.ready();
  }

  async ready(): Promise<void> {
    await waitFor(async () => (await this.get('/readyz')).status === 200, {
      what: 'query-api to be ready',
      timeoutMs: 30_000,
    });
  }

  /** Ends the service as a signal does, and waits for it. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the test is over'));
    await this.#service;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#beats);
    await this.stop();
    await this.nc.close();
    await this.nats[Symbol.asyncDispose]();
  }
}

test('what a bridge writes is answered live, and each change is', async () => {
  await using bench = await Bench.open();
  expect((await bench.get('/v1/domains')).status).toBe(503);
  await bench.fill();
  expect(await bench.liveNames()).toEqual(['vm-1', 'vm-2']);
  await bench.state(presence('hv1', 1, { state: 'paused', name: 'renamed' }));
  await waitFor(async () => (await bench.liveNames())[0] === 'renamed', { what: 'the change' });
  const absent = await bench.get<{ asOf: string }>(`/v1/domains/${uuidOf(3)}`);
  expect(absent.status).toBe(404);
  expect(absent.body.asOf).toBeDefined();
});

test('a caller that waits for what it just wrote gets nothing older', async () => {
  await using bench = await Bench.open();
  await bench.fill();
  const { revision } = await bench.list();
  for (let i = 0; i < 20; i++) {
    const name = `name-${i}`;
    const seq = await bench.state(presence('hv1', 1, { name }));
    const wanted = revision.replace(/\d+$/, String(seq));
    const { body } = await bench.get(`/v1/domains/${uuidOf(1)}?minRevision=${wanted}`);
    expect(body).toMatchObject({ name });
  }
});

test("a stale writer's row after synced is ignored", async () => {
  await using bench = await Bench.open();
  await bench.fill();
  await bench.state(presence('hv1', 7, { epoch: 9 }));
  const { domains } = await bench.list();
  await waitFor(
    async () => /virtscope_view_ignored_rows\{.*stale-writer".*\} 1\n/.test(await bench.metrics),
    { what: 'the stale row to be counted' },
  );
  expect(domains.map(({ uuid }) => uuid)).toEqual([uuidOf(1), uuidOf(2)]);
  expect((await bench.get(`/v1/domains/${uuidOf(7)}`)).status).toBe(404);
});

test('a host whose rows are not what its record says is read again', async () => {
  await using bench = await Bench.open();
  await bench.fill();
  expect(await bench.liveNames()).toEqual(['vm-1', 'vm-2']);
  // As when a view was away while an end was written and purged: nobody told it.
  const one = await bench.state(presence('hv1', 1));
  const two = await bench.state(presence('hv1', 2));
  await bench.purge(two);
  const lying = presencesDigestText([{ uuid: uuidOf(1), seq: one }]);
  const upTo = await bench.state(
    record('hv1', { digest: hash('sha256', lying, 'base64url'), purgedThrough: one - 1 }),
  );
  bench.beats({ hv1: { upTo } });
  await waitFor(async () => (await bench.liveNames()).join() === 'vm-1', {
    what: 'the row that nobody ended to go',
  });
  expect(await bench.metrics).toMatch(/view_rereads_total\{.*host="hv1".*\} 1\n/);
});

test('malformed messages are counted and change nothing, and the next good one is taken', async () => {
  await using bench = await Bench.open();
  await bench.fill();
  const good = presence('hv1', 1);
  await bench.write(subjectOf(good), '{"v":1');
  await bench.write(subjectOf(good), { ...good, host: 'hv2' });
  await bench.write('virt.v1.state.hv1.domain.nonsense', good);
  await waitFor(async () => (await bench.list()).domains[0]?.trust === 'gap', {
    what: 'the doubt about the row',
  });
  expect((await bench.list()).domains).toMatchObject([{ name: 'vm-1' }, { name: 'vm-2' }]);
  await bench.state(presence('hv1', 1, { name: 'healed' }));
  expect((await bench.liveNames()).toSorted()).toEqual(['healed', 'vm-2']);
  const exposed = await bench.metrics;
  expect(exposed).toMatch(/view_malformed_total\{.*kind="json".*\} 1\n/);
  expect(exposed).toMatch(/view_malformed_total\{.*kind="disagreement".*\} 1\n/);
});

test('while NATS is away nothing is live and nothing is gone; then it is right again by itself', async () => {
  await using bench = await Bench.open();
  await bench.fill();
  await bench.liveNames();
  await bench.nats.kill();
  const away = await waitFor(
    async () => {
      const list = await bench.list();
      return list.unreachable.length === 1 && list;
    },
    { what: 'the host not to be live' },
  );
  expect(away.domains).toMatchObject([
    { name: 'vm-1', trust: 'lost', id: null },
    { name: 'vm-2', trust: 'lost', id: null },
  ]);
  expect((await bench.get('/readyz')).status).toBe(503);
  expect((await bench.get(`/v1/domains/${uuidOf(3)}`)).status).toBe(503);
  expect((await bench.get('/v1/hosts/hv1/domains/by-id/1')).status).toBe(503);
  await bench.nats.start();
  expect(await bench.liveNames()).toEqual(['vm-1', 'vm-2']);
  await bench.state(presence('hv1', 3));
  await waitFor(async () => (await bench.liveNames()).length === 3, { what: 'the next change' });
});

test('the service stops while NATS is away', async () => {
  await using bench = await Bench.open();
  await bench.fill();
  await bench.nats.kill();
  await waitFor(async () => (await bench.get('/readyz')).status === 503, { what: 'the loss' });
  await bench.stop();
  await expect(bench.get('/healthz')).rejects.toThrow();
});

test('a paused NATS makes no host live, and a resumed one does', async () => {
  await using bench = await Bench.open();
  await bench.fill();
  await bench.liveNames();
  bench.nats.pause();
  await waitFor(async () => (await bench.list()).unreachable.length === 1, {
    what: 'the silence to be noticed',
    timeoutMs: 20_000,
  });
  bench.nats.resume();
  expect(await bench.liveNames()).toEqual(['vm-1', 'vm-2']);
});

test('a NATS that lost everything is not an empty fleet', async () => {
  await using bench = await Bench.open();
  await bench.fill();
  await bench.liveNames();
  const before = await bench.list();
  await bench.nats.restartEmpty();
  // Streams made anew, empty: the view may say nothing of what it knew before.
  await bench.ensureBus();
  const empty = await waitFor(
    async () => {
      const list = await bench.list();
      return list.revision !== before.revision && list;
    },
    { what: 'the new stream to be answered from', timeoutMs: 20_000 },
  );
  expect(empty.domains.map(({ name, trust }) => `${name} ${trust}`)).toEqual([
    'vm-1 lost',
    'vm-2 lost',
  ]);
  expect(empty.unreachable).toEqual(['hv1']);
  expect((await bench.get(`/v1/domains/${uuidOf(3)}`)).status).toBe(503);
  expect((await bench.get('/readyz')).status).toBe(503);
  // A revision of before is foreign now.
  expect((await bench.get(`/v1/domains?minRevision=${before.revision}`)).status).toBe(410);
  // The bridge writes its host anew: one domain went away meanwhile.
  await applyInventory(bench.nc, 'file', [entry('hv1')], (hosts) => hosts);
  await bench.state(
    record('hv1', { epoch: 12, sync: 'syncing' }),
    presence('hv1', 2, { epoch: 12 }),
  );
  const upTo = await bench.state(record('hv1', { epoch: 12 }));
  bench.beats({ hv1: { epoch: 12, upTo } });
  expect(await bench.liveNames()).toEqual(['vm-2']);
  await bench.ready();
  expect((await bench.get(`/v1/domains/${uuidOf(1)}`)).status).toBe(404);
});

test('stats are joined with the run of their domain, and age by the broker', async () => {
  await using bench = await Bench.open();
  await bench.fill();
  bench.nc.publish(subjects.stats('hv1', 'fast', 0), JSON.stringify(statsPage('hv1')));
  const { body } = await waitFor(
    async () => {
      const answer = await bench.get<{ samples: { ageMs: number }[]; fields: object }>(
        `/v1/hosts/hv1/domains/${uuidOf(1)}/stats`,
      );
      return answer.body.samples.length === 1 && answer;
    },
    { what: 'the sample' },
  );
  expect(body.fields).toEqual({ 'state.state': 1 });
  expect(body.samples[0]?.ageMs).toBeGreaterThanOrEqual(10);
  // The domain starts anew under another id: those were the stats of the run before.
  await bench.state(presence('hv1', 1, { id: 50 }));
  await waitFor(
    async () => {
      const answer = await bench.get<{ samples: unknown[] }>(
        `/v1/hosts/hv1/domains/${uuidOf(1)}/stats`,
      );
      return answer.body.samples.length === 0;
    },
    { what: 'the old stats to be dropped' },
  );
});

test('the lag from the broker to the view is measured for changes alone', async () => {
  await using bench = await Bench.open();
  await bench.fill();
  await bench.liveNames();
  const counted = async (): Promise<number> =>
    Number(/virtscope_view_lag_seconds_count\{.*\} (\d+)/.exec(await bench.metrics)?.[1]);
  const before = await counted();
  await bench.state(presence('hv1', 1), presence('hv1', 2));
  await expect.poll(counted).toBe(before + 2);
});
