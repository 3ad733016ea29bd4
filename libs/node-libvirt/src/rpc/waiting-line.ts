/**
 * A queue that anybody may leave from the middle, in constant time. Its links are in the calls: a
 * `Set` would do the same and leave a trail of old tables, each keeping the next one alive until a
 * full collection, which a session with many calls pays in memory.
 */
export interface Waiting<Call> {
  /** Of the line that it stands in; nobody else's business. */
  ahead: Call | undefined;
  behind: Call | undefined;
}

export class WaitingLine<Call extends Waiting<Call>> {
  #first: Call | undefined;
  #last: Call | undefined;
  #length = 0;

  get first(): Call | undefined {
    return this.#first;
  }

  get length(): number {
    return this.#length;
  }

  add(call: Call): void {
    call.ahead = this.#last;
    if (this.#last === undefined) this.#first = call;
    else this.#last.behind = call;
    this.#last = call;
    this.#length += 1;
  }

  /** The call must stand in this line. */
  remove(call: Call): void {
    const { ahead, behind } = call;
    if (ahead === undefined) this.#first = behind;
    else ahead.behind = behind;
    if (behind === undefined) this.#last = ahead;
    else behind.ahead = ahead;
    call.ahead = undefined;
    call.behind = undefined;
    this.#length -= 1;
  }
}
