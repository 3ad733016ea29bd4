/** The rules of the bus as the broker keeps them, on every server that we support. */
import { createHash } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/nats-core';
import {
  buckets,
  epochKey,
  eventId,
  eventsStream,
  hostEntrySchema,
  stateStream,
  streams,
  subjects,
  type EventData,
  type HostEntry,
} from '@virtscope/contracts';
import { startNats, waitFor, type NatsServer } from '@virtscope/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { AckTimeoutError, AckWindow, NoStreamError } from './ack-window.ts';
import { readEnv } from '../env.ts';
import { Health } from '../health.ts';
import { createLogger } from '../log.ts';
import { ensureBus, waitForBus } from './bus.ts';
import { connectNats } from './connect.ts';
import { currentEpoch, takeEpoch } from './epochs.ts';
import { EventPublisher } from './event-publisher.ts';
import { RemovalRefusedError, applyInventory } from './inventory-bucket.ts';
import { LinkStatus } from './link-status.ts';
import { openBucket } from './open-bucket.ts';
import { readSubjects } from './read-subjects.ts';
import { followState } from './state-feed.ts';
import { StateWriter, readLast } from './state-writer.ts';
import { raiseTimeline, readBusIdentity } from './timeline.ts';
import { XmlStore, readXml } from './xml-store.ts';

const log = createLogger('test', 'test', 'silent');
const clock = systemClock;

describe.each(['2.9', '2.10'] as const)('nats-server %s', (version) => {
  const owned = new AsyncDisposableStack();
  const stop = new AbortController();
  const { signal } = stop;
  let nats: NatsServer;
  let nc: Awaited<ReturnType<typeof connectNats>>;
  const asked: string[] = [];

  beforeAll(async () => {
    nats = owned.use(await startNats({ version }));
    const env = readEnv({ VIRTSCOPE_NATS_URL: nats.url });
    nc = owned.use(await connectNats({ name: 'test', env, log, health: new Health(), signal }));
    const request = nc.request.bind(nc);
    nc.request = (to, ...rest) => {
      asked.push(to);
      return request(to, ...rest);
    };
    await ensureBus(nc, { clock, log, signal });
  });

  afterAll(async () => {
    await owned.disposeAsync();
    stop.abort();
  });

  const row = (epoch: number, text = ''): string => JSON.stringify({ epoch, text });
  const subject = (id: string): string => subjects.state('hv1', 'domain', id);

  test('this is the server that is meant', () => {
    expect(nc.info?.version.startsWith(version)).toBe(true);
  });

  test('streams and buckets are made once, and what is there is left alone', async () => {
    await ensureBus(nc, { clock, log, signal });
    await waitForBus(nc, { clock, log, signal });
    const jsm = await jetstreamManager(nc);
    for (const { name, maxBytes } of streams) {
      expect((await jsm.streams.info(name)).config.max_bytes).toBe(maxBytes);
    }
    await jsm.streams.update(eventsStream.name, { max_bytes: 2 ** 20 });
    await ensureBus(nc, { clock, log, signal });
    expect((await jsm.streams.info(eventsStream.name)).config.max_bytes).toBe(2 ** 20);
  });

  test('bus rule 1: a write that does not find what it expects is refused, and says what lies there', async () => {
    const writer = new StateWriter(nc, { clock, log });
    const at = subject('rule-1');
    const first = await writer.write(
      { subject: at, body: row(5), expected: 0, writeId: 'a:hv1:5:w1' },
      signal,
    );
    const seq = first.type === 'stored' ? first.seq : 0;
    expect(first.type).toBe('stored');
    const stale = await writer.write(
      { subject: at, body: row(4), expected: 0, writeId: 'b:hv1:4:w1' },
      signal,
    );
    expect(stale).toEqual({ type: 'refused', last: { seq, epoch: 5 } });
    const next = await writer.write(
      { subject: at, body: row(5, 'newer'), expected: seq, writeId: 'a:hv1:5:w2' },
      signal,
    );
    expect(next.type).toBe('stored');
  });

  test('bus rule 1: a retry of a write whose ack was lost is stored, not refused', async () => {
    const writer = new StateWriter(nc, { clock, log });
    const write = {
      subject: subject('rule-1-retry'),
      body: row(5),
      expected: 0,
      writeId: 'a:hv1:5:w7',
    };
    const first = await writer.write(write, signal);
    expect(await writer.write(write, signal)).toEqual(first);
  });

  test('bus rule 1: bytes that are no row lie below every epoch, and are overwritten', async () => {
    const at = subject('rule-1-garbage');
    await nc.request(at, '{', { timeout: 5_000 });
    const refused = await new StateWriter(nc, { clock, log }).write(
      { subject: at, body: row(5), expected: 0, writeId: 'a:hv1:5:w8' },
      signal,
    );
    expect(refused).toMatchObject({ type: 'refused', last: { epoch: 0 } });
  });

  test('bus rule 6: a purge takes exactly the message that it names, and nothing that came after', async () => {
    const writer = new StateWriter(nc, { clock, log });
    const at = subject('rule-6');
    const write = async (expected: number, n: number): Promise<number> => {
      const written = await writer.write(
        { subject: at, body: row(5), expected, writeId: `a:hv1:5:p${n}` },
        signal,
      );
      return written.type === 'stored' ? written.seq : 0;
    };
    const first = await write(0, 1);
    const second = await write(first, 2);
    await writer.purge(first, signal); // written over meanwhile
    expect((await readLast(nc, at))?.seq).toBe(second);
    await writer.purge(second, signal);
    await writer.purge(second, signal); // a retry
    expect(await readLast(nc, at)).toBeUndefined();
    // Who still expects what was purged is refused; the subject is empty, and one may begin anew.
    const stale = await writer.write(
      { subject: at, body: row(4), expected: second, writeId: 'b:hv1:4:p3' },
      signal,
    );
    expect(stale).toEqual({ type: 'refused', last: undefined });
    expect(await write(0, 4)).toBeGreaterThan(second);
  });

  test("a domain's XML is kept under its hash, and read back whole or not at all", async () => {
    const store = new XmlStore(nc, { clock, log });
    const xml = `<domain><name>${'ü'.repeat(10_000)}</name></domain>`;
    const hash = createHash('sha256').update(xml).digest('hex');
    expect(await readXml(nc, hash)).toBeUndefined();
    store.keep(hash, xml);
    await waitFor(async () => (await readXml(nc, hash)) === xml, { what: 'the text' });
    // What lies there is not what its name says.
    const other = createHash('sha256').update('another').digest('hex');
    store.keep(other, xml);
    const kv = await openBucket(nc, buckets.xml);
    await waitFor(async () => (await kv.get(other)) !== null, { what: 'the wrong text' });
    expect(await readXml(nc, other)).toBeUndefined();
    await kv.put(other, 'no gzip');
    expect(await readXml(nc, other)).toBeUndefined();
  });

  test('an ack brings the sequence; a refusal, a silence and a subject of no stream are told apart', async () => {
    const acks = AckWindow.of(nc, clock);
    const options = { headers: headers(), timeoutMs: 5_000 };
    const first = await acks.publish(subject('acks'), row(1), options);
    expect((await readLast(nc, subject('acks')))?.seq).toBe(first);
    const many = await Promise.all(
      Array.from({ length: 500 }, (_, n) => acks.publish(subject(`acks-${n}`), row(1), options)),
    );
    expect(new Set(many).size).toBe(500);
    const wrong = headers();
    wrong.set('Nats-Expected-Last-Subject-Sequence', '0');
    const refused = acks.publish(subject('acks'), row(1), { ...options, headers: wrong });
    await expect(refused).rejects.toMatchObject({ code: 10_071 });
    await expect(acks.publish('nobody.hears', '', options)).rejects.toThrow(NoStreamError);
    const other = await connectNats({
      name: 'other',
      env: readEnv({ VIRTSCOPE_NATS_URL: nats.url }),
      log,
      health: new Health(),
      signal,
    });
    other.subscribe('somebody.hears', { callback: () => undefined });
    await other.flush();
    const silent = acks.publish('somebody.hears', '', { ...options, timeoutMs: 1 });
    await expect(silent).rejects.toThrow(AckTimeoutError);
    await other.close();
  });

  test('bus rule 2: an event that is published again is there once', async () => {
    const event: EventData = {
      v: 1,
      role: 'event-bridge',
      host: 'hv1',
      epoch: 7,
      seq: 1,
      prev: null,
      kind: 'started',
      observedAt: '2026-01-01T00:00:00.000Z',
      uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f',
    };
    const publisher = new EventPublisher(nc, { clock, log });
    await publisher.publish(event, signal);
    await publisher.publish(event, signal);
    const jsm = await jetstreamManager(nc);
    const { state } = await jsm.streams.info(eventsStream.name, {
      subjects_filter: subjects.eventsOfHost('hv1'),
    });
    expect(Object.values(state.subjects ?? {})).toEqual([1]);
    const last = await readLast(nc, Object.keys(state.subjects ?? {})[0] ?? '', eventsStream.name);
    expect(last?.msgId).toBe(eventId(event));
  });

  test('bus rule 3: epochs go up, also above a floor and after the bucket was lost', async () => {
    const take = (floor = 0): Promise<number> =>
      takeEpoch(nc, { role: 'event-bridge', host: 'hv3', floor, clock, holder: 'test' });
    const first = await take();
    expect(first).toBeGreaterThan(clock.wallMs() / 1000 - 5);
    expect(await take()).toBe(first + 1);
    expect(await take(first + 100)).toBe(first + 101);
    expect(await currentEpoch(nc, 'event-bridge', 'hv3')).toBe(first + 101);
    const kv = await openBucket(nc, buckets.epochs);
    await kv.purge(epochKey('event-bridge', 'hv3'));
    expect(await take(first + 101)).toBe(first + 102);
  });

  test('bus rule 3: of many that take at once each gets an epoch of its own', async () => {
    const epochs = await Promise.all(
      Array.from({ length: 8 }, () =>
        takeEpoch(nc, { role: 'event-bridge', host: 'hv4', floor: 0, clock, holder: 'test' }),
      ),
    );
    expect(new Set(epochs).size).toBe(8);
  });

  test('bus rule 4: an inventory is whole only with its mark, and other sources stay', async () => {
    const entry = (id: string, source: string): HostEntry => ({
      v: 1,
      id,
      source,
      profile: `inline-${id}`,
      labels: {},
    });
    const one = (): number => 1;
    await applyInventory(nc, 'other', [entry('x1', 'other')], one);
    await applyInventory(nc, 'fleet', [entry('a1', 'fleet'), entry('a2', 'fleet')], one);
    await expect(applyInventory(nc, 'fleet', [], one)).rejects.toThrow(RemovalRefusedError);
    const everybodys = await applyInventory(nc, 'fleet', [entry('a2', 'fleet')], one);
    expect(everybodys).toEqual(new Set(['a2', 'x1']));
    const kv = await openBucket(nc, buckets.hosts);
    expect(await kv.get('a1')).toMatchObject({ operation: 'DEL' });
    expect(hostEntrySchema.parse((await kv.get('x1'))?.json())).toEqual(entry('x1', 'other'));
    expect((await kv.get('_applied.fleet'))?.json()).toMatchObject({ count: 1 });
  });

  test('every subject of a host is read once, with its last message', async () => {
    const writer = new StateWriter(nc, { clock, log });
    const wanted = Array.from({ length: 25 }, (_, i) => `many-${i}`);
    for (const id of wanted) {
      const at = subjects.state('hv9', 'domain', id);
      await writer.write({ subject: at, body: row(1), expected: 0, writeId: `m:${id}` }, signal);
    }
    const found = await readSubjects(nc, {
      stream: stateStream.name,
      filter: subjects.domainsOfHost('hv9'),
      signal,
    });
    expect(found.map(({ subject: at }) => at).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(
      wanted.map((id) => subjects.state('hv9', 'domain', id)).toSorted((a, b) => (a < b ? -1 : 1)),
    );
    expect(
      await readSubjects(nc, {
        stream: stateStream.name,
        filter: subjects.domainsOfHost('nobody'),
        signal,
      }),
    ).toEqual([]);
  });

  test('bus rule 4: streams that were made anew are told apart, and the timeline goes up', async () => {
    const before = await readBusIdentity(nc);
    await nats.restartEmpty();
    await waitFor(async () => await nc.flush().then(() => true), { what: 'NATS' });
    await ensureBus(nc, { clock, log, signal });
    const after = await readBusIdentity(nc);
    expect(after.stateCreated).not.toBe(before.stateCreated);
    expect(after.lastStateSeq).toBe(0);
    const first = await raiseTimeline(nc, clock);
    expect(await raiseTimeline(nc, clock)).toBe(first + 1);
  });

  test('no reader of ours asks STREAM.MSG.GET, of which 2.9.10 dies while it makes a stream', async () => {
    const state = new AbortController();
    const following = followState(
      nc,
      { link: new LinkStatus(nc), clock, signal: state.signal },
      ({ type }) => type === 'caughtUp' && state.abort(),
    );
    await following;
    const gets = (): string[] => asked.filter((to) => to.includes('.STREAM.MSG.GET.'));
    expect(asked.filter((to) => to.includes('.DIRECT.GET.')).length).toBeGreaterThan(5);
    expect(gets()).toEqual([]);
    const jsm = await jetstreamManager(nc);
    await jsm.streams.getMessage(stateStream.name, { seq: 1 }).catch(() => undefined);
    expect(gets()).toHaveLength(1);
  });
});
