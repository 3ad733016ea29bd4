import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { buckets, stateStream, subjects } from '@virtscope/contracts';
import { startNats, waitFor, type NatsServer } from '@virtscope/testkit';
import { expect, test } from 'vitest';
import { systemClock as clock } from '../clock.ts';
import { createLogger } from '../log.ts';
import { ensureBus } from './bus.ts';
import { CapsClient } from './caps-client.ts';
import { hearHeartbeats } from './heartbeat-feed.ts';
import { followHosts, type BucketFeedEvent } from './hosts-feed.ts';
import { LinkStatus } from './link-status.ts';
import { makeRoundTrips, type RoundTripTimes } from './round-trip.ts';
import { followState } from './state-feed.ts';
import type { FeedHands, StreamFeedEvent } from './stream-feed.ts';
import { raiseTimeline } from './timeline.ts';

const log = createLogger('test', 'test', 'silent');
const uuid = (n: number): string => `00000000-0000-0000-0000-${String(n).padStart(12, '0')}`;
const subject = (n: number): string => subjects.state('hv1', 'domain', uuid(n));

/** A bus, a connection to it, and what a feed on it tells. */
class Bench implements AsyncDisposable {
  readonly nats: NatsServer;
  readonly nc: NatsConnection;
  readonly hands: FeedHands;
  readonly events: StreamFeedEvent[] = [];
  readonly #stop = new AbortController();
  #running: Promise<void>[] = [];

  constructor(nats: NatsServer, nc: NatsConnection) {
    this.nats = nats;
    this.nc = nc;
    this.hands = { link: new LinkStatus(nc), clock, signal: this.#stop.signal };
  }

  static async open(): Promise<Bench> {
    const nats = await startNats();
    const nc = await connect({
      servers: nats.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      noAsyncTraces: true,
    });
    const bench = new Bench(nats, nc);
    await bench.ensureBus();
    return bench;
  }

  ensureBus(): Promise<void> {
    return ensureBus(this.nc, { clock, log, signal: this.#stop.signal });
  }

  run(feed: Promise<void>): void {
    this.#running.push(feed);
  }

  followState(): void {
    this.run(followState(this.nc, this.hands, (event) => this.events.push(event)));
  }

  async write(...numbers: number[]): Promise<void> {
    const js = jetstream(this.nc);
    for (const n of numbers) await js.publish(subject(n), JSON.stringify({ n }));
  }

  /** What the feed told since it was last opened, as "subject's number:sequence". */
  get told(): string[] {
    const from = this.events.findLastIndex(({ type }) => type === 'opened');
    return this.events
      .slice(from + 1)
      .flatMap((event) =>
        event.type === 'message' ? `${Number(event.subject.slice(-12))}:${event.seq}` : [],
      );
  }

  get last(): StreamFeedEvent | undefined {
    return this.events.findLast(({ type }) => type !== 'checked' && type !== 'brokerTime');
  }

  count(type: StreamFeedEvent['type']): number {
    return this.events.filter((event) => event.type === type).length;
  }

  async caughtUp(seq: number): Promise<void> {
    await waitFor(
      () => this.events.some((event) => event.type === 'caughtUp' && event.seq === seq),
      { what: `caught up to ${seq}`, timeoutMs: 20_000 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('the test is over'));
    await Promise.all(this.#running);
    await this.nc.close();
    await this.nats[Symbol.asyncDispose]();
  }
}

test('a feed tells the last message of each subject, that it has caught up, and each change', async () => {
  await using bench = await Bench.open();
  await bench.write(1, 2, 3, 1);
  bench.followState();
  await bench.caughtUp(4);
  expect(bench.told).toEqual(['2:2', '3:3', '1:4']);
  await bench.write(2);
  await waitFor(() => bench.told.at(-1) === '2:5', { what: 'the change' });
  expect(bench.count('opened')).toBe(1);
});

test('an empty stream is caught up with at once', async () => {
  await using bench = await Bench.open();
  bench.followState();
  await bench.caughtUp(0);
  expect(bench.told).toEqual([]);
});

test('a stream whose last message was purged is caught up with all the same', async () => {
  await using bench = await Bench.open();
  await bench.write(1, 2);
  const jsm = await jetstreamManager(bench.nc);
  await jsm.streams.purge(stateStream.name, { filter: subject(2) });
  bench.followState();
  await bench.caughtUp(2);
  expect(bench.told).toEqual(['1:1']);
});

test('a feed that was far behind tells every subject once', async () => {
  await using bench = await Bench.open();
  const js = jetstream(bench.nc);
  const total = 5_000;
  for (let n = 1; n <= total; n += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, i) => js.publish(subject(n + i), 'x')));
  }
  bench.followState();
  await bench.caughtUp(total);
  expect(new Set(bench.told).size).toBe(total);
});

test('after its server was killed and started again a feed goes on where it was', async () => {
  await using bench = await Bench.open();
  await bench.write(1, 2);
  bench.followState();
  await bench.caughtUp(2);
  await bench.nats.kill();
  await waitFor(() => bench.last?.type === 'lost', { what: 'the feed to say so' });
  await bench.nats.start();
  await waitFor(() => bench.last?.type === 'caughtUp', { what: 'the feed again' });
  await bench.write(3);
  await waitFor(() => bench.told.includes('3:3'), { what: 'the new message' });
  expect(bench.told).toEqual(['1:1', '2:2', '3:3']);
  expect(bench.count('opened')).toBe(1);
});

test('a server that lost its store means a new stream, told from the start', async () => {
  await using bench = await Bench.open();
  await bench.write(1, 2, 3);
  bench.followState();
  await bench.caughtUp(3);
  await bench.nats.restartEmpty();
  await waitFor(
    () => bench.last?.type === 'lost' && bench.last.reason.includes('stream not found'),
    { what: 'the loss to be told' },
  );
  expect(bench.count('opened')).toBe(1);
  await bench.ensureBus();
  await waitFor(() => bench.last?.type === 'caughtUp' && bench.count('opened') === 2, {
    what: 'the new stream',
  });
  expect(bench.told).toEqual([]);
  await bench.write(9);
  await waitFor(() => bench.told.includes('9:1'), { what: 'the first new message' });
});

test('a stream made anew under a running server is noticed', async () => {
  await using bench = await Bench.open();
  await bench.write(1, 2);
  bench.followState();
  await bench.caughtUp(2);
  const jsm = await jetstreamManager(bench.nc);
  await jsm.streams.delete(stateStream.name);
  await bench.ensureBus();
  await bench.write(4, 5, 6);
  await waitFor(() => bench.count('opened') === 2 && bench.last?.type === 'caughtUp', {
    what: 'the new stream',
  });
  expect(bench.told).toEqual(['4:1', '5:2', '6:3']);
});

test('a raised timeline has the same stream told from the start', async () => {
  await using bench = await Bench.open();
  await bench.write(1, 1);
  bench.followState();
  await bench.caughtUp(2);
  const timeline = await raiseTimeline(bench.nc, clock);
  const opened = await waitFor(() => bench.events.filter(({ type }) => type === 'opened')[1], {
    what: 'a second start',
  });
  expect(opened).toMatchObject({ timeline });
  await waitFor(() => bench.last?.type === 'caughtUp', { what: 'the replay' });
  expect(bench.told).toEqual(['1:2']);
});

test('the end of the stream is asked for again and again', async () => {
  await using bench = await Bench.open();
  await bench.write(1);
  bench.followState();
  const checked = await waitFor(() => bench.events.find(({ type }) => type === 'checked'), {
    what: 'a check',
  });
  expect(checked).toMatchObject({ seq: 1 });
});

test('a bucket is told as entries, and a deleted key as null', async () => {
  await using bench = await Bench.open();
  const events: BucketFeedEvent[] = [];
  const kv = await new Kvm(bench.nc).open(buckets.hosts);
  await kv.put('hv1', '{"a":1}');
  await kv.put('hv2', '{"b":1}');
  await kv.delete('hv1');
  bench.run(followHosts(bench.nc, bench.hands, (event) => events.push(event)));
  await waitFor(() => events.some(({ type }) => type === 'caughtUp'), { what: 'the bucket' });
  await kv.purge('hv2');
  const entries = await waitFor(
    () => {
      const found = events.filter((event) => event.type === 'entry');
      return found.length === 3 && found;
    },
    { what: 'three entries' },
  );
  expect(entries).toMatchObject([
    { key: 'hv2', seq: 2, subject: '$KV.virt_hosts.hv2' },
    { key: 'hv1', seq: 3, data: null },
    { key: 'hv2', seq: 4, data: null },
  ]);
});

test('heartbeats are heard and round trips made, again after a restart of the server', async () => {
  await using bench = await Bench.open();
  const heard: string[] = [];
  const trips: RoundTripTimes[] = [];
  using _ = hearHeartbeats(bench.nc, (from) => heard.push(from));
  bench.run(makeRoundTrips(bench.nc, bench.hands, (trip) => trips.push(trip)));
  await waitFor(() => trips.length > 0, { what: 'a round trip' });
  bench.nc.publish(subjects.heartbeat('event-bridge', 'a.b'), '{}');
  bench.nc.publish(subjects.heartbeat('stats-sampler', 'a'), '{}');
  await bench.nc.flush();
  await bench.nats.kill();
  await waitFor(() => !bench.hands.link.up, { what: 'the link to be down' });
  const before = trips.length;
  await bench.nats.start();
  await waitFor(() => trips.length > before, { what: 'a round trip anew' });
  bench.nc.publish(subjects.heartbeat('event-bridge', 'after'), '{}');
  await waitFor(() => heard.includes('virt.v1.heartbeat.event-bridge.after'), { what: 'a beat' });
  expect(heard).toEqual([
    'virt.v1.heartbeat.event-bridge.a=2Eb',
    'virt.v1.heartbeat.event-bridge.after',
  ]);
  for (const { startedMs, endedMs } of trips) expect(endedMs).toBeGreaterThanOrEqual(startedMs);
});

test('a question to a caps-cache that is not there, or talks nonsense, is unavailable', async () => {
  await using bench = await Bench.open();
  expect(await new CapsClient(bench.nc).capabilities('hv1', 1_000)).toEqual({
    kind: 'unavailable',
    reason: 'no caps-cache listens on the bus',
  });
  bench.nc.subscribe(subjects.capsOfAnyHost, {
    callback: (_error, message) => {
      message.respond('{"v":1,"ok":true}');
    },
  });
  const answer = await new CapsClient(bench.nc).capabilities('hv1', 1_000);
  expect(answer.kind === 'unavailable' && answer.reason).toMatch(/is malformed at host/);
});
