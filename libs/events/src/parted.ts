import type { Position } from '@virtscope/contracts';

/** How many ended things' last events are remembered; at the bound the oldest is forgotten. */
export const maxParted = 10_000;

/**
 * The last events of domains and things that ended and were purged. One that comes back goes on
 * from there with its `prev`; of one that was forgotten here, none is known.
 */
export class Parted {
  readonly #last = new Map<string, Position>();

  lastEvent(key: string): Position | null {
    return this.#last.get(key) ?? null;
  }

  remember(key: string, lastEvent: Position | null): void {
    if (lastEvent === null) return;
    this.#last.delete(key);
    const [oldest] = this.#last.size >= maxParted ? this.#last.keys() : [];
    if (oldest !== undefined) this.#last.delete(oldest);
    this.#last.set(key, lastEvent);
  }
}
