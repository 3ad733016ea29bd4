import { expect, test } from 'vitest';
import { ProtocolError } from '../errors.ts';
import { frameOf, golden } from '../testing/golden.ts';
import { FrameReader } from './frame.ts';
import { maxFrameBytes } from './limits.ts';

const vectors = Object.values(golden).map(frameOf);
const stream = Buffer.concat(vectors);

/** Feeds `stream` in the given pieces, overwriting each after use as a transport may. */
function split(pieces: Buffer[]): string[] {
  const reader = new FrameReader();
  const frames: string[] = [];
  for (const piece of pieces) {
    const chunk = Buffer.from(piece);
    reader.push(chunk, chunk.length, (bytes, start, end) => {
      frames.push(bytes.toString('hex', start, end));
    });
    chunk.fill(0xee);
  }
  expect(reader.pendingBytes).toBe(0);
  return frames;
}

const expected = vectors.map((vector) => vector.toString('hex'));

test('frames come out whole and in order from one chunk', () => {
  expect(split([stream])).toEqual(expected);
});

test('frames come out the same when they arrive one byte at a time', () => {
  expect(split([...stream].map((byte) => Buffer.from([byte])))).toEqual(expected);
});

test('frames come out the same when the stream is cut at any offset', () => {
  for (let cut = 0; cut <= stream.length; cut++) {
    expect(split([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(expected);
  }
});

test.each([0, 1, 27, maxFrameBytes + 1, 0xffff_ffff])(
  'a length of %i is refused as soon as its four bytes are there',
  (length) => {
    const word = Buffer.alloc(4);
    word.writeUInt32BE(length);
    const whole = new FrameReader();
    expect(() => whole.push(word, 4, () => {})).toThrow(ProtocolError);
    const bytewise = new FrameReader();
    bytewise.push(word.subarray(0, 3), 3, () => {});
    expect(() => bytewise.push(word.subarray(3), 1, () => {})).toThrow(ProtocolError);
  },
);

test('a peer that announces large frames and sends little costs little memory', () => {
  const start = Buffer.alloc(1_000);
  start.writeUInt32BE(maxFrameBytes);
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 100 }, () => new FrameReader());
  for (const reader of readers) {
    reader.push(start, start.length, () => {});
    reader.push(start, start.length, () => {});
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
  expect(readers[0]?.pendingBytes).toBe(2_000);
});

test('a frame of the largest size goes through', () => {
  const frame = Buffer.alloc(maxFrameBytes, 7);
  frame.writeUInt32BE(maxFrameBytes);
  const reader = new FrameReader();
  let got = 0;
  for (let at = 0; at < frame.length; at += 65_536) {
    const chunk = frame.subarray(at, at + 65_536);
    reader.push(chunk, chunk.length, (bytes, start, end) => {
      got += end - start;
      expect(bytes.subarray(start, end).equals(frame)).toBe(true);
    });
  }
  expect(got).toBe(maxFrameBytes);
});
