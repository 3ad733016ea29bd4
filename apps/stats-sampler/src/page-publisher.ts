import type { StatsPage } from '@virtscope/contracts';

/** What the publisher needs of a connection to NATS; the client's own fits. */
export type PageBus = {
  publish(subject: string, payload: Uint8Array): void;
  /** Resolves when the broker has all that was published before; rejects when it went away. */
  flush(): Promise<void>;
};

export type PageFate = 'published' | 'dropped' | 'lost';

export type PagePublisherOptions = {
  bus: PageBus;
  /** Milliseconds on a monotonic clock. */
  nowMs: () => number;
  onFate: (fate: PageFate, pages: number) => void;
};

/** Bytes that may be on their way to the broker at a time. */
export const maxUnflushedBytes = 16 * 2 ** 20;

/**
 * How long the broker may take to confirm. A page that waits in a buffer arrives with an age that
 * is too low (it is told at publishing, and counted on from the broker's receipt), so it is better
 * dropped: the next interval brings a newer one.
 */
export const maxUnflushedMs = 1_000;

/** Publishes pages without waiting for the broker. At its bounds a page is dropped and counted. */
export class PagePublisher {
  readonly #options: PagePublisherOptions;
  /** Published, and behind the flush under way. */
  #waiting = { pages: 0, bytes: 0 };
  /** What the flush under way confirms. */
  #flushing: { pages: number; bytes: number; sinceMs: number } | undefined;

  constructor(options: PagePublisherOptions) {
    this.#options = options;
  }

  publish(subject: string, page: StatsPage): void {
    const { bus, onFate } = this.#options;
    const payload = Buffer.from(JSON.stringify(page));
    if (!this.#hasRoom(payload.length)) return onFate('dropped', 1);
    try {
      bus.publish(subject, payload);
    } catch {
      // Closed, or above the broker's own bound of a message.
      return onFate('dropped', 1);
    }
    this.#waiting.pages += 1;
    this.#waiting.bytes += payload.length;
    if (this.#flushing === undefined) void this.#flush();
  }

  #hasRoom(bytes: number): boolean {
    const flushing = this.#flushing;
    if (flushing === undefined) return true;
    return (
      flushing.bytes + this.#waiting.bytes + bytes <= maxUnflushedBytes &&
      this.#options.nowMs() - flushing.sinceMs < maxUnflushedMs
    );
  }

  /** One flush at a time, until nothing waits. */
  async #flush(): Promise<void> {
    const { bus, nowMs, onFate } = this.#options;
    while (this.#waiting.pages > 0) {
      const flushing = { ...this.#waiting, sinceMs: nowMs() };
      this.#flushing = flushing;
      this.#waiting = { pages: 0, bytes: 0 };
      try {
        await bus.flush();
        onFate('published', flushing.pages);
      } catch {
        onFate('lost', flushing.pages);
      }
    }
    this.#flushing = undefined;
  }
}
