/** The world of a seeded history: one daemon that churns, one bus that acks late, one bridge. */
import { hash } from 'node:crypto';
import {
  eventSubject,
  isBefore,
  isTombstone,
  presencesDigestText,
  type DomainRow,
  type EventData,
  type HostRecord,
  type ThingRow,
} from '@virtscope/contracts';
import type { Stored } from './base.ts';
import type { FeedEffect, FeedInput, Now, RowKey } from './feed-io.ts';
import type { HostFeed } from './feed-state.ts';
import { openFeed, step } from './host-feed.ts';
import type { ThingSource } from './things/state.ts';

export const RUNNING = 1;
export const PAUSED = 3;
export const SHUTOFF = 5;

export const stateNames = new Map([
  [RUNNING, 'running'],
  [PAUSED, 'paused'],
  [SHUTOFF, 'shutoff'],
]);

type SimDomain = {
  name: string;
  id: number;
  state: number;
  reason: number;
  persistent: boolean;
};

export const uuidOf = (n: number): string =>
  `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

export type SimRow = DomainRow | ThingRow | HostRecord;

export class World {
  readonly random: () => number;
  now: Now = { wallMs: 1_800_000_000_000, monotonicMs: 0 };
  readonly domains = new Map<string, SimDomain>();
  nextId = 1;
  /** Heard by the session, if there is one, in order. */
  wire: FeedInput[] = [];
  /** Each does its next half and leaves true when it is over. */
  underWay: (() => boolean)[] = [];
  /** Waits for a story to settle: time moves to the first one when little else happens. */
  timers: { atMs: number; input: FeedInput }[] = [];
  readonly stream = new Map<string, Stored<SimRow>>();
  streamSeq = 0;
  readonly published = new Map<string, EventData>();
  epoch = 100;
  feed: HostFeed | undefined;
  fenced = false;
  readonly things: readonly ThingSource[] = [];

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
    const rows: Stored<DomainRow>[] = [];
    const things: Stored<ThingRow>[] = [];
    for (const { seq, body } of this.stream.values()) {
      if (body.type === 'domain') rows.push({ seq, body });
      else if (body.type !== 'host') things.push({ seq, body });
    }
    // Last by subject, as the stream gives them: one event for each domain or thing, and kind.
    const bySubject = new Map<string, EventData>();
    for (const event of this.published.values()) {
      const subject = eventSubject(event);
      const other = bySubject.get(subject);
      if (other === undefined || isBefore(other, event)) bySubject.set(subject, event);
    }
    const [feed, effects] = openFeed(
      {
        host: 'hv1',
        epoch: this.epoch,
        base: { rows, things, record: before, events: [...bySubject.values()] },
        recordSeq: this.streamSeq,
        cause: 'simulated',
        identityBy: 'hostname',
        identity: before?.body.hostname === undefined ? { hostname: 'hv1.test' } : undefined,
        facts: {},
        things: this.things,
      },
      this.now,
    );
    this.feed = feed;
    this.wire = [];
    this.perform(effects);
    this.perform([{ type: 'list', afterMs: 0, reason: 'sync' }]);
    this.reply({ type: 'identified', identity: { hostname: 'hv1.test' } });
  }

  /** The session or the whole bridge ends: what is under way may still reach the bus, or not. */
  die(): void {
    this.feed = undefined;
    this.wire = [];
    for (const half of this.underWay) if (this.chance(0.5)) half();
    this.underWay = [];
    this.timers = [];
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
    for (const effect of effects) this.performOne(effect);
  }

  performOne(effect: FeedEffect): void {
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
      case 'settleLater':
        this.wakeLater(effect.afterMs, { type: 'settleDue', uuid: effect.uuid });
        break;
      case 'purgeLater':
        this.wakeLater(effect.afterMs, { type: 'purgeDue' });
        break;
      case 'purge':
        this.twice(() => this.purgeNow(effect));
        break;
      case 'fenced':
        this.fenced = true;
        break;
      case 'linkChanged':
      case 'note':
      case 'listThings':
      case 'readThing':
      case 'retryThingLater':
        break;
    }
  }

  wakeLater(afterMs: number, input: FeedInput): void {
    this.timers.push({ atMs: this.now.monotonicMs + afterMs, input });
  }

  /** By exact sequence: what was written over it stays. Now and then the broker does not answer. */
  purgeNow({ key, seq }: Extract<FeedEffect, { type: 'purge' }>): FeedInput {
    if (this.chance(0.1)) return { type: 'purged', key, seq, failed: true };
    const subject = subjectOf(key);
    if (this.stream.get(subject)?.seq === seq) {
      const { purgedThrough = 0 } = (this.stream.get('record') as Stored<HostRecord>).body;
      if (seq > purgedThrough) throw new Error(`E11: ${subject} purged above ${purgedThrough}`);
      this.stream.delete(subject);
    }
    return { type: 'purged', key, seq, failed: false };
  }

  /** Of what lies in the stream now, as a reader who missed nothing would make it. */
  digest(): string {
    const presences = [...this.stream.values()].flatMap(({ seq, body }) =>
      body.type === 'domain' && !isTombstone(body) ? [{ uuid: body.uuid, seq }] : [],
    );
    return hash('sha256', presencesDigestText(presences), 'base64url');
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
    if (body.type === 'host' && body.digest !== undefined && body.digest !== this.digest()) {
      throw new Error(`the record of epoch ${body.epoch} does not fit what lies on the bus`);
    }
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
        state: stateNames.get(state) ?? '',
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
    if (this.wire.length > 0) return true;
    return this.wake();
  }

  wake(): boolean {
    const first = this.timers.toSorted((a, b) => a.atMs - b.atMs)[0];
    if (first === undefined) return false;
    this.timers = this.timers.filter((each) => each !== first);
    const leftMs = Math.max(0, first.atMs - this.now.monotonicMs);
    const { wallMs, monotonicMs } = this.now;
    this.now = { wallMs: wallMs + leftMs, monotonicMs: monotonicMs + leftMs };
    this.input(first.input);
    return true;
  }
}

function subjectOf(key: RowKey): string {
  if (key === 'record') return key;
  return 'uuid' in key ? key.uuid : `${key.thing.type}/${key.thing.id}`;
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

/** Plays 400 steps and then lets everything come to rest. */
export function play(world: World, seed: number): void {
  for (let i = 0; i < 400; i++) {
    if (world.feed === undefined) {
      const dice = world.random();
      if (dice < 0.3) world.open();
      else if (dice < 0.5) world.churn();
    } else if (world.chance(0.01)) world.die();
    else if (world.chance(0.1)) world.churn();
    else if (world.chance(0.03)) world.audit();
    else if (world.chance(0.02)) world.wake();
    else world.advance();
  }
  if (world.feed === undefined) world.open();
  for (let i = 0; world.advance(); i++) {
    if (i > 50_000) throw new Error(`seed ${seed}: never quiet`);
  }
}
