/**
 * A seeded history: one daemon that churns, one bus that acks late and in any order, a bridge that
 * loses its session or dies at any step. After the last fault the bus must say what libvirt says,
 * and whoever only read the events must have been told the same.
 */
import {
  isBefore,
  isTombstone,
  type DomainRow,
  type EventData,
  type HostRecord,
} from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { told, type Stored } from './base.ts';
import type { FeedEffect, FeedInput, Now, RowKey } from './feed-io.ts';
import type { HostFeed } from './feed-state.ts';
import { openFeed, pulse, step } from './host-feed.ts';
import { isActive, type Standing } from './net-effects.ts';

const RUNNING = 1;
const PAUSED = 3;
const SHUTOFF = 5;

type SimDomain = {
  name: string;
  id: number;
  state: number;
  reason: number;
  persistent: boolean;
};

const uuidOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

class World {
  readonly random: () => number;
  now: Now = { wallMs: 1_800_000_000_000, monotonicMs: 0 };
  readonly domains = new Map<string, SimDomain>();
  nextId = 1;
  /** Heard by the session, if there is one, in order. */
  wire: FeedInput[] = [];
  /** Each does its next half and leaves true when it is over. */
  underWay: (() => boolean)[] = [];
  readonly stream = new Map<string, Stored<DomainRow | HostRecord>>();
  streamSeq = 0;
  readonly published = new Map<string, EventData>();
  epoch = 100;
  feed: HostFeed | undefined;
  fenced = false;

  constructor(seed: number) {
    this.random = mulberry32(seed);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.random() * items.length)] as T;
  }

  churn(): void {
    const uuid = uuidOf(Math.floor(this.random() * 8));
    const domain = this.domains.get(uuid);
    if (domain === undefined) {
      if (this.chance(0.3)) {
        this.domains.set(uuid, {
          name: uuid,
          id: this.nextId++,
          state: RUNNING,
          reason: 1,
          persistent: false,
        });
        this.emit(uuid, 4, 0);
        this.emit(uuid, 2, 0);
      } else {
        this.domains.set(uuid, { name: uuid, id: -1, state: SHUTOFF, reason: 0, persistent: true });
        this.emit(uuid, 0, 0);
      }
    } else if (domain.state === SHUTOFF) {
      if (this.chance(0.3)) {
        this.domains.delete(uuid);
        this.emit(uuid, 1, 0);
      } else {
        // QEMU's own order: RESUMED before STARTED.
        Object.assign(domain, { id: this.nextId++, state: RUNNING, reason: 1 });
        this.emit(uuid, 4, 0);
        this.emit(uuid, 2, 0);
      }
    } else if (this.chance(0.3)) {
      this.stop(uuid, domain);
    } else if (this.chance(0.2) && domain.persistent) {
      domain.persistent = false;
      this.emit(uuid, 1, 0);
    } else if (domain.state === RUNNING) {
      Object.assign(domain, { state: PAUSED, reason: 1 });
      this.emit(uuid, 3, 0);
    } else {
      Object.assign(domain, { state: RUNNING, reason: 5 });
      this.emit(uuid, 4, 0);
    }
  }

  stop(uuid: string, domain: SimDomain): void {
    Object.assign(domain, { id: -1, state: SHUTOFF, reason: 2 });
    if (!domain.persistent) this.domains.delete(uuid);
    this.emit(uuid, 6, 2);
    this.emit(uuid, 5, 1);
  }

  emit(uuid: string, event: number, detail: number): void {
    if (this.feed !== undefined)
      this.wire.push({ type: 'lifecycle', uuid, name: uuid, event, detail });
  }

  open(): void {
    this.epoch++;
    this.fenced = false;
    const recordKey = 'record';
    const record: HostRecord = {
      v: 1,
      type: 'host',
      host: 'hv1',
      epoch: this.epoch,
      sync: 'syncing',
      hostname: 'hv1.test',
      changedAt: new Date(this.now.wallMs).toISOString(),
    };
    const before = this.stream.get(recordKey) as Stored<HostRecord> | undefined;
    this.stream.set(recordKey, { seq: ++this.streamSeq, body: record });
    const rows = [...this.stream]
      .filter(([key]) => key !== recordKey)
      .map(([, stored]) => stored as Stored<DomainRow>);
    // Last by subject, as the stream gives them: one event for each domain and kind.
    const bySubject = new Map<string, EventData>();
    for (const event of this.published.values()) {
      const subject = `${event.uuid}.${event.kind}`;
      const other = bySubject.get(subject);
      if (other === undefined || isBefore(other, event)) bySubject.set(subject, event);
    }
    const [feed, effects] = openFeed(
      {
        host: 'hv1',
        epoch: this.epoch,
        base: { rows, record: before, events: [...bySubject.values()] },
        recordSeq: this.streamSeq,
        cause: 'simulated',
        identityBy: 'hostname',
        identity: before?.body.hostname === undefined ? { hostname: 'hv1.test' } : undefined,
        facts: {},
      },
      this.now,
    );
    this.feed = feed;
    this.wire = [];
    this.perform(effects);
    this.perform([{ type: 'list', afterMs: 0 }]);
    this.reply({ type: 'identified', identity: { hostname: 'hv1.test' } });
  }

  /** The session or the whole bridge ends: what is under way may still reach the bus, or not. */
  die(): void {
    this.feed = undefined;
    this.wire = [];
    for (const half of this.underWay) if (this.chance(0.5)) half();
    this.underWay = [];
  }

  input(input: FeedInput): void {
    if (this.feed === undefined) return;
    this.now = { wallMs: this.now.wallMs + 1, monotonicMs: this.now.monotonicMs + 1 };
    const [feed, effects] = step(this.feed, input, this.now);
    this.feed = feed;
    this.perform(effects);
  }

  reply(input: FeedInput): void {
    this.underWay.push(() => {
      this.input(input);
      return true;
    });
  }

  /** Two halves: it happens there, and its answer arrives here; others may come between. */
  twice(happen: () => FeedInput): void {
    let answer: FeedInput | undefined;
    this.underWay.push(() => {
      if (answer === undefined) {
        answer = happen();
        return false;
      }
      this.input(answer);
      return true;
    });
  }

  perform(effects: readonly FeedEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'publish':
          this.twice(() => {
            const { event } = effect;
            this.published.set(`${event.epoch}:${event.seq}`, event);
            return { type: 'published', seq: event.seq };
          });
          break;
        case 'store':
          this.twice(() => this.storeNow(effect));
          break;
        case 'read':
          this.twice(() => this.readNow(effect));
          break;
        case 'readConfig':
          this.twice(() => this.configNow(effect.uuid));
          break;
        case 'list':
          this.twice(() => this.listNow());
          break;
        case 'retryReadLater':
          this.reply({ type: 'retryRead', uuid: effect.uuid });
          break;
        case 'fenced':
          this.fenced = true;
          break;
        case 'linkChanged':
        case 'note':
          break;
      }
    }
  }

  storeNow({ key, body, expected, writeId }: Extract<FeedEffect, { type: 'store' }>): FeedInput {
    const subject = subjectOf(key);
    const last = this.stream.get(subject);
    if ((last?.seq ?? 0) !== expected) {
      return {
        type: 'refused',
        key,
        writeId,
        last: last && { seq: last.seq, epoch: last.body.epoch },
      };
    }
    this.stream.set(subject, { seq: ++this.streamSeq, body });
    return { type: 'stored', key, writeId, seq: this.streamSeq };
  }

  readNow({ uuid, token }: Extract<FeedEffect, { type: 'read' }>): FeedInput {
    const domain = this.domains.get(uuid);
    const startedMs = this.now.wallMs;
    if (this.chance(0.02)) {
      return { type: 'read', uuid, token, startedMs, outcome: { failed: 'deadline' } };
    }
    return {
      type: 'read',
      uuid,
      token,
      startedMs,
      outcome: domain === undefined ? { found: false } : { found: true, ...domain },
    };
  }

  configNow(uuid: string): FeedInput {
    const domain = this.domains.get(uuid);
    if (domain === undefined) return { type: 'config', uuid, outcome: { failed: 'no domain' } };
    return {
      type: 'config',
      uuid,
      outcome: {
        config: {
          observedAt: new Date(this.now.wallMs).toISOString(),
          xmlHash: `${domain.id}`,
          disks: [],
          interfaces: [],
        },
        persistent: domain.persistent,
        autostart: false,
        managedSave: false,
      },
    };
  }

  listNow(): FeedInput {
    return {
      type: 'listed',
      startedMs: this.now.wallMs,
      startedMonotonicMs: this.now.monotonicMs,
      domains: [...this.domains].map(([uuid, domain]) => ({
        uuid,
        ...domain,
        autostart: false,
        managedSave: false,
      })),
    };
  }

  /** A sample that is on its way while things change, and a configuration nobody asked for. */
  audit(): void {
    this.twice(() => ({
      type: 'sampled',
      states: [...this.domains].map(([uuid, { id, state }]) => ({
        uuid,
        id: id < 0 ? null : id,
        state: names.get(state) ?? '',
      })),
    }));
    this.reply({ type: 'auditDue' });
  }

  /** Lets one thing happen that was under way. */
  advance(): boolean {
    if (this.wire.length > 0 && this.chance(0.5)) {
      this.input(this.wire.shift() as FeedInput);
      return true;
    }
    if (this.underWay.length > 0) {
      const half = this.pick(this.underWay);
      if (half()) this.underWay = this.underWay.filter((each) => each !== half);
      return true;
    }
    return this.wire.length > 0;
  }
}

function subjectOf(key: RowKey): string {
  return key === 'record' ? key : key.uuid;
}

function mulberry32(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function run(seed: number): World {
  const world = new World(seed);
  for (let i = 0; i < 400; i++) {
    if (world.feed === undefined) {
      const dice = world.random();
      if (dice < 0.3) world.open();
      else if (dice < 0.5) world.churn();
    } else if (world.chance(0.01)) world.die();
    else if (world.chance(0.1)) world.churn();
    else if (world.chance(0.03)) world.audit();
    else world.advance();
  }
  if (world.feed === undefined) world.open();
  for (let i = 0; world.advance(); i++) {
    if (i > 50_000) throw new Error(`seed ${seed}: never quiet`);
  }
  return world;
}

const seeds = Number(process.env['VIRTSCOPE_FULL'] ?? 0) > 0 ? 20_000 : 2_000;

test('after the last fault the bus says what libvirt says, and so do the events', () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const world = run(seed);
    const context = `seed ${seed}`;
    const feed = world.feed as HostFeed;
    expect(world.fenced, context).toBe(false);
    expect(feed.link, context).toBe('synced');
    const present = new Map<string, unknown>();
    for (const [key, { body }] of world.stream) {
      if (body.type === 'host' || isTombstone(body)) continue;
      expect(body.epoch, `${context} ${key}`).toBe(world.epoch);
      present.set(key, [
        body.id,
        body.state,
        body.stateFrom,
        body.persistent,
        body.config?.xmlHash,
      ]);
    }
    const wanted = new Map<string, unknown>(
      [...world.domains].map(([uuid, { id, state, persistent }]) => [
        uuid,
        [id < 0 ? null : id, names.get(state), 'read', persistent, `${id}`],
      ]),
    );
    expect(sorted(present), context).toEqual(sorted(wanted));
    expect(world.stream.get('record')?.body, context).toMatchObject({ sync: 'synced' });
    expect(pulse(feed, world.now), context).toMatchObject({ seq: feed.seq, upTo: world.streamSeq });
    checkSubscriber(world, context);
  }
});

const names = new Map([
  [RUNNING, 'running'],
  [PAUSED, 'paused'],
  [SHUTOFF, 'shutoff'],
]);

/** Whoever reads nothing but the events ends with the same picture, whatever the retries did. */
function checkSubscriber(world: World, context: string): void {
  const standings = new Map<string, Standing | undefined>();
  const events = [...world.published.values()].toSorted((a, b) => (isBefore(a, b) ? -1 : 1));
  for (const event of events) {
    if (event.uuid === undefined) continue;
    standings.set(event.uuid, told(standings.get(event.uuid), event));
  }
  for (let n = 0; n < 8; n++) {
    const uuid = uuidOf(n);
    const domain = world.domains.get(uuid);
    const standing = standings.get(uuid);
    const activeState = standing && isActive(standing) ? standing.state : 'inactive';
    expect(activeState, `${context} ${uuid}`).toBe(
      domain === undefined || domain.state === SHUTOFF ? 'inactive' : names.get(domain.state),
    );
  }
}

function sorted(map: Map<string, unknown>): [string, unknown][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
