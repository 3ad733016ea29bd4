import { isLegalLength } from './frame.ts';

/** The peer announced a frame of a length that no frame has: where the next one begins is lost. */
export class BrokenFramingError extends Error {
  override readonly name = 'BrokenFramingError';
}

/** Cuts what arrives into whole frames, given out one at a time. */
export class FrameSplitter {
  #chunks: Buffer[] = [];
  #have = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#have += chunk.length;
  }

  /**
   * The next whole frame, or nothing until more arrives.
   *
   * @throws {BrokenFramingError}
   */
  next(): Buffer | undefined {
    if (this.#have < 4) return undefined;
    if ((this.#chunks[0] as Buffer).length < 4) this.#join();
    const length = (this.#chunks[0] as Buffer).readUInt32BE(0);
    if (!isLegalLength(length)) throw new BrokenFramingError(`a frame of ${length} bytes`);
    if (this.#have < length) return undefined;
    // Joined only when the frame is whole: joining each chunk would copy a large call many times.
    if ((this.#chunks[0] as Buffer).length < length) this.#join();
    const [first] = this.#chunks as [Buffer];
    this.#have -= length;
    if (first.length === length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(length);
    return first.subarray(0, length);
  }

  #join(): void {
    this.#chunks = [Buffer.concat(this.#chunks)];
  }
}
