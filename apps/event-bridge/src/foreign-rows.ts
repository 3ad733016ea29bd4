import { epochSchema, stateStream, subjects, type HostId } from '@virtscope/contracts';
import type { FeedInput } from '@virtscope/events';
import { parseJson, readSubjects, type Logger, type NatsConnection } from '@virtscope/runtime';
import { z } from 'zod';
import { rowKeyOf } from './bus-base.ts';

const epochOnly = z.object({ epoch: epochSchema });

/** Watches what others write on a host's subjects, refused by the broker or not (bus rule 1). */
export class ForeignRows {
  readonly #nc: NatsConnection;
  readonly #host: HostId;
  readonly #epoch: number;
  readonly #onStray: (input: FeedInput) => void;
  readonly #signal: AbortSignal;
  /** Messages of others that were not looked at yet. */
  #unseen = 0;

  constructor(
    nc: NatsConnection,
    { host, epoch }: { host: HostId; epoch: number },
    onStray: (input: FeedInput) => void,
    signal: AbortSignal,
  ) {
    this.#nc = nc;
    this.#host = host;
    this.#epoch = epoch;
    this.#onStray = onStray;
    this.#signal = signal;
  }

  /** Looks whenever somebody else writes; our own writes are not echoed to us. */
  listen(log: Logger): Disposable {
    const subscription = this.#nc.subscribe(subjects.stateOfHost(this.#host), {
      callback: () => {
        this.#unseen++;
        // A burst of them is one look, and one more after it for those that came meanwhile.
        if (this.#unseen === 1) void this.#lookAll(log);
      },
    });
    return { [Symbol.dispose]: () => subscription.unsubscribe() };
  }

  /** Looks at every subject of the host. @returns the highest sequence that lies there */
  async look(): Promise<number> {
    const rows = await readSubjects(this.#nc, {
      stream: stateStream.name,
      filter: subjects.stateOfHost(this.#host),
      signal: this.#signal,
    });
    let highest = 0;
    for (const { subject, seq, data } of rows) {
      highest = Math.max(highest, seq);
      const key = rowKeyOf(subject);
      if (key === undefined) continue;
      // What is no row at all stands in a row's place, and is overwritten like the oldest.
      const { epoch = 0 } = epochOnly.safeParse(parseJson(data)).data ?? {};
      if (epoch !== this.#epoch) this.#onStray({ type: 'strayed', key, seq, epoch });
    }
    return highest;
  }

  async #lookAll(log: Logger): Promise<void> {
    while (this.#unseen > 0 && !this.#signal.aborted) {
      const seen = this.#unseen;
      try {
        await this.look();
      } catch (error) {
        log.warn({ err: error }, 'foreign rows cannot be looked at; the next sync will');
      }
      this.#unseen -= seen;
    }
  }
}
