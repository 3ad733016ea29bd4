/**
 * Reads XDR (RFC 4506) from a part of a buffer. Every read is checked against the end of the frame
 * and every count against its limit before anything is allocated for it.
 *
 * One reader serves a whole connection: `reset` points it at the next frame. It copies what it
 * returns, so the buffer may be overwritten afterwards.
 */
import { ProtocolError } from '../errors.ts';
import { maxStringBytes } from './limits.ts';
import { uuidToString } from './uuid.ts';

/** A 64-bit count: a number where it is exact, a bigint above 2^53. */
export type Counter = number | bigint;

const twoTo32 = 4_294_967_296;
/** High words below this one make a number that a double holds exactly. */
const safeHigh = 0x20_0000;

const noBytes = Buffer.alloc(0);

export class XdrReader {
  #bytes: Buffer = noBytes;
  #view: DataView = new DataView(noBytes.buffer, noBytes.byteOffset, 0);
  #offset = 0;
  #end = 0;

  constructor(bytes?: Buffer) {
    if (bytes !== undefined) this.reset(bytes, 0, bytes.length);
  }

  /** Points the reader at `bytes[start, end)`. Offsets count from the start of `bytes`. */
  reset(bytes: Buffer, start: number, end: number): void {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    }
    this.#offset = start;
    this.#end = end;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Where the frame ends. */
  get end(): number {
    return this.#end;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  /** The buffer that is being read, for decoders that compare bytes; see `skip`. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  /** Claims the next `bytes` bytes and returns where they begin. */
  skip(bytes: number): number {
    const at = this.#offset;
    if (bytes > this.#end - at) throw this.#truncated(bytes);
    this.#offset = at + bytes;
    return at;
  }

  int(): number {
    return this.#view.getInt32(this.skip(4));
  }

  uint(): number {
    return this.#view.getUint32(this.skip(4));
  }

  hyper(): bigint {
    return this.#view.getBigInt64(this.skip(8));
  }

  unsignedHyper(): bigint {
    return this.#view.getBigUint64(this.skip(8));
  }

  /** An unsigned 64-bit integer, without a bigint where a number is exact. */
  counter(): Counter {
    const at = this.skip(8);
    const high = this.#view.getUint32(at);
    return high < safeHigh
      ? high * twoTo32 + this.#view.getUint32(at + 4)
      : this.#view.getBigUint64(at);
  }

  /** A signed 64-bit integer, without a bigint where a number is exact. */
  signedCounter(): Counter {
    const at = this.skip(8);
    const high = this.#view.getInt32(at);
    return high >= -safeHigh && high < safeHigh
      ? high * twoTo32 + this.#view.getUint32(at + 4)
      : this.#view.getBigInt64(at);
  }

  /** An unsigned 64-bit integer as the nearest double. */
  roundedUnsignedHyper(): number {
    const at = this.skip(8);
    return this.#view.getUint32(at) * twoTo32 + this.#view.getUint32(at + 4);
  }

  /** A signed 64-bit integer as the nearest double. */
  roundedHyper(): number {
    const at = this.skip(8);
    return this.#view.getInt32(at) * twoTo32 + this.#view.getUint32(at + 4);
  }

  double(): number {
    return this.#view.getFloat64(this.skip(8));
  }

  /** One of libvirt's int-typed booleans; anything but 0 is true, as in C. */
  bool(): boolean {
    return this.int() !== 0;
  }

  /** A pointer: false is NULL, true means that the value follows. */
  present(): boolean {
    const word = this.uint();
    if (word > 1) throw new ProtocolError(`a pointer's word is ${word}, neither 0 nor 1`);
    return word === 1;
  }

  string(): string {
    const length = this.#lengthUpTo(maxStringBytes, 'string');
    const at = this.skip((length + 3) & ~3);
    return this.#bytes.toString('utf8', at, at + length);
  }

  optionalString(): string | undefined {
    return this.present() ? this.string() : undefined;
  }

  uuid(): string {
    return uuidToString(this.#bytes, this.skip(16));
  }

  /** `opaque x<max>`, copied. */
  opaque(max: number): Buffer {
    const length = this.#lengthUpTo(max, 'opaque');
    const at = this.skip((length + 3) & ~3);
    return Buffer.from(this.#bytes.subarray(at, at + length));
  }

  /** `char x<max>`: one word for each char. */
  chars(max: number): Buffer {
    return this.fixedChars(this.count(max, 4));
  }

  /** `char x[length]`: one word for each char. */
  fixedChars(length: number): Buffer {
    const at = this.skip(length * 4);
    const chars = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) chars[i] = this.#view.getUint8(at + i * 4 + 3);
    return chars;
  }

  /**
   * The count of a variable array. `minItemBytes` is the least that one item takes: a count that
   * the rest of the frame cannot hold is refused before room is made for it.
   */
  count(max: number, minItemBytes: number): number {
    const count = this.uint();
    if (count > max) throw new ProtocolError(`an array of ${count} items, more than ${max}`);
    if (count * minItemBytes > this.remaining) throw this.#truncated(count * minItemBytes);
    return count;
  }

  /** A variable array. */
  array<T>(max: number, minItemBytes: number, item: (reader: XdrReader) => T): T[] {
    const items: T[] = [];
    for (let left = this.count(max, minItemBytes); left > 0; left--) items.push(item(this));
    return items;
  }

  #lengthUpTo(max: number, what: string): number {
    const length = this.uint();
    if (length > max) throw new ProtocolError(`${what} of ${length} bytes, more than ${max}`);
    return length;
  }

  #truncated(wanted: number): ProtocolError {
    return new ProtocolError(
      `the frame ends at byte ${this.#end}: ${wanted} bytes wanted at byte ${this.#offset}, ${this.remaining} left`,
    );
  }
}
