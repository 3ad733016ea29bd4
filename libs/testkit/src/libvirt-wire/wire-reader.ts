/** A call's arguments are shorter than its procedure wants, or break a limit. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

/** A domain as a client names it: only the uuid is to be believed. */
export type NamedDomain = { name: string; uuid: string; id: number };

const maxStringBytes = 4_194_304;

/** Reads the XDR of a call's arguments. */
export class WireReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  int(): number {
    return this.#bytes.readInt32BE(this.#skip(4));
  }

  uint(): number {
    return this.#bytes.readUInt32BE(this.#skip(4));
  }

  string(): string {
    const length = this.uint();
    if (length > maxStringBytes) throw new DecodeError(`a string of ${length} bytes`);
    const at = this.#skip((length + 3) & ~3);
    return this.#bytes.toString('utf8', at, at + length);
  }

  /**
   * `T *`: nothing for NULL. Any word but 0 is a pointer, as for libvirtd itself: there are clients
   * that send their own byte order's 1.
   */
  optional<T>(read: () => T): T | undefined {
    return this.uint() === 0 ? undefined : read();
  }

  optionalString(): string | undefined {
    return this.optional(() => this.string());
  }

  /** Lower case, `8-4-4-4-12`. */
  uuid(): string {
    const at = this.#skip(16);
    return uuidText(this.#bytes.toString('hex', at, at + 16));
  }

  domain(): NamedDomain {
    const name = this.string();
    const uuid = this.uuid();
    return { name, uuid, id: this.int() };
  }

  array<T>(max: number, read: () => T): T[] {
    const count = this.uint();
    if (count > max) throw new DecodeError(`${count} items, more than ${max}`);
    const items: T[] = [];
    for (let i = 0; i < count; i++) items.push(read());
    return items;
  }

  #skip(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#bytes.length) throw new DecodeError('the arguments are cut off');
    this.#at = at + bytes;
    return at;
  }
}

/** `8-4-4-4-12` of 32 hexadecimal digits. */
export function uuidText(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
