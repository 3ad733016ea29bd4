/** A history's clock: it stands still while something happens, and then goes on to what is next. */
export class Agenda {
  nowMs = 1_000;
  readonly #events: { atMs: number; run: () => void }[] = [];

  later(inMs: number, run: () => void): void {
    const event = { atMs: this.nowMs + inMs, run };
    const at = this.#events.findIndex(({ atMs }) => atMs > event.atMs);
    this.#events.splice(at < 0 ? this.#events.length : at, 0, event);
  }

  until(endMs: number): void {
    for (;;) {
      const [next] = this.#events;
      if (next === undefined || next.atMs > endMs) break;
      this.#events.shift();
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = endMs;
  }
}

/** Numbers in [0, 1), the same for the same seed. */
export function dice(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
