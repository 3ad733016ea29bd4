import type { Agenda } from './agenda.fixture.ts';
import type { StatsRecord } from './record.ts';
import type { SampleEffect } from './sampler-io.ts';
import { uuid } from './testing.ts';

export type Guest = { run: number; frozen: boolean; offUntilMs: number; cpuNs: number };

type Span = { uuid: string; fromMs: number; untilMs: number };

/** A call in the daemon: it outlives its session. */
export type DaemonCall = {
  effect: SampleEffect;
  session: number;
  startedMs: number;
  rest: number[];
  records: StatsRecord[];
  /** The guest at whose monitor it is, and since when. */
  at: number | undefined;
  sinceMs: number;
};

/** A host's guests, by number; the n-th is `uuid(n)`. They remember when they were not well. */
export class Guests {
  readonly all: readonly Guest[];
  readonly frozenSpans: Span[] = [];
  readonly #offSpans: Span[] = [];
  readonly #agenda: Agenda;

  constructor(count: number, agenda: Agenda) {
    this.#agenda = agenda;
    this.all = Array.from({ length: count }, (_, n) => ({
      run: n + 1,
      frozen: false,
      offUntilMs: 0,
      cpuNs: 0,
    }));
  }

  at(n: number): Guest {
    const guest = this.all[n];
    if (guest === undefined) throw new RangeError(`no guest ${n}`);
    return guest;
  }

  get uuids(): string[] {
    return this.all.map((_, n) => uuid(n));
  }

  isOff(n: number): boolean {
    return this.at(n).offUntilMs > this.#agenda.nowMs;
  }

  wasOff(id: string, fromMs: number, untilMs: number): boolean {
    return this.#offSpans.some(
      (span) => span.uuid === id && span.fromMs < untilMs && span.untilMs > fromMs,
    );
  }

  get frozen(): number {
    return this.all.filter(({ frozen }) => frozen).length;
  }

  freeze(n: number): void {
    this.at(n).frozen = true;
    const span = { uuid: uuid(n), fromMs: this.#agenda.nowMs, untilMs: Number.POSITIVE_INFINITY };
    this.frozenSpans.push(span);
  }

  thaw(n: number): void {
    const guest = this.at(n);
    if (!guest.frozen) return;
    guest.frozen = false;
    const span = this.frozenSpans.findLast((each) => each.uuid === uuid(n));
    if (span !== undefined) span.untilMs = this.#agenda.nowMs;
  }

  /** Killed, frozen or not, and started anew a little later. */
  kill(n: number, offMs: number): void {
    const guest = this.at(n);
    this.thaw(n);
    guest.offUntilMs = this.#agenda.nowMs + offMs;
    this.#offSpans.push({ uuid: uuid(n), fromMs: this.#agenda.nowMs, untilMs: guest.offUntilMs });
    guest.run += 100;
    guest.cpuNs = 0;
  }
}
