import type { Clock } from '@virtscope/runtime';

const perPeriod = 20;
const periodMs = 10_000;

/** Keeps a flood off the log: at most {@link perPeriod} lines in {@link periodMs}, rest counted. */
export class Seldom {
  readonly #clock: Clock;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #said = 0;
  #kept = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `say` unless enough was said lately, with how many were kept back before it. */
  do(say: (keptBack: number) => void): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#sinceMs > periodMs) {
      this.#sinceMs = nowMs;
      this.#said = 0;
    }
    if (this.#said++ < perPeriod) {
      say(this.#kept);
      this.#kept = 0;
    } else {
      this.#kept++;
    }
  }
}
