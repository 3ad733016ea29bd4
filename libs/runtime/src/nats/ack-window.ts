/**
 * Publishes to JetStream and waits for the acks. One subscription takes all of them, and one timer
 * looks after their deadlines: the client's own way makes a request object, a timer and an Error with
 * each publish, which at our rates is a good part of a service's CPU.
 */
import { JetStreamApiError } from '@nats-io/jetstream';
import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/nats-core';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { parseJson } from '../json.ts';
import { inboxOf } from './inbox.ts';

/** How often deadlines are looked at: an ack may be waited for so much longer. */
const sweepMs = 250;

/** The broker's answer did not come in time: whether it took the message is not known. */
export class AckTimeoutError extends Error {
  override readonly name = 'AckTimeoutError';
}

/** Nobody takes messages of this subject: no stream, or JetStream is not there yet. */
export class NoStreamError extends Error {
  override readonly name = 'NoStreamError';
}

const ackSchema = z.object({ seq: z.int().min(0).optional(), error: z.unknown().optional() });
const apiErrorSchema = z.object({
  code: z.number(),
  err_code: z.number().default(0),
  description: z.string().default(''),
});

type Waiting = {
  subject: string;
  deadlineMs: number;
  resolve: (seq: number) => void;
  reject: (error: unknown) => void;
};

/** Writers of one connection share a window. */
const windows = new WeakMap<NatsConnection, AckWindow>();

export class AckWindow {
  readonly #nc: NatsConnection;
  readonly #clock: Clock;
  readonly #prefix: string;
  readonly #waiting = new Map<string, Waiting>();
  #next = 0;
  #sweeper: NodeJS.Timeout | undefined;

  static of(nc: NatsConnection, clock: Clock): AckWindow {
    let window = windows.get(nc);
    if (window === undefined) windows.set(nc, (window = new AckWindow(nc, clock)));
    return window;
  }

  private constructor(nc: NatsConnection, clock: Clock) {
    this.#nc = nc;
    this.#clock = clock;
    this.#prefix = `${inboxOf(nc)}.`;
    nc.subscribe(`${this.#prefix}*`, {
      callback: (error, message) => {
        if (error === null) this.#answered(message);
      },
    });
  }

  /**
   * @returns the message's sequence in its stream
   * @throws {JetStreamApiError} what the broker refused it with
   * @throws {AckTimeoutError}
   * @throws {NoStreamError}
   */
  publish(
    subject: string,
    payload: string,
    { headers, timeoutMs }: { headers: MsgHdrs; timeoutMs: number },
  ): Promise<number> {
    const token = (this.#next++).toString(36);
    return new Promise((resolve, reject) => {
      const deadlineMs = this.#clock.monotonicMs() + timeoutMs;
      this.#waiting.set(token, { subject, deadlineMs, resolve, reject });
      try {
        this.#nc.publish(subject, payload, { headers, reply: this.#prefix + token });
      } catch (error) {
        this.#waiting.delete(token);
        reject(error as Error);
        return;
      }
      this.#sweeper ??= setInterval(() => this.#sweep(), sweepMs);
    });
  }

  #answered(message: Msg): void {
    const token = message.subject.slice(this.#prefix.length);
    const waiting = this.#waiting.get(token);
    // Answered after its deadline: its retry has the same message id.
    if (waiting === undefined) return;
    this.#waiting.delete(token);
    if (message.data.length === 0) {
      waiting.reject(new NoStreamError(`no stream takes ${waiting.subject} now`));
      return;
    }
    const ack = ackSchema.safeParse(parseJson(message.data)).data;
    const refused = apiErrorSchema.safeParse(ack?.error).data;
    if (refused !== undefined) waiting.reject(new JetStreamApiError(refused));
    else if (ack?.seq !== undefined) waiting.resolve(ack.seq);
    else waiting.reject(new Error(`the broker's ack of ${waiting.subject} cannot be read`));
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [token, { subject, deadlineMs, reject }] of this.#waiting) {
      if (deadlineMs > nowMs) continue;
      this.#waiting.delete(token);
      reject(new AckTimeoutError(`no ack of ${subject} in time`));
    }
    if (this.#waiting.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}
