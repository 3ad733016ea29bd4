import type { HostId } from '@virtscope/contracts';
import { isAborted } from '@virtscope/fleet';
import {
  LinkStatus,
  currentEpoch,
  maxSilenceMs,
  ensureBus,
  raiseTimeline,
  readBusIdentity,
  type BusIdentity,
  type Hands,
  type NatsConnection,
} from '@virtscope/runtime';

/** A host's feed, as far as the guard of the bus needs it. */
export type GuardedFeed = {
  epoch: number;
  /** The highest sequence of VIRT_STATE that was acked to it. */
  upTo(): number;
  /** Ends the session; the next one begins under a new epoch. */
  restart(cause: string): void;
  fenced(byEpoch: number): void;
  /** Looks for what others wrote on its subjects. @returns the highest sequence that lies there */
  inspect(): Promise<number>;
};

/** A check of the bus that fails is made again after this. */
const retryMs = 1_000;

/**
 * Notices that the bus is another one, or that another replica took a host while this one was
 * away or asleep (bus rules 3, 4 and 8). Looks after each reconnect and each silence of our own.
 */
export class BusGuard {
  readonly link: LinkStatus;
  readonly #nc: NatsConnection;
  readonly #hands: Pick<Hands, 'clock' | 'log' | 'signal'>;
  readonly #feeds = new Map<HostId, GuardedFeed>();
  #known: BusIdentity;
  #wake: (() => void) | undefined;
  #due = false;
  #checked = Promise.withResolvers<void>();

  private constructor(
    nc: NatsConnection,
    hands: Pick<Hands, 'clock' | 'log' | 'signal'>,
    known: BusIdentity,
  ) {
    this.#nc = nc;
    this.#hands = hands;
    this.#known = known;
    this.link = new LinkStatus(nc);
    this.link.onChange((up) => up && this.look());
    hands.signal.addEventListener('abort', () => this.look(), { once: true });
  }

  static async open(
    nc: NatsConnection,
    hands: Pick<Hands, 'clock' | 'log' | 'signal'>,
  ): Promise<BusGuard> {
    return new BusGuard(nc, hands, await readBusIdentity(nc));
  }

  guard(host: HostId, feed: GuardedFeed): Disposable {
    this.#feeds.set(host, feed);
    return {
      [Symbol.dispose]: () => {
        if (this.#feeds.get(host) === feed) this.#feeds.delete(host);
      },
    };
  }

  /** Asks for a check soon. */
  look(): void {
    this.#due = true;
    this.#wake?.();
  }

  /**
   * Bus rule 8: after a silence of ours nothing is published before the epochs were read again
   * and our heartbeat was taken.
   *
   * @param silentMs how long this replica has said nothing
   * @returns what to wait for; undefined when there was no such silence
   */
  passage(silentMs: number): Promise<void> | undefined {
    // A stopping replica beats no more, and still hands over what it heard.
    if (silentMs <= maxSilenceMs || this.#hands.signal.aborted) return undefined;
    this.look();
    return this.#checked.promise;
  }

  /**
   * @param onOtherBus told when the streams are other ones than before
   * @param beat sends a heartbeat
   */
  async run(onOtherBus: () => void, beat: () => void): Promise<void> {
    const { clock, log, signal } = this.#hands;
    while (!isAborted(signal)) {
      if (!this.#due) {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
        continue;
      }
      this.#due = false;
      try {
        await this.#check(onOtherBus);
        beat();
        await this.#nc.flush();
        this.#checked.resolve();
        this.#checked = Promise.withResolvers();
      } catch (error) {
        if (isAborted(signal)) return;
        log.warn({ err: error }, 'the bus cannot be checked; trying again');
        this.#due = true;
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
    }
  }

  async #check(onOtherBus: () => void): Promise<void> {
    const { signal } = this.#hands;
    await ensureBus(this.#nc, this.#hands);
    const now = await readBusIdentity(this.#nc);
    const before = this.#known;
    const acked = Math.max(0, ...[...this.#feeds.values()].map((feed) => feed.upTo()));
    const another =
      now.stateCreated !== before.stateCreated || now.eventsCreated !== before.eventsCreated;
    if (another || now.lastStateSeq < acked) {
      const cause = another ? 'the streams were created anew' : 'the bus lost its last writes';
      await this.#otherBus(cause, onOtherBus);
    } else {
      for (const [host, feed] of this.#feeds) {
        signal.throwIfAborted();
        const epoch = await currentEpoch(this.#nc, 'event-bridge', host);
        if (epoch > feed.epoch) {
          feed.fenced(epoch);
          continue;
        }
        const upTo = feed.upTo();
        // A stream that went back may have grown past our ack since; our own write tells.
        if ((await feed.inspect()) < upTo) {
          await this.#otherBus('the bus lost writes that it had acked', onOtherBus);
          break;
        }
      }
    }
    this.#known = now;
  }

  /** Bus rule 4: first the timeline, which tells the readers, then every host anew. */
  async #otherBus(cause: string, onOtherBus: () => void): Promise<void> {
    const { clock, log } = this.#hands;
    const timeline = await raiseTimeline(this.#nc, clock);
    log.error({ timeline }, `${cause}: every host is written again under a new epoch`);
    for (const feed of this.#feeds.values()) feed.restart(cause);
    onOtherBus();
  }
}
