/**
 * Writes XDR (RFC 4506) into one growing buffer. A string that libvirt would refuse is refused
 * here, before anything is sent.
 */
import { maxFrameBytes, maxStringBytes } from './limits.ts';
import { writeUuid } from './uuid.ts';

export class XdrWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** A signed 32-bit integer; also an enum, a short and a `char`. */
  int(value: number): void {
    if (value !== (value | 0)) throw new RangeError(`${value} is not a 32-bit integer`);
    const at = this.#reserve(4);
    this.#bytes.writeInt32BE(value, at);
  }

  /** An unsigned 32-bit integer; flag words are such. */
  uint(value: number): void {
    if (value !== value >>> 0) throw new RangeError(`${value} is not an unsigned 32-bit integer`);
    const at = this.#reserve(4);
    this.#bytes.writeUInt32BE(value, at);
  }

  /** A signed 64-bit integer. */
  hyper(value: bigint | number): void {
    const at = this.#reserve(8);
    this.#bytes.writeBigInt64BE(BigInt(value), at);
  }

  /** An unsigned 64-bit integer. */
  unsignedHyper(value: bigint | number): void {
    const at = this.#reserve(8);
    this.#bytes.writeBigUInt64BE(BigInt(value), at);
  }

  double(value: number): void {
    const at = this.#reserve(8);
    this.#bytes.writeDoubleBE(value, at);
  }

  /** One of libvirt's int-typed booleans: 0 or 1. */
  bool(value: boolean): void {
    this.int(value ? 1 : 0);
  }

  string(value: string): void {
    const bytes = Buffer.byteLength(value, 'utf8');
    if (bytes > maxStringBytes) {
      throw new RangeError(`a string of ${bytes} bytes is longer than ${maxStringBytes}`);
    }
    // libvirt hands strings to C functions: what follows a NUL would silently be lost there.
    if (value.includes('\0')) throw new RangeError('a string must not contain NUL');
    this.uint(bytes);
    const at = this.#reserve(padded(bytes));
    this.#bytes.write(value, at, bytes, 'utf8');
    this.#pad(at, bytes);
  }

  /** `string *`: absent is the word 0, present is the word 1 and the string. */
  optionalString(value: string | undefined): void {
    this.uint(value === undefined ? 0 : 1);
    if (value !== undefined) this.string(value);
  }

  uuid(value: string): void {
    const at = this.#reserve(16);
    writeUuid(value, this.#bytes, at);
  }

  /** `opaque x<N>`: length, bytes, padding. */
  opaque(value: Uint8Array): void {
    this.uint(value.length);
    const at = this.#reserve(padded(value.length));
    this.#bytes.set(value, at);
    this.#pad(at, value.length);
  }

  /** `char x<N>`: XDR spends one word on each char, and a char above 0x7f goes out sign-extended. */
  chars(value: Uint8Array): void {
    this.uint(value.length);
    for (const byte of value) this.int((byte << 24) >> 24);
  }

  /** Overwrites the word at `offset`, for lengths that are known last. */
  patchUint(offset: number, value: number): void {
    this.#bytes.writeUInt32BE(value, offset);
  }

  /** A copy of what was written; the writer may be used again after `reset`. */
  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  reset(): void {
    this.#length = 0;
    // One huge call (a list of 16,384 domains) must not pin its buffer for the session's life.
    if (this.#bytes.length > 65_536) this.#bytes = Buffer.allocUnsafe(256);
  }

  #reserve(bytes: number): number {
    const at = this.#length;
    const end = at + bytes;
    if (end > maxFrameBytes) throw new RangeError(`a call of ${end} bytes does not fit a frame`);
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, at);
      this.#bytes = grown;
    }
    this.#length = end;
    return at;
  }

  #pad(at: number, bytes: number): void {
    this.#bytes.fill(0, at + bytes, at + padded(bytes));
  }
}

/** XDR rounds every variable item up to a multiple of four bytes. */
function padded(bytes: number): number {
  return (bytes + 3) & ~3;
}
