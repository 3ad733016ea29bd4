/**
 * libvirt's frames: a length word that counts itself, a 24-byte header, a payload. All words are
 * big-endian.
 *
 *     0 length | 4 program | 8 version | 12 procedure | 16 type | 20 serial | 24 status | 28 payload
 *
 * F1  A length outside its limits is refused before anything is allocated for it.
 * F2  What a frame in the making holds in memory is bounded by twice what has arrived of it.
 * F3  The reader keeps no reference to a chunk: the transport may reuse its buffer at once.
 */
import { ProtocolError } from '../errors.ts';
import { maxFrameBytes, minFrameBytes } from './limits.ts';

export const remoteProgram = 0x20008086;
export const qemuProgram = 0x20008087;
export const keepaliveProgram = 0x6b656570;
export const protocolVersion = 1;

export const typeCall = 0;
export const typeReply = 1;
/** An event, or a keepalive. */
export const typeMessage = 2;

export const statusOk = 0;
export const statusError = 1;

/** Where the payload begins, counted from the frame's start. */
export const payloadOffset = 28;

/** Called for each whole frame, `bytes[start, end)`, valid until it returns. */
export type FrameSink = (bytes: Buffer, start: number, end: number) => void;

const noBytes = Buffer.alloc(0);
/** Room for a frame in the making that is kept for the next one. */
const keptBytes = 4_096;

export class FrameReader {
  /** The frame in the making; empty between frames. */
  #partial: Buffer = noBytes;
  #have = 0;

  /**
   * Splits what has arrived, `chunk[0, size)`, into frames.
   *
   * @throws {ProtocolError} a length outside 28 … 33,554,436: framing is lost, feed it no more
   */
  push(chunk: Buffer, size: number, sink: FrameSink): void {
    let at = 0;
    if (this.#have > 0) {
      at = this.#complete(chunk, size, sink);
      if (this.#have > 0) return;
    }
    while (size - at >= 4) {
      const length = checkedLength(chunk.readUInt32BE(at)); // F1
      if (size - at < length) break;
      at += length;
      sink(chunk, at - length, at);
    }
    if (at < size) this.#append(chunk, at, size);
  }

  /** Bytes of an unfinished frame: above zero at the end of a connection, it was cut in a frame. */
  get pendingBytes(): number {
    return this.#have;
  }

  /** Feeds the frame in the making from `chunk`; returns how much of the chunk it took. */
  #complete(chunk: Buffer, size: number, sink: FrameSink): number {
    let at = 0;
    if (this.#have < 4) {
      at = Math.min(4 - this.#have, size);
      this.#append(chunk, 0, at);
      if (this.#have < 4) return at;
    }
    const length = checkedLength(this.#partial.readUInt32BE(0)); // F1
    const end = Math.min(size, at + length - this.#have);
    this.#append(chunk, at, end);
    if (this.#have === length) {
      const frame = this.#partial;
      this.#have = 0;
      // A session that once got a large reply must not hold its room for ever.
      if (frame.length > keptBytes) this.#partial = noBytes;
      sink(frame, 0, length);
    }
    return end;
  }

  #append(chunk: Buffer, start: number, end: number): void {
    const need = this.#have + end - start;
    if (need > this.#partial.length) {
      // F2: doubling, and never more than the frame says it needs.
      const announced = need >= 4 && this.#have >= 4 ? this.#partial.readUInt32BE(0) : need;
      const capacity = Math.max(need, Math.min(announced, need * 2));
      const grown = Buffer.allocUnsafeSlow(Math.max(capacity, 64));
      this.#partial.copy(grown, 0, 0, this.#have);
      this.#partial = grown;
    }
    chunk.copy(this.#partial, this.#have, start, end);
    this.#have = need;
  }
}

function checkedLength(length: number): number {
  if (length < minFrameBytes || length > maxFrameBytes) {
    throw new ProtocolError(
      `a frame of ${length} bytes: outside ${minFrameBytes} to ${maxFrameBytes}`,
    );
  }
  return length;
}
