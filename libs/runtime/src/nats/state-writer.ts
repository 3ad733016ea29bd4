import { JetStreamApiError, jetstreamManager } from '@nats-io/jetstream';
import { TimeoutError, headers, type NatsConnection } from '@nats-io/nats-core';
import { epochSchema, stateStream } from '@virtscope/contracts';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { parseJson } from '../json.ts';
import type { Logger } from '../log.ts';
import { Semaphore } from '../semaphore.ts';
import { AckWindow } from './ack-window.ts';
import { isLostRace } from './epochs.ts';

/** Writes in flight, over all hosts of a replica: the others wait for a place. */
const maxWritesInFlight = 512;
/** An ack takes well under a millisecond; a write whose ack was lost in an outage goes again soon. */
const ackTimeoutMs = 2_000;
const retryMs = 250;

export type StateWrite = {
  subject: string;
  /** JSON. */
  body: string;
  /** The sequence that must lie last on the subject; 0 for an empty one. */
  expected: number;
  /** Unique to this write; its retries keep it. */
  writeId: string;
  /** While the stream is full: tries again (default), or throws. */
  whenFull?: 'wait' | 'throw';
};

/** The stream holds as many bytes as it may, and refuses more (bus rule 9). */
export class StreamFullError extends Error {
  override readonly name = 'StreamFullError';
}

export type StateWriteResult =
  | { type: 'stored'; seq: number }
  | { type: 'refused'; last: { seq: number; epoch: number } | undefined };

/** Writes to VIRT_STATE, fenced at the broker (bus rule 1). */
export class StateWriter {
  readonly #acks: AckWindow;
  readonly #nc: NatsConnection;
  readonly #hands: { clock: Clock; log: Logger };
  readonly #passage: () => Promise<void> | undefined;
  readonly #places = new Semaphore(maxWritesInFlight);

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

  /**
   * Tries until the broker has acked or refused the write. A refusal of a write whose ack was
   * lost is found out by its id and counts as stored.
   *
   * @throws the signal's reason: then the outcome is unknown
   * @throws {StreamFullError} where the write asks for it
   */
  write(write: StateWrite, signal: AbortSignal): Promise<StateWriteResult> {
    return this.#places.use(() => this.#untilKnown(write, signal));
  }

  /**
   * Deletes the message of exactly this sequence. One that is not there any more counts as deleted:
   * something newer was written over it, or an earlier try did it.
   *
   * @throws what JetStream refuses with, or that it does not answer
   */
  purge(seq: number, signal: AbortSignal): Promise<void> {
    return this.#places.use(async () => {
      await this.#passage();
      signal.throwIfAborted();
      const jsm = await jetstreamManager(this.#nc, { checkAPI: false, timeout: ackTimeoutMs });
      try {
        await jsm.streams.deleteMessage(stateStream.name, seq, false);
      } catch (error) {
        if (!isNoSuchMessage(error)) throw error;
      }
    });
  }

  async #untilKnown(write: StateWrite, signal: AbortSignal): Promise<StateWriteResult> {
    for (let tries = 0; ; tries++) {
      signal.throwIfAborted();
      await this.#passage();
      signal.throwIfAborted();
      try {
        const seq = await this.#acks.publish(write.subject, write.body, {
          headers: headersOf({
            'Nats-Msg-Id': write.writeId,
            'Nats-Expected-Last-Subject-Sequence': String(write.expected),
          }),
          timeoutMs: ackTimeoutMs,
        });
        return { type: 'stored', seq };
      } catch (error) {
        if (isLostRace(error)) {
          const known = await this.#whatLiesThere(write).catch(() => undefined);
          if (known !== undefined) return known;
        } else if (isFull(error) && write.whenFull === 'throw') {
          const detail = `${stateStream.name} is full: raise its max_bytes`;
          throw new StreamFullError(detail, { cause: error });
        }
        if (tries % 20 === 0) {
          const { subject, writeId } = write;
          this.#hands.log.warn({ err: error, subject, writeId }, 'a write of state is tried again');
        }
      }
      await this.#hands.clock.sleep(retryMs, signal);
    }
  }

  async #whatLiesThere({ subject, writeId }: StateWrite): Promise<StateWriteResult> {
    const last = await readLast(this.#nc, subject);
    if (last === undefined) return { type: 'refused', last: undefined };
    if (last.msgId === writeId) return { type: 'stored', seq: last.seq };
    return { type: 'refused', last: { seq: last.seq, epoch: epochOf(last.data) } };
  }
}

/** A direct get takes well under a millisecond; of a stream that is not there nobody answers. */
const getTimeoutMs = 2_000;

/**
 * The last message on a subject, of VIRT_STATE unless said otherwise; undefined when it is empty.
 *
 * @throws when the bus does not answer, or there is no such stream
 */
export async function readLast(
  nc: NatsConnection,
  subject: string,
  stream: string = stateStream.name,
): Promise<{ seq: number; msgId: string; data: Uint8Array } | undefined> {
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: getTimeoutMs });
  try {
    const message = await jsm.direct.getMessage(stream, { last_by_subj: subject });
    if (message === null) return undefined;
    return {
      seq: message.seq,
      msgId: message.header.get('Nats-Msg-Id'),
      data: message.data,
    };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    if (!(error instanceof TimeoutError)) throw error;
    throw new Error(`${stream}: no answer about ${subject}`, { cause: error });
  }
}

const epochOnly = z.object({ epoch: epochSchema });

/** What is no row of ours at all counts as the oldest: it is overwritten. */
function epochOf(data: Uint8Array): number {
  const row = epochOnly.safeParse(parseJson(data));
  return row.success ? row.data.epoch : 0;
}

function isNotFound(error: unknown): boolean {
  const { code, status } = error as { code?: unknown; status?: unknown };
  return code === 404 || status === 404 || (error instanceof JetStreamApiError && code === 10_037);
}

/** "maximum bytes exceeded". */
function isFull(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === 10_077;
}

/** JetStream says so as `sequence N not found` (10043), or `no message found` (10037). */
function isNoSuchMessage(error: unknown): boolean {
  return error instanceof JetStreamApiError && [10_037, 10_043, 10_057].includes(error.code);
}

export function headersOf(values: Record<string, string>): ReturnType<typeof headers> {
  const built = headers();
  for (const [name, value] of Object.entries(values)) built.set(name, value);
  return built;
}
