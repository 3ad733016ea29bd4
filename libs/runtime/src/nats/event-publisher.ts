import type { NatsConnection } from '@nats-io/nats-core';
import {
  cloudEventHeaders,
  eventId,
  eventSubject,
  eventsStream,
  type EventData,
} from '@virtscope/contracts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { Semaphore } from '../semaphore.ts';
import { AckWindow } from './ack-window.ts';
import { headersOf, readLast } from './state-writer.ts';

/** Events of a replica that the broker has not acked; beyond it their hosts become `gap`. */
export const maxUnackedEvents = 10_000;
const maxPublishesInFlight = 256;
/** An ack takes well under a millisecond; a write whose ack was lost in an outage goes again soon. */
const ackTimeoutMs = 2_000;
const retryMs = 250;

/** Publishes events to VIRT_EVENTS, each until it is acked, each once for whoever dedupes. */
export class EventPublisher {
  readonly #nc: NatsConnection;
  readonly #acks: AckWindow;
  readonly #hands: { clock: Clock; log: Logger };
  readonly #passage: () => Promise<void> | undefined;
  readonly #places = new Semaphore(maxPublishesInFlight);
  #unacked = 0;

  /** @param passage holds a writer back that was silent for long, until it may go on (rule 8) */
  constructor(
    nc: NatsConnection,
    hands: { clock: Clock; log: Logger },
    passage: () => Promise<void> | undefined = () => undefined,
  ) {
    this.#passage = passage;
    this.#nc = nc;
    this.#acks = AckWindow.of(nc, hands.clock);
    this.#hands = hands;
  }

  get unacked(): number {
    return this.#unacked;
  }

  /**
   * @returns a promise of the ack, or undefined when {@link maxUnackedEvents} wait already
   * @throws (the promise) the signal's reason: then the outcome is unknown
   */
  publish(event: EventData, signal: AbortSignal): Promise<void> | undefined {
    if (this.#unacked >= maxUnackedEvents) return undefined;
    this.#unacked++;
    return this.#places
      .use(() => this.#untilAcked(event, signal))
      .finally(() => {
        this.#unacked--;
      });
  }

  async #untilAcked(event: EventData, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#hands;
    const id = eventId(event);
    const subject = eventSubject(event);
    const body = JSON.stringify(event);
    const startedMs = clock.monotonicMs();
    for (let tries = 0; ; tries++) {
      signal.throwIfAborted();
      await this.#passage();
      signal.throwIfAborted();
      try {
        // The broker forgets message ids: a late retry could be stored twice, so look first.
        const late = clock.monotonicMs() - startedMs > eventsStream.duplicateWindowMs / 2;
        if (late && (await readLast(this.#nc, subject, eventsStream.name))?.msgId === id) return;
        await this.#acks.publish(subject, body, {
          headers: headersOf(cloudEventHeaders(event)),
          timeoutMs: ackTimeoutMs,
        });
        return;
      } catch (error) {
        if (tries % 20 === 0) log.warn({ err: error, event: id }, 'an event is published again');
      }
      await clock.sleep(retryMs, signal);
    }
  }
}
