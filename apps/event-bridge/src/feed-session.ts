/**
 * One libvirt session's feed: the shell around the mind in `@virtscope/events`. It turns what
 * libvirt and the bus say into inputs, and does what the mind wishes.
 */
import {
  epochSchema,
  stateStream,
  subjects,
  type HostPulse,
  type HostRecord,
} from '@virtscope/contracts';
import {
  highestEpoch,
  openFeed,
  pulse,
  step,
  type BusBase,
  type FeedEffect,
  type FeedInput,
  type HostFeed,
  type Identity,
  type Now,
  type RowKey,
} from '@virtscope/events';
import type { WantedHost } from '@virtscope/fleet';
import { domainEventKinds, type DomainEventStream, type Session } from 'node-libvirt';
import { Mailbox, parseJson, readSubjects, takeEpoch, type Logger } from '@virtscope/runtime';
import { z } from 'zod';
import { readBase, rowKeyOf } from './bus-base.ts';
import { listenToSamples } from './fast-samples.ts';
import { LibvirtReads } from './libvirt-reads.ts';
import type { BridgeHands } from './watch-host.ts';

/** Inputs that wait for the mind; at the bound the session is given up and synced anew. */
const maxInputs = 50_000;
/** The round trip that `verifiedAt` rests on. */
const pingPeriodMs = 5_000;
/** One domain's configuration per host is read again this often, event or not. */
const auditPeriodMs = 30_000;
/** How long a host's first rows wait for the daemon's identity. */
const firstIdentityMs = 10_000;
/** How long what a lost session heard may take to reach the bus before it is left to the sync. */
const drainDeadlineMs = 5_000;

const epochOnly = z.object({ epoch: epochSchema });

export class FeedSession {
  readonly #host: WantedHost;
  readonly #session: Session;
  readonly #cause: string;
  readonly #bridge: BridgeHands;
  readonly #log: Logger;
  readonly #reads: LibvirtReads;
  /** Ends the mind's loop. */
  readonly #stop = new AbortController();
  /** Ends what is under way to the bus. */
  readonly #giveUp = new AbortController();
  readonly #mailbox: Mailbox<FeedInput>;
  readonly #underWay = new Set<Promise<unknown>>();
  #feed: HostFeed | undefined;
  #asked: Promise<Identity | { failed: string }> | undefined;
  #ended = 'the watch of the host ended';
  #linkAfter: HostPulse['link'] = 'lost';
  /** Messages of others on our subjects that were not looked at yet. */
  #foreign = 0;

  constructor(host: WantedHost, session: Session, cause: string, bridge: BridgeHands, log: Logger) {
    this.#host = host;
    this.#session = session;
    this.#cause = cause;
    this.#bridge = bridge;
    this.#log = log;
    this.#reads = new LibvirtReads(session);
    this.#mailbox = new Mailbox(maxInputs, this.#stop.signal);
  }

  /** @returns why the session ended, once what it heard is on the bus */
  async run(): Promise<string> {
    const { signal } = this.#bridge;
    // A hand-over says `syncing`: the next holder is on its way, nothing is lost.
    const onAbort = (): void => this.#end('the watch of the host ended', 'syncing');
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await this.#watch();
    } catch (error) {
      if (signal.aborted) throw error;
      this.#log.warn({ err: error }, 'the session is given up');
      this.#ended = error instanceof Error ? error.message : String(error);
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#stop.abort();
      this.#giveUp.abort();
      const feed = this.#feed;
      const link = this.#linkAfter;
      if (feed !== undefined) {
        this.#bridge.heart.tell(this.#host.id, () => ({ ...pulse(feed, this.#now()), link }));
      }
    }
    return this.#ended;
  }

  async #watch(): Promise<void> {
    const { guard, heart } = this.#bridge;
    // Registered first, listed later: what happens in between is buffered, not lost.
    await using events = await this.#session.domainEvents(domainEventKinds);
    const facts = { ...(await this.#reads.facts()), missingKinds: [...events.missingKinds] };
    const { epoch, base, recordSeq, identity } = await this.#takeHost(facts);
    const [feed, effects] = openFeed(
      {
        host: this.#host.id,
        epoch,
        base,
        recordSeq,
        cause: this.#cause,
        identityBy: this.#host.identity,
        identity,
        facts,
      },
      this.#now(),
    );
    this.#feed = feed;
    this.#log.info({ epoch, rows: base.rows.length }, 'syncing');
    heart.tell(this.#host.id, () => pulse(feed, this.#now()));
    using _guarded = guard.guard(this.#host.id, {
      epoch,
      upTo: () => feed.upTo,
      restart: (cause) => this.#end(cause),
      fenced: (byEpoch) => this.#fenced(byEpoch),
      inspect: () => this.#inspect(),
    });
    using _listening = this.#listenToOthers();
    using _sampled = listenToSamples(this.#bridge.nc, this.#host.id, (states) =>
      this.#push({ type: 'sampled', states }),
    );
    this.#perform(effects);
    this.#perform([{ type: 'list', afterMs: 0 }]);
    void this.#identify();
    void this.#hear(events);
    void this.#pingOn(events);
    void this.#auditOn();
    void this.#session.closed.then((error) => this.#lost(error));
    for await (const input of this.#mailbox) this.#take(input);
    await this.#drain();
  }

  /** Bus rule 1: the record under our epoch first, then what the bus says of the host. */
  async #takeHost(facts: Partial<HostRecord>): Promise<{
    epoch: number;
    base: BusBase;
    recordSeq: number;
    identity: Identity | undefined;
  }> {
    const { nc, hands, writer, signal } = this.#bridge;
    const host = this.#host.id;
    const before = await readBase(nc, host, signal);
    const epoch = await takeEpoch(nc, {
      role: 'event-bridge',
      host,
      floor: highestEpoch(before),
      clock: hands.clock,
      holder: hands.replica,
    });
    const known = before.record?.body;
    const identity = await this.#firstIdentity(known);
    const record: HostRecord = {
      v: 1,
      type: 'host',
      host,
      epoch,
      sync: 'syncing',
      ...(known?.hostUuid === undefined ? {} : { hostUuid: known.hostUuid }),
      ...(known?.hostname === undefined ? {} : { hostname: known.hostname }),
      ...identity,
      ...facts,
      changedAt: new Date(hands.clock.wallMs()).toISOString(),
    };
    const written = await writer.write(
      {
        subject: subjects.hostRecord(host),
        body: JSON.stringify(record),
        expected: before.record?.seq ?? 0,
        writeId: `event-bridge:${host}:${epoch}:w0`,
      },
      signal,
    );
    if (written.type === 'refused') {
      throw new Error(
        `the host was taken by epoch ${written.last?.epoch ?? 'unknown'} while ours is ${epoch}`,
      );
    }
    const base = await readBase(nc, host, signal);
    return { epoch, base: { ...base, record: before.record }, recordSeq: written.seq, identity };
  }

  /** The daemon's identity when the bus has none yet; nobody waits longer than one deadline. */
  async #firstIdentity(known: HostRecord | undefined): Promise<Identity | undefined> {
    const key = this.#host.identity === 'uuid' ? 'hostUuid' : 'hostname';
    if (known?.[key] !== undefined) return undefined;
    const late = this.#bridge.hands.clock
      .sleep(firstIdentityMs, this.#stop.signal)
      .catch(() => undefined);
    const identity = await Promise.race([this.#identity(), late]);
    return identity === undefined || 'failed' in identity ? undefined : identity;
  }

  /** One domain's XML per period: what libvirt changes without an event. */
  async #auditOn(): Promise<void> {
    const { clock } = this.#bridge.hands;
    while (!this.#stop.signal.aborted) {
      await clock.sleep(auditPeriodMs, this.#stop.signal).catch(() => undefined);
      this.#push({ type: 'auditDue' });
    }
  }

  #identity(): Promise<Identity | { failed: string }> {
    return (this.#asked ??= this.#reads.identity(this.#host.identity));
  }

  #take(input: FeedInput): void {
    if (this.#feed === undefined) return;
    const [feed, effects] = step(this.#feed, input, this.#now());
    this.#feed = feed;
    this.#perform(effects);
  }

  #push(input: FeedInput): void {
    if (!this.#mailbox.push(input)) {
      this.#end(`${maxInputs} inputs wait: the host is synced anew`, 'gap');
    }
  }

  #perform(effects: readonly FeedEffect[]): void {
    const { heart, hands } = this.#bridge;
    for (const effect of effects) {
      switch (effect.type) {
        case 'publish':
          this.#publish(effect);
          break;
        case 'store':
          this.#store(effect);
          break;
        case 'read':
          void this.#reads.domain(effect, this.#now().wallMs).then((input) => this.#push(input));
          break;
        case 'readConfig':
          void this.#reads.config(effect, this.#now().wallMs).then((input) => this.#push(input));
          break;
        case 'list':
          void this.#list(effect.afterMs);
          break;
        case 'retryReadLater':
          void hands.clock.sleep(effect.afterMs, this.#stop.signal).then(
            () => this.#push({ type: 'retryRead', uuid: effect.uuid }),
            () => undefined,
          );
          break;
        case 'linkChanged':
          this.#log.info({ link: effect.link, epoch: this.#feed?.epoch }, 'the link changed');
          heart.beatSoon(this.#host.id);
          break;
        case 'fenced':
          this.#fenced(effect.byEpoch);
          break;
        case 'note':
          // In a burst of events reads are void by design; all else is worth a line.
          this.#log[effect.note === 'read-void' ? 'debug' : 'warn'](
            { uuid: effect.uuid, detail: effect.detail },
            effect.note,
          );
          hands.metrics
            .counter('feed_notes_total', 'What a feed met that should be rare', ['host', 'note'])
            .inc({ host: this.#host.id, note: effect.note });
          break;
      }
    }
  }

  #publish({ event }: Extract<FeedEffect, { type: 'publish' }>): void {
    const { publisher, hands } = this.#bridge;
    const startedMs = hands.clock.monotonicMs();
    const acked = publisher.publish(event, this.#giveUp.signal);
    if (acked === undefined) {
      // Bus rule 9.
      this.#end('too many events wait for the bus: the host is synced anew', 'gap');
      return;
    }
    hands.metrics
      .counter('events_published_total', 'Events by kind', ['host', 'kind'])
      .inc({ host: this.#host.id, kind: event.kind });
    this.#track(
      acked.then(() => {
        hands.metrics
          .histogram('event_publish_seconds', 'From hearing an event to its ack', ['host'])
          .observe({ host: this.#host.id }, (hands.clock.monotonicMs() - startedMs) / 1000);
        this.#take({ type: 'published', seq: event.seq });
      }),
    );
  }

  #store({ key, body, expected, writeId }: Extract<FeedEffect, { type: 'store' }>): void {
    const { writer, hands, heart } = this.#bridge;
    const startedMs = hands.clock.monotonicMs();
    const subject =
      key === 'record'
        ? subjects.hostRecord(this.#host.id)
        : subjects.state(this.#host.id, 'domain', key.uuid);
    const write = { subject, body: JSON.stringify(body), expected, writeId };
    this.#track(
      writer.write(write, this.#giveUp.signal).then((result) => {
        if (result.type === 'stored') {
          hands.metrics
            .histogram('row_store_seconds', 'From wanting a row to its ack', ['host'])
            .observe({ host: this.#host.id }, (hands.clock.monotonicMs() - startedMs) / 1000);
          this.#take({ type: 'stored', key, writeId, seq: result.seq });
          heart.beatSoon(this.#host.id);
        } else {
          this.#take({ type: 'refused', key, writeId, last: result.last });
        }
      }),
    );
  }

  /** Work for the bus that a draining session waits for. */
  #track(work: Promise<void>): void {
    const settled = work
      .catch((error: unknown) => {
        if (!this.#giveUp.signal.aborted) this.#end(`a write broke: ${String(error)}`);
      })
      .finally(() => this.#underWay.delete(settled));
    this.#underWay.add(settled);
  }

  async #list(afterMs: number): Promise<void> {
    try {
      await this.#bridge.hands.clock.sleep(afterMs, this.#stop.signal);
      this.#push(await this.#reads.list(this.#now()));
    } catch (error) {
      // Without a list there is no sync: the session is of no use.
      this.#end(`the domains cannot be listed: ${String(error)}`);
    }
  }

  async #hear(events: DomainEventStream): Promise<void> {
    try {
      for await (const event of events) {
        if (event.kind === 'lifecycle') {
          const { uuid, name } = event.domain;
          this.#push({ type: 'lifecycle', uuid, name, event: event.event, detail: event.detail });
        } else {
          this.#push({ type: 'occurred', event });
        }
      }
    } catch (error) {
      if (this.#session.isOpen) this.#end(`events were lost: ${String(error)}`, 'gap');
    }
  }

  async #pingOn(events: DomainEventStream): Promise<void> {
    const { clock } = this.#bridge.hands;
    try {
      while (!this.#stop.signal.aborted) {
        await clock.sleep(pingPeriodMs, this.#stop.signal);
        const { startedMs } = await this.#session.ping({ signal: this.#stop.signal });
        this.#push({
          type: 'pong',
          startedMonotonicMs: startedMs,
          eventsReceived: events.received,
        });
      }
    } catch (error) {
      // A daemon that leaves a keepalive unanswered for its whole deadline is not there.
      if (!this.#stop.signal.aborted) this.#end(`no answer to a keepalive: ${String(error)}`);
    }
  }

  async #identify(): Promise<void> {
    this.#push({ type: 'identified', identity: await this.#identity() });
  }

  /** Bus rule 1: whoever else writes on our subjects is heard, refused by the broker or not. */
  #listenToOthers(): Disposable {
    const { nc } = this.#bridge;
    const subscription = nc.subscribe(subjects.stateOfHost(this.#host.id), {
      callback: () => {
        this.#foreign++;
        // A burst of them is one look, and one more after it for those that came meanwhile.
        if (this.#foreign === 1) void this.#inspectForeign();
      },
    });
    return { [Symbol.dispose]: () => subscription.unsubscribe() };
  }

  async #inspectForeign(): Promise<void> {
    while (this.#foreign > 0 && !this.#stop.signal.aborted) {
      const seen = this.#foreign;
      try {
        await this.#inspect();
      } catch (error) {
        this.#log.warn({ err: error }, 'foreign rows cannot be looked at; the next sync will');
      }
      this.#foreign -= seen;
    }
  }

  /** After the bus was away, or somebody wrote: what others wrote on our subjects meanwhile. */
  async #inspect(): Promise<number> {
    const { nc } = this.#bridge;
    const rows = await readSubjects(nc, {
      stream: stateStream.name,
      filter: subjects.stateOfHost(this.#host.id),
      signal: this.#stop.signal,
    });
    for (const { subject, seq, data } of rows) {
      const key: RowKey | undefined = rowKeyOf(subject);
      if (key === undefined) continue;
      // What is no row at all stands in a row's place, and is overwritten like the oldest.
      const { epoch = 0 } = epochOnly.safeParse(parseJson(data)).data ?? {};
      if (epoch !== this.#feed?.epoch) this.#push({ type: 'strayed', key, seq, epoch });
    }
    return rows.reduce((highest, { seq }) => Math.max(highest, seq), 0);
  }

  #lost(error: Error | undefined): void {
    this.#end(error?.message ?? 'the session was closed');
  }

  #fenced(byEpoch: number): void {
    this.#end(`fenced: epoch ${byEpoch} is above ours`);
    this.#giveUp.abort();
  }

  #end(cause: string, linkAfter: HostPulse['link'] = 'lost'): void {
    if (this.#stop.signal.aborted) return;
    this.#ended = cause;
    this.#linkAfter = linkAfter;
    this.#stop.abort();
  }

  /** What was heard goes to the bus before the next session compares with it. */
  async #drain(): Promise<void> {
    const { clock } = this.#bridge.hands;
    if (this.#linkAfter !== 'syncing') this.#take({ type: 'lost', problem: this.#ended });
    const deadline = AbortSignal.any([this.#giveUp.signal, AbortSignal.timeout(drainDeadlineMs)]);
    while (this.#underWay.size > 0 && !deadline.aborted) {
      await Promise.race([
        Promise.all(this.#underWay),
        clock.sleep(drainDeadlineMs, deadline).catch(() => undefined),
      ]);
    }
    if (this.#underWay.size > 0) {
      this.#log.warn(
        { underWay: this.#underWay.size },
        'the bus does not take what was heard: the next sync tells its net effect',
      );
    }
  }

  #now(): Now {
    const { clock } = this.#bridge.hands;
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }
}
