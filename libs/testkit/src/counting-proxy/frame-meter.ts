import { type FrameHeader, headerBytes, isLegalLength, readHeader } from '../libvirt-wire/frame.ts';

/**
 * Finds the frames in a stream that passes by, however it is cut, and keeps nothing of it but the
 * header that is still arriving.
 */
export class FrameMeter {
  readonly #onFrame: (header: FrameHeader) => void;
  readonly #header = Buffer.alloc(headerBytes);
  /** Bytes of the next header that have arrived. */
  #have = 0;
  /** Bytes of the current payload that are still to pass. */
  #toSkip = 0;
  #readable = true;

  /** `onFrame` runs when a frame's header has arrived; its payload may still be under way. */
  constructor(onFrame: (header: FrameHeader) => void) {
    this.#onFrame = onFrame;
  }

  /**
   * False once a length broke the protocol, or something else than frames went by: where the next
   * frame begins is lost for good.
   */
  get readable(): boolean {
    return this.#readable;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (this.#readable && at < chunk.length) {
      if (this.#toSkip > 0) {
        const skipped = Math.min(this.#toSkip, chunk.length - at);
        this.#toSkip -= skipped;
        at += skipped;
        continue;
      }
      const copied = chunk.copy(this.#header, this.#have, at);
      this.#have += copied;
      at += copied;
      if (this.#have === headerBytes) this.#headerArrived();
    }
  }

  #headerArrived(): void {
    const header = readHeader(this.#header);
    this.#have = 0;
    if (!isLegalLength(header.length)) {
      this.#readable = false;
      return;
    }
    this.#toSkip = header.length - headerBytes;
    this.#onFrame(header);
  }
}
