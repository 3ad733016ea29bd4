/**
 * Values by a key that more than one may claim for a while. Most keys have one claimant, so an
 * array is made only for the second.
 */
export class MultiIndex<K, V extends object> {
  readonly #claims = new Map<K, V | V[]>();

  add(key: K, value: V): void {
    const held = this.#claims.get(key);
    if (held === undefined) this.#claims.set(key, value);
    else if (Array.isArray(held)) held.push(value);
    else this.#claims.set(key, [held, value]);
  }

  delete(key: K, value: V): void {
    const held = this.#claims.get(key);
    if (held === value) {
      this.#claims.delete(key);
    } else if (Array.isArray(held)) {
      const left = held.filter((each) => each !== value);
      if (left.length > 1) this.#claims.set(key, left);
      else if (left[0] !== undefined) this.#claims.set(key, left[0]);
    }
  }

  get(key: K): readonly V[] {
    const held = this.#claims.get(key);
    if (held === undefined) return [];
    return Array.isArray(held) ? held : [held];
  }
}
