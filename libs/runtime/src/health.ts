/** What must hold before a service is ready, each check by name. */
export class Health {
  readonly #failing = new Map<string, string>();

  /** A check that was never set does not count. */
  set(check: string, ok: boolean, reason = 'not yet'): void {
    if (ok) this.#failing.delete(check);
    else this.#failing.set(check, reason);
  }

  get ready(): boolean {
    return this.#failing.size === 0;
  }

  /** The failing checks with their reasons. */
  get failing(): Record<string, string> {
    return Object.fromEntries(this.#failing);
  }
}
