/** A call between its beginning and its answer. */
import type { Procedure } from '../procedures/procedure.ts';
import type { CallBill, CallOptions } from './call.ts';
import type { SlotCall } from './call-slots.ts';

/**
 * Runs once for each call, while its answer is being read and before the next frame; also for an
 * answer that comes after the caller gave up, and without a result for one that failed or will
 * never come.
 */
export type AnswerHook<Result> = (result: Result | undefined, abandoned: boolean) => void;

/** Told when a call is given up by its signal. */
export type OnAbort = (call: PendingCall, reason: unknown) => void;

export class PendingCall implements SlotCall<PendingCall> {
  readonly serial: number;
  readonly procedure: Procedure<never, unknown>;
  readonly frame: Buffer;
  readonly reason: string;
  readonly promise: Promise<unknown>;
  readonly timeoutMs: number;
  /** On the clock of `performance.now()`. */
  readonly deadlineMs: number;
  /** `performance.now()` when the frame went out; `undefined` while it waits for a slot. */
  sentAtMs: number | undefined;
  /** The caller gave up; only the slot is still held. */
  abandoned = false;
  ahead: PendingCall | undefined = undefined;
  behind: PendingCall | undefined = undefined;
  readonly #onAnswer: AnswerHook<never> | undefined;
  readonly #beganMs: number;
  readonly #resolve: (result: unknown) => void;
  readonly #reject: (error: unknown) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;

  /** The caller's signal is not aborted yet. */
  constructor(
    serial: number,
    procedure: Procedure<never, unknown>,
    frame: Buffer,
    beganMs: number,
    timeoutMs: number,
    { reason = 'unspecified', signal }: CallOptions,
    onAbort: OnAbort,
    onAnswer: AnswerHook<never> | undefined,
  ) {
    this.serial = serial;
    this.procedure = procedure;
    this.frame = frame;
    this.reason = reason;
    this.sentAtMs = undefined;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onAnswer = onAnswer;
    this.#beganMs = beganMs;
    this.timeoutMs = timeoutMs;
    this.deadlineMs = beganMs + timeoutMs;
    this.#signal = signal;
    if (signal === undefined) {
      this.#onAbort = undefined;
    } else {
      this.#onAbort = () => {
        onAbort(this, signal.reason);
      };
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  get priority(): 'high' | 'low' {
    return this.procedure.priority;
  }

  resolve(result: unknown): void {
    this.#forgetSignal();
    this.#resolve(result);
  }

  reject(error: unknown): void {
    this.#forgetSignal();
    this.#reject(error);
  }

  /** Runs the hook; `undefined` for a call that failed. */
  answered(result: unknown): void {
    this.#onAnswer?.(result as never, this.abandoned);
  }

  bill(outcome: CallBill['outcome']): CallBill {
    const nowMs = performance.now();
    const sentAtMs = this.sentAtMs ?? nowMs;
    return {
      procedure: this.procedure.name,
      reason: this.reason,
      tookMs: nowMs - sentAtMs,
      queuedMs: sentAtMs - this.#beganMs,
      sent: this.sentAtMs !== undefined,
      outcome,
    };
  }

  #forgetSignal(): void {
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener('abort', this.#onAbort);
  }
}
