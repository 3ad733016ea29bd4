import { type OpenHeader, headerBytes, maxFrameBytes, protocolVersion } from './frame.ts';

/** The reply is larger than a frame may be, or a string in it longer than a string may be. */
export class EncodeError extends Error {
  override readonly name = 'EncodeError';
}

const maxStringBytes = 4_194_304;
const twoTo32 = 4_294_967_296;

/** Writes one frame: its header, then the XDR of its payload. */
export class WireWriter {
  #bytes: Buffer;
  #view: DataView;
  #at = headerBytes;

  /** `expectedBytes`: room made beforehand, so that a large reply need not grow. */
  constructor({ program, procedure, type, serial, status }: OpenHeader, expectedBytes = 0) {
    this.#bytes = Buffer.allocUnsafe(Math.max(256, headerBytes + expectedBytes));
    this.#view = viewOf(this.#bytes);
    this.#view.setUint32(4, program);
    this.#view.setUint32(8, protocolVersion);
    this.#view.setInt32(12, procedure);
    this.#view.setUint32(16, type);
    this.#view.setUint32(20, serial);
    this.#view.setUint32(24, status);
  }

  /** Makes room for so many bytes more, beforehand. */
  expect(bytes: number): void {
    this.#makeRoom(Math.min(this.#at + bytes, maxFrameBytes));
  }

  int(value: number): void {
    const at = this.#reserve(4); // first: it may exchange the view
    this.#view.setInt32(at, value);
  }

  uint(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value);
  }

  bool(value: boolean): void {
    this.int(value ? 1 : 0);
  }

  /** A 64-bit integer from 0 to 2^53; a fraction is cut off. */
  counter(value: number): void {
    const at = this.#reserve(8);
    const high = Math.floor(value / twoTo32);
    this.#view.setUint32(at, high);
    this.#view.setUint32(at + 4, value - high * twoTo32);
  }

  string(value: string): void {
    const bytes = Buffer.byteLength(value, 'utf8');
    if (bytes > maxStringBytes) throw new EncodeError(`a string of ${bytes} bytes`);
    this.uint(bytes);
    const padded = (bytes + 3) & ~3;
    const at = this.#reserve(padded);
    this.#bytes.write(value, at, bytes, 'utf8');
    for (let i = at + bytes; i < at + padded; i++) this.#bytes[i] = 0;
  }

  optionalString(value: string | undefined): void {
    this.bool(value !== undefined);
    if (value !== undefined) this.string(value);
  }

  /** Bytes that are XDR already. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** `char x[words]`: one word for each char, zeroes after the text. */
  fixedChars(text: string, words: number): void {
    for (let i = 0; i < words; i++) this.int(i < text.length ? text.charCodeAt(i) : 0);
  }

  /** Where the next word goes, for `patchUint`. */
  get offset(): number {
    return this.#at;
  }

  /** Overwrites a word, such as a count that is known last. */
  patchUint(offset: number, value: number): void {
    this.#view.setUint32(offset, value);
  }

  /** The frame. The writer is used up: the bytes are the caller's. */
  frame(): Buffer {
    this.#view.setUint32(0, this.#at);
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(bytes: number): number {
    const at = this.#at;
    const end = at + bytes;
    if (end > maxFrameBytes) throw new EncodeError(`a frame of ${end} bytes`);
    if (end > this.#bytes.length) this.#makeRoom(Math.max(end, this.#bytes.length * 2));
    this.#at = end;
    return at;
  }

  #makeRoom(capacity: number): void {
    if (capacity <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(capacity);
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
