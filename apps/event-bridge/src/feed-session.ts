/**
 * One epoch's feed over a libvirt session: the shell around the mind in `@virtscope/events`. It turns what
 * libvirt and the bus say into inputs, and does what the mind wishes.
 */
import { auditPeriodMs, type HostPulse } from '@virtscope/contracts';
import {
  openFeed,
  pulse,
  step,
  type FeedEffect,
  type FeedInput,
  type HostFeed,
  type Identity,
  type Now,
} from '@virtscope/events';
import type { WantedHost } from '@virtscope/fleet';
import { Mailbox, type Logger } from '@virtscope/runtime';
import {
  DeadlineExceededError,
  domainEventKinds,
  type DomainEventStream,
  type Session,
} from 'node-libvirt';
import { BusWork } from './bus-work.ts';
import { listenToSamples } from './fast-samples.ts';
import { ForeignRows } from './foreign-rows.ts';
import { LibvirtReads } from './libvirt-reads.ts';
import { LibvirtThings } from './libvirt-things.ts';
import { listenToHints } from './restart-hints.ts';
import type { Silence } from './silence.ts';
import { takeHost } from './take-host.ts';
import { ThingEvents } from './thing-events.ts';
import type { BridgeHands } from './watch-host.ts';

/** Inputs that wait for the mind; at the bound the session is given up and synced anew. */
const maxInputs = 50_000;
/** How long the one call after a long silence may take. */
const livenessTimeoutMs = 10_000;
/** The round trip that `verifiedAt` rests on. */
const pingPeriodMs = 5_000;

export class FeedSession {
  readonly #host: WantedHost;
  readonly #session: Session;
  readonly #silence: Silence;
  readonly #cause: string;
  readonly #bridge: BridgeHands;
  readonly #log: Logger;
  readonly #reads: LibvirtReads;
  readonly #things: LibvirtThings;
  readonly #bus: BusWork;
  /** Ends the mind's loop. */
  readonly #stop = new AbortController();
  readonly #mailbox: Mailbox<FeedInput>;
  #feed: HostFeed | undefined;
  #asked: Promise<Identity | { failed: string }> | undefined;
  #asking = false;
  #ended = 'the watch of the host ended';
  #again = false;
  #linkAfter: HostPulse['link'] = 'lost';

  constructor(
    host: WantedHost,
    { session, silence, cause }: { session: Session; silence: Silence; cause: string },
    bridge: BridgeHands,
    log: Logger,
  ) {
    this.#host = host;
    this.#session = session;
    this.#silence = silence;
    this.#cause = cause;
    this.#bridge = bridge;
    this.#log = log;
    this.#reads = new LibvirtReads(session, bridge.labelRules, bridge.xmlStore);
    this.#things = new LibvirtThings(session, bridge.hands.clock);
    this.#bus = new BusWork(host.id, bridge, {
      answered: (input) => this.#take(input),
      full: (why) => this.#end(`${why}; the host is synced anew once it takes writes`, 'gap'),
      broken: (error) => this.#end(`a write broke: ${String(error)}`),
    });
    this.#mailbox = new Mailbox(maxInputs, this.#stop.signal);
  }

  /**
   * @returns once what it heard is on the bus: why it ended, and whether the next feed may use the
   * same libvirt session, as the bus was the cause
   */
  async run(): Promise<{ cause: string; again: boolean }> {
    const { heart, signal } = this.#bridge;
    // A hand-over says `syncing`: the next holder is on its way, nothing is lost.
    const onAbort = (): void => this.#end('the watch of the host ended', 'syncing');
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      await this.#watch();
    } catch (error) {
      if (signal.aborted) throw error;
      this.#log.warn({ err: error }, 'the session is given up');
      this.#ended = error instanceof Error ? error.message : String(error);
      this.#again = false;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#stop.abort();
      this.#bus.giveUp();
      const feed = this.#feed;
      const link = this.#linkAfter;
      if (feed !== undefined) {
        heart.tell(this.#host.id, () => ({ ...pulse(feed, this.#now()), link }));
      }
    }
    return { cause: this.#ended, again: this.#again && this.#session.isOpen };
  }

  async #watch(): Promise<void> {
    const { nc, guard, heart } = this.#bridge;
    // Registered first, listed later: what happens in between is buffered, not lost.
    await using events = await this.#session.domainEvents(domainEventKinds);
    await using thingEvents = await ThingEvents.open(this.#session, this.#log);
    const missingKinds = [...events.missingKinds, ...thingEvents.missingKinds];
    const facts = { ...(await this.#reads.facts()), missingKinds };
    const { epoch, base, recordSeq, identity } = await takeHost(
      this.#host,
      facts,
      () => this.#identity(),
      this.#bridge,
    );
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
        relistMs: events.missingKinds.includes('lifecycle')
          ? this.#host.relistIntervalSeconds * 1_000
          : undefined,
        things: thingEvents.sources,
      },
      this.#now(),
    );
    this.#feed = feed;
    this.#log.info({ epoch, rows: base.rows.length }, 'syncing');
    heart.tell(this.#host.id, () => pulse(feed, this.#now()));
    const others = new ForeignRows(
      nc,
      { host: this.#host.id, epoch },
      (input) => this.#push(input),
      this.#stop.signal,
    );
    using _guarded = guard.guard(this.#host.id, {
      epoch,
      upTo: () => feed.upTo,
      restart: (cause) => this.#restart(cause),
      fenced: (byEpoch) => this.#fenced(byEpoch),
      inspect: () => others.look(),
    });
    using _listening = others.listen(this.#log);
    using _sampled = listenToSamples(nc, this.#host.id, (states) =>
      this.#push({ type: 'sampled', states }),
    );
    using _hinted = listenToHints(nc, this.#host.id, ({ uuid, id }) =>
      this.#push({ type: 'hinted', uuid, id }),
    );
    this.#perform(effects);
    this.#perform([{ type: 'list', afterMs: 0, reason: 'sync' }]);
    void this.#identify();
    // Both are read to their ends before the daemon's next bytes are, so their sum is a barrier.
    void this.#pingOn(() => events.received + thingEvents.received);
    void this.#auditOn();
    const heard = Promise.all([this.#hear(events), this.#hearThings(thingEvents)]);
    void this.#session.closed.then(async (error) => {
      // What the daemon sent before it went is told first.
      await heard;
      this.#end(error?.message ?? 'the session was closed');
    });
    for await (const inputs of this.#mailbox) for (const input of inputs) this.#take(input);
    await this.#drain();
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
          this.#bus.publish(effect);
          break;
        case 'store':
          this.#bus.store(effect);
          break;
        case 'read':
          void this.#reads.domain(effect, this.#now().wallMs).then((input) => this.#push(input));
          break;
        case 'readConfig':
          void this.#reads.config(effect, this.#now().wallMs).then((input) => this.#push(input));
          break;
        case 'list':
          void this.#list(effect);
          break;
        case 'listThings':
          this.#later(effect.afterMs, async () => {
            this.#push(await this.#things.list(effect, this.#now().wallMs));
          });
          break;
        case 'readThing':
          void this.#things.read(effect, this.#now().wallMs).then((input) => this.#push(input));
          break;
        case 'retryReadLater':
          this.#later(effect.afterMs, () => this.#push({ type: 'retryRead', uuid: effect.uuid }));
          break;
        case 'settleLater':
          this.#later(effect.afterMs, () => this.#push({ type: 'settleDue', uuid: effect.uuid }));
          break;
        case 'purgeLater':
          this.#later(effect.afterMs, () => this.#push({ type: 'purgeDue' }));
          break;
        case 'purge':
          this.#bus.purge(effect);
          break;
        case 'retryThingLater':
          this.#later(effect.afterMs, () =>
            this.#push({ type: 'retryThing', thing: effect.thing }),
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

  /** Does it after a while, unless the session ends before. */
  #later(afterMs: number, act: () => void | Promise<void>): void {
    this.#bridge.hands.clock.sleep(afterMs, this.#stop.signal).then(act, () => undefined);
  }

  async #list({ afterMs, reason }: Extract<FeedEffect, { type: 'list' }>): Promise<void> {
    try {
      await this.#bridge.hands.clock.sleep(afterMs, this.#stop.signal);
      this.#push(await this.#reads.list(this.#now(), reason));
    } catch (error) {
      // Without a list there is no sync, and where events are missing no truth.
      this.#end(`the domains cannot be listed: ${String(error)}`);
    }
  }

  async #hear(events: DomainEventStream): Promise<void> {
    try {
      for await (const event of events) {
        this.#silence.heard();
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

  async #hearThings(events: ThingEvents): Promise<void> {
    try {
      await events.hear((event) => this.#push({ type: 'thingOccurred', event }));
    } catch (error) {
      if (this.#session.isOpen) this.#end(`events were lost: ${String(error)}`, 'gap');
    }
  }

  async #pingOn(received: () => number): Promise<void> {
    const { clock } = this.#bridge.hands;
    try {
      while (!this.#stop.signal.aborted) {
        await clock.sleep(pingPeriodMs, this.#stop.signal);
        const { startedMs } = await this.#session.ping({ signal: this.#stop.signal });
        const eventsReceived = received();
        this.#push({ type: 'pong', startedMonotonicMs: startedMs, eventsReceived });
        if (this.#silence.isLong) void this.#askWhetherItWorks();
      }
    } catch (error) {
      // A daemon that leaves a keepalive unanswered for its whole deadline is not there.
      if (!this.#stop.signal.aborted) this.#end(`no answer to a keepalive: ${String(error)}`);
    }
  }

  /** A daemon whose workers all hang goes on answering keepalives. Never rejects. */
  async #askWhetherItWorks(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      await this.#session.connectGetLibVersion({
        reason: 'liveness',
        timeoutMs: livenessTimeoutMs,
        signal: this.#stop.signal,
      });
    } catch (error) {
      // A refusal is an answer, and a lost session is told by itself.
      if (error instanceof DeadlineExceededError) {
        this.#end('the daemon answers keepalives, and no call: its workers hang');
      }
    } finally {
      this.#asking = false;
    }
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

  async #identify(): Promise<void> {
    this.#push({ type: 'identified', identity: await this.#identity() });
  }

  #fenced(byEpoch: number): void {
    this.#end(`fenced: epoch ${byEpoch} is above ours`);
    this.#bus.giveUp();
  }

  /** The bus is another one; libvirt, which has no part in it, is not connected to anew. */
  #restart(cause: string): void {
    if (this.#stop.signal.aborted) return;
    this.#again = true;
    this.#end(cause, 'syncing');
  }

  #end(cause: string, linkAfter: HostPulse['link'] = 'lost'): void {
    if (this.#stop.signal.aborted) return;
    this.#ended = cause;
    this.#linkAfter = linkAfter;
    this.#stop.abort();
  }

  /** What was heard goes to the bus before the next session compares with it. */
  async #drain(): Promise<void> {
    for (const input of this.#mailbox.rest()) this.#take(input);
    // A hand-over, a gap and another bus are said by the heartbeat: the daemon is not lost.
    if (this.#linkAfter === 'lost') this.#take({ type: 'lost', problem: this.#ended });
    const underWay = await this.#bus.drain();
    if (underWay > 0) {
      this.#log.warn(
        { underWay },
        'the bus does not take what was heard: the next sync tells its net effect',
      );
    }
  }

  #now(): Now {
    const { clock } = this.#bridge.hands;
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }
}
