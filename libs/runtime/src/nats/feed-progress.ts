/**
 * Decides when all that a stream held has been told, each method @returns up to where, if that is
 * news. Not by the server's count of pending messages: what is purged while it is on its way never
 * comes, and a view that waits for it would never be ready.
 */
export class FeedProgress {
  readonly #end: number;
  #told: number;
  #verified = false;
  #caughtUp = false;
  #complete: boolean;
  /** An end that was heard of but not reached: its last messages may have been purged. */
  #tail: { seq: number; armed: boolean } | undefined;

  constructor({ last_seq, messages }: { last_seq: number; messages: number }, told: number) {
    this.#end = last_seq;
    this.#told = told;
    this.#complete = messages === 0 || told >= last_seq;
  }

  delivered(seq: number): number | undefined {
    this.#told = seq;
    // The last messages of all subjects come in the order of their sequences.
    if (seq >= this.#end) this.#complete = true;
    if (this.#tail !== undefined && seq >= this.#tail.seq) this.#tail = undefined;
    return this.#settle();
  }

  idle(): number | undefined {
    this.#complete = true;
    if (this.#tail?.armed === true) {
      this.#told = this.#tail.seq;
      this.#tail = undefined;
      return this.#told;
    }
    // The first silence may have begun just before the stream grew; the next one did not.
    if (this.#tail !== undefined) this.#tail.armed = true;
    return this.#settle();
  }

  verified(): number | undefined {
    this.#verified = true;
    return this.#settle();
  }

  endsAt(seq: number): void {
    if (seq > Math.max(this.#told, this.#end)) this.#tail ??= { seq, armed: false };
  }

  #settle(): number | undefined {
    if (this.#caughtUp || !this.#verified || !this.#complete) return undefined;
    this.#caughtUp = true;
    return Math.max(this.#told, this.#end);
  }
}
