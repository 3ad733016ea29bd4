import type { Agenda } from './agenda.fixture.ts';
import type { StatsRecord } from './record.ts';
import type { SampleEffect, SamplerEffect } from './sampler-io.ts';
import { uuid } from './testing.ts';

/** A job that a guest may be in: with `in` its monitor is passed over. */
export type GuestJob = 'out' | 'in' | 'backup';

export type Guest = {
  run: number;
  frozen: boolean;
  offUntilMs: number;
  cpuNs: number;
  job: GuestJob | undefined;
};

type Span = { uuid: string; fromMs: number; untilMs: number };

/** A call in the daemon: it outlives its session. */
export type DaemonCall = {
  tier: SampleEffect['tier'];
  effect: SampleEffect | Extract<SamplerEffect, { type: 'readJob' }>;
  session: number;
  startedMs: number;
  rest: number[];
  records: StatsRecord[];
  /** The guest at whose monitor it is, and since when. */
  at: number | undefined;
  sinceMs: number;
  /** Another call is at its guest, and it waits for that one. */
  waits?: boolean;
};

/** A host's guests, by number; the n-th is `uuid(n)`. They remember when they were not well. */
export class Guests {
  readonly all: readonly Guest[];
  readonly frozenSpans: Span[] = [];
  readonly #offSpans: Span[] = [];
  readonly #jobSpans: Span[] = [];
  readonly #agenda: Agenda;

  constructor(count: number, agenda: Agenda) {
    this.#agenda = agenda;
    this.all = Array.from({ length: count }, (_, n) => ({
      run: n + 1,
      frozen: false,
      offUntilMs: 0,
      cpuNs: 0,
      job: undefined,
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

  wasInJob(id: string, fromMs: number, untilMs: number): boolean {
    return this.#jobSpans.some(
      (span) => span.uuid === id && span.fromMs < untilMs && span.untilMs > fromMs,
    );
  }

  startJob(n: number, job: GuestJob): void {
    this.at(n).job = job;
    const untilMs = Number.POSITIVE_INFINITY;
    this.#jobSpans.push({ uuid: uuid(n), fromMs: this.#agenda.nowMs, untilMs });
  }

  endJob(n: number): void {
    const guest = this.at(n);
    if (guest.job === undefined) return;
    guest.job = undefined;
    const span = this.#jobSpans.findLast((each) => each.uuid === uuid(n));
    if (span !== undefined) span.untilMs = this.#agenda.nowMs;
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
    this.endJob(n);
    guest.offUntilMs = this.#agenda.nowMs + offMs;
    this.#offSpans.push({ uuid: uuid(n), fromMs: this.#agenda.nowMs, untilMs: guest.offUntilMs });
    guest.run += 100;
    guest.cpuNs = 0;
  }
}
