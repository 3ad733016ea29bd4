import { subjects, type HostId } from '@virtscope/contracts';
import type { FeedEffect, FeedInput, RowKey } from '@virtscope/events';
import { StreamFullError } from '@virtscope/runtime';
import type { BridgeHands } from './watch-host.ts';

type BusHands = Pick<BridgeHands, 'hands' | 'writer' | 'publisher' | 'heart'>;

/** How long what a lost session heard may take to reach the bus before it is left to the sync. */
const drainDeadlineMs = 5_000;

export type BusWorkTurns = {
  /** The broker's answers, for the mind. */
  answered(input: FeedInput): void;
  /** The bus takes no more (bus rule 9): too many events wait for it, or the state stream is full. */
  full(why: string): void;
  /** A write broke for a reason that no retry mends. */
  broken(error: unknown): void;
};

/** A session's events and rows on their way to the bus. */
export class BusWork {
  readonly #host: HostId;
  readonly #bridge: BusHands;
  readonly #turns: BusWorkTurns;
  readonly #giveUp = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(host: HostId, bridge: BusHands, turns: BusWorkTurns) {
    this.#host = host;
    this.#bridge = bridge;
    this.#turns = turns;
  }

  publish({ event }: Pick<Extract<FeedEffect, { type: 'publish' }>, 'event'>): void {
    const { publisher, hands } = this.#bridge;
    const startedMs = hands.clock.monotonicMs();
    const acked = publisher.publish(event, this.#giveUp.signal);
    if (acked === undefined) {
      this.#turns.full('too many events wait for the bus');
      return;
    }
    hands.metrics
      .counter('events_published_total', 'Events by kind', ['host', 'kind'])
      .inc({ host: this.#host, kind: event.kind });
    this.#track(
      acked.then(() => {
        hands.metrics
          .histogram('event_publish_seconds', 'From hearing an event to its ack', ['host'])
          .observe({ host: this.#host }, (hands.clock.monotonicMs() - startedMs) / 1000);
        this.#turns.answered({ type: 'published', seq: event.seq });
      }),
    );
  }

  store({ key, body, expected, writeId }: Extract<FeedEffect, { type: 'store' }>): void {
    const { writer, hands, heart } = this.#bridge;
    const startedMs = hands.clock.monotonicMs();
    const write = {
      subject: subjectOf(this.#host, key),
      body: JSON.stringify(body),
      expected,
      writeId,
      whenFull: 'throw',
    } as const;
    this.#track(
      writer.write(write, this.#giveUp.signal).then((result) => {
        if (result.type === 'stored') {
          hands.metrics
            .histogram('row_store_seconds', 'From wanting a row to its ack', ['host'])
            .observe({ host: this.#host }, (hands.clock.monotonicMs() - startedMs) / 1000);
          this.#turns.answered({ type: 'stored', key, writeId, seq: result.seq });
          heart.beatSoon(this.#host);
        } else {
          this.#turns.answered({ type: 'refused', key, writeId, last: result.last });
        }
      }),
    );
  }

  /** Deletes an old end's message; one that does not work is tried again by the mind. */
  purge({ key, seq }: Extract<FeedEffect, { type: 'purge' }>): void {
    const { writer, hands } = this.#bridge;
    const purging = writer.purge(seq, this.#giveUp.signal).then(
      () => {
        hands.metrics
          .counter('tombstones_purged_total', 'Ends that left the state stream', ['host'])
          .inc({ host: this.#host });
        this.#turns.answered({ type: 'purged', key, seq, failed: false });
      },
      (error: unknown) => {
        if (this.#giveUp.signal.aborted) throw error;
        hands.log.warn({ err: error, host: this.#host, seq }, 'an end cannot be purged now');
        this.#turns.answered({ type: 'purged', key, seq, failed: true });
      },
    );
    this.#track(purging);
  }

  /** Waits until all is on the bus, as far as the deadline allows. @returns what is not */
  async drain(): Promise<number> {
    const { clock } = this.#bridge.hands;
    const deadline = AbortSignal.any([this.#giveUp.signal, AbortSignal.timeout(drainDeadlineMs)]);
    while (this.#underWay.size > 0 && !deadline.aborted) {
      await Promise.race([
        Promise.all(this.#underWay),
        clock.sleep(drainDeadlineMs, deadline).catch(() => undefined),
      ]);
    }
    return this.#underWay.size;
  }

  /** Ends all tries: the outcome of what is under way is unknown. */
  giveUp(): void {
    this.#giveUp.abort();
  }

  #track(work: Promise<void>): void {
    const settled = work
      .catch((error: unknown) => {
        if (this.#giveUp.signal.aborted) return;
        if (error instanceof StreamFullError) this.#turns.full(error.message);
        else this.#turns.broken(error);
      })
      .finally(() => this.#underWay.delete(settled));
    this.#underWay.add(settled);
  }
}

function subjectOf(host: HostId, key: RowKey): string {
  if (key === 'record') return subjects.hostRecord(host);
  const { type, id } = 'uuid' in key ? ({ type: 'domain', id: key.uuid } as const) : key.thing;
  return subjects.state(host, type, id);
}
