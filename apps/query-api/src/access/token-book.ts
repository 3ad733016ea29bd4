/** The tokens that count now. One that goes, expires or sees something else ends what it opened. */
import { createHash } from 'node:crypto';
import type { Clock } from '@virtscope/runtime';
import type { Scope, View } from '@virtscope/view';
import { scopeOf } from './scope-of.ts';
import type { TokenEntry } from './token-file.ts';

/** What a caller may do, for as long as its signal has not aborted. */
export type Grant = { name: string; scope: Scope; signal: AbortSignal };

type Held = { entry: TokenEntry; grant: Grant; end: AbortController };

/** A timer's bound; what expires later is looked at again. */
const maxTimerMs = 2 ** 31 - 1;

export class TokenBook implements Disposable {
  readonly #view: View;
  readonly #clock: Clock;
  readonly #byHash = new Map<string, Held>();
  #timer: NodeJS.Timeout | undefined;

  constructor(view: View, clock: Clock) {
    this.#view = view;
    this.#clock = clock;
  }

  get size(): number {
    return this.#byHash.size;
  }

  /** The file as it is now. Tokens that it has as before go on undisturbed. */
  replace(entries: readonly TokenEntry[]): void {
    const wanted = new Map(entries.map((entry) => [entry.sha256, entry]));
    for (const [hash, { entry, end }] of this.#byHash) {
      if (JSON.stringify(wanted.get(hash)) === JSON.stringify(entry)) continue;
      this.#byHash.delete(hash);
      end.abort(new Error('the token was taken back, or sees something else now'));
    }
    for (const [hash, entry] of wanted) {
      if (this.#byHash.has(hash)) continue;
      const end = new AbortController();
      const scope = scopeOf(entry, this.#view);
      this.#byHash.set(hash, {
        entry,
        end,
        grant: { name: entry.name, scope, signal: end.signal },
      });
    }
    this.#expire();
  }

  /** @returns undefined for a token that does not count */
  grantOf(token: string): Grant | undefined {
    // By its hash: how long this takes says nothing about tokens that are nearly right.
    const held = this.#byHash.get(createHash('sha256').update(token).digest('hex'));
    return held === undefined || this.#leftMs(held) <= 0 ? undefined : held.grant;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #leftMs({ entry }: Held): number {
    return entry.expires === undefined
      ? Number.POSITIVE_INFINITY
      : Date.parse(entry.expires) - this.#clock.wallMs();
  }

  #expire(): void {
    clearTimeout(this.#timer);
    let nextMs = maxTimerMs;
    for (const held of this.#byHash.values()) {
      const leftMs = this.#leftMs(held);
      if (leftMs <= 0) held.end.abort(new Error('the token has expired'));
      else nextMs = Math.min(nextMs, leftMs);
    }
    this.#timer = setTimeout(() => this.#expire(), nextMs).unref();
  }
}
