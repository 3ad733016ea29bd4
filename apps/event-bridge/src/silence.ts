import type { CallBill } from 'node-libvirt';

/** After so long without an answer or an event a daemon is asked whether it still works. */
export const askAfterMs = 30_000;

/**
 * How long a daemon has said nothing. Keepalives do not count: libvirtd answers them in its main
 * loop, also while every one of its workers hangs.
 */
export class Silence {
  readonly #nowMs: () => number;
  #heardMs: number;

  /** @param nowMs milliseconds on a monotonic clock */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#heardMs = nowMs();
  }

  /** It sent an event. */
  heard(): void {
    this.#heardMs = this.#nowMs();
  }

  /** A call ended; a refusal is an answer as good as any. */
  ended(outcome: CallBill['outcome']): void {
    if (outcome === 'ok' || outcome === 'error') this.heard();
  }

  get isLong(): boolean {
    return this.#nowMs() - this.#heardMs >= askAfterMs;
  }
}
