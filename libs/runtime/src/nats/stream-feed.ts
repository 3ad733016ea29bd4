import { jetstreamManager, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import type { Clock } from '../clock.ts';
import { FeedProgress } from './feed-progress.ts';
import type { LinkStatus } from './link-status.ts';
import { idleHeartbeatMs, openPushConsumer, type Delivery } from './push-consumer.ts';

/** What a feed of a stream tells, in order. Sequences are the stream's. */
export type StreamFeedEvent =
  /** A replay from the start: all that was told before is of another stream, or went back. */
  | { type: 'opened'; createdMs: number; timeline: number; reason: string }
  /** The broker said its time, in the answer to a request begun at `startedMs` (monotonic). */
  | { type: 'brokerTime'; brokerMs: number; startedMs: number }
  | ({ type: 'message' } & Delivery)
  /** Whatever the stream held up to `seq` has been told. */
  | { type: 'caughtUp'; seq: number }
  /** Asked at `startedMs`, the broker said that the stream ends at `seq`. */
  | { type: 'checked'; seq: number; startedMs: number }
  /** Nothing flows. What comes next is `caughtUp` or `opened`. */
  | { type: 'lost'; reason: string };

export type FeedHands = {
  link: LinkStatus;
  clock: Clock;
  signal: AbortSignal;
};

export type StreamFeedOptions = FeedHands & {
  stream: string;
  filter: string;
  /** How often the stream's identity and end are asked for. */
  checkMs: number;
  /** Part of the stream's identity beside its creation time (bus rule 4). */
  readTimeline?: () => Promise<number>;
};

const requestTimeoutMs = 2_000;
const retryMs = 250;
const maxSilenceMs = 3 * idleHeartbeatMs;

type Identity = { createdMs: number; timeline: number };

/**
 * Follows the last message of every subject of a stream: all of them from the start, then each
 * change, until `signal` aborts. It resumes by itself after a broken connection or a restarted
 * server, and begins anew when the stream is another one (made anew, on another timeline) or ends
 * below what was already told (a server that lost its last seconds).
 */
export async function followStream(
  nc: NatsConnection,
  options: StreamFeedOptions,
  on: (event: StreamFeedEvent) => void,
): Promise<void> {
  const { signal, clock, link } = options;
  const feed = new StreamFeed(nc, options, on);
  while (!signal.aborted) {
    try {
      await link.untilUp(signal);
      const reason = await feed.flow();
      on({ type: 'lost', reason });
    } catch (error) {
      if (isAborted(signal)) return;
      const reason = error instanceof Error ? error.message : String(error);
      on({ type: 'lost', reason: `${options.stream}: ${reason}` });
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
}

class StreamFeed {
  readonly #nc: NatsConnection;
  readonly #options: StreamFeedOptions;
  readonly #on: (event: StreamFeedEvent) => void;
  #identity: Identity | undefined;
  /** All up to here was told. */
  #told = 0;

  constructor(
    nc: NatsConnection,
    options: StreamFeedOptions,
    on: (event: StreamFeedEvent) => void,
  ) {
    this.#nc = nc;
    this.#options = options;
    this.#on = on;
  }

  /** Tells until something breaks. @returns what broke */
  async flow(): Promise<string> {
    const { stream, filter, clock, signal, link, checkMs } = this.#options;
    const jsm = await jetstreamManager(this.#nc, { checkAPI: false, timeout: requestTimeoutMs });
    const before = await this.#look(jsm);
    const change = this.#whatChanged(before, this.#told);
    if (change !== undefined) {
      this.#identity = before.identity;
      this.#told = 0;
      this.#on({ type: 'opened', ...before.identity, reason: change });
    }
    const { promise: broken, resolve: breakOff } = Promise.withResolvers<string>();
    const progress = new FeedProgress(before.state, this.#told);
    const stopListening = link.onChange(() => breakOff('the connection to NATS broke'));
    const onAbort = (): void => breakOff('stopped');
    signal.addEventListener('abort', onAbort, { once: true });
    const startedMs = clock.monotonicMs();
    try {
      using consumer = await openPushConsumer(
        this.#nc,
        jsm,
        { stream, filter, clock, from: change === undefined ? this.#told + 1 : 'last-per-subject' },
        {
          delivery: (delivery) => {
            this.#told = Math.max(this.#told, delivery.seq);
            this.#on({ type: 'message', ...delivery });
            this.#announce(progress.delivered(delivery.seq));
          },
          idle: () => this.#announce(progress.idle()),
          broken: breakOff,
        },
      );
      this.#on({ type: 'brokerTime', brokerMs: consumer.brokerMs, startedMs });
      // The stream could have been replaced between the first look and the consumer.
      const after = await this.#look(jsm);
      const replaced = this.#whatChanged(after, 0);
      if (replaced !== undefined) return replaced;
      this.#announce(progress.verified());
      for (;;) {
        const over = await Promise.race([broken, clock.sleep(checkMs, signal)]);
        if (over !== undefined) return over;
        if (clock.monotonicMs() - consumer.heardMs > maxSilenceMs + checkMs) {
          return `${stream}: its consumer is silent`;
        }
        const asked = { toldBefore: this.#told, startedMs: clock.monotonicMs() };
        const look = await Promise.race([broken, this.#look(jsm)]);
        if (typeof look === 'string') return look;
        const changed = this.#whatChanged(look, asked.toldBefore);
        if (changed !== undefined) return changed;
        progress.endsAt(look.state.last_seq);
        this.#on({ type: 'checked', seq: look.state.last_seq, startedMs: asked.startedMs });
      }
    } finally {
      stopListening();
      signal.removeEventListener('abort', onAbort);
    }
  }

  #announce(seq: number | undefined): void {
    if (seq === undefined) return;
    this.#told = Math.max(this.#told, seq);
    this.#on({ type: 'caughtUp', seq });
  }

  async #look(jsm: JetStreamManager): Promise<{ identity: Identity; state: StreamInfo['state'] }> {
    const { stream, readTimeline } = this.#options;
    const [info, timeline] = await Promise.all([jsm.streams.info(stream), readTimeline?.() ?? 0]);
    return { identity: { createdMs: Date.parse(info.created), timeline }, state: info.state };
  }

  /** Why what was told is no longer the stream's past; undefined when it still is. */
  #whatChanged(
    { identity, state }: { identity: Identity; state: StreamInfo['state'] },
    told: number,
  ): string | undefined {
    const { stream } = this.#options;
    if (this.#identity === undefined) return `${stream} is read for the first time`;
    if (identity.createdMs !== this.#identity.createdMs) return `${stream} was made anew`;
    if (identity.timeline !== this.#identity.timeline)
      return `the timeline of ${stream} was raised`;
    if (state.last_seq < told) {
      return `${stream} ends at ${state.last_seq}, below ${told}, which was already read`;
    }
    return undefined;
  }
}

// A function, as the compiler takes a property's first answer for ever.
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
