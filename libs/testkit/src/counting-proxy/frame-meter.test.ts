import { expect, test } from 'vitest';
import {
  bareFrame,
  keepaliveProgram,
  maxFrameBytes,
  remoteProgram,
  statusOk,
  typeCall,
  typeMessage,
} from '../libvirt-wire/frame.ts';
import { FrameMeter } from './frame-meter.ts';

function call(procedure: number, payloadBytes: number): Buffer {
  const header = { program: remoteProgram, procedure, type: typeCall, serial: 1, status: statusOk };
  // A payload that looks like frames itself.
  const frame = Buffer.concat([bareFrame(header), Buffer.alloc(payloadBytes, 0x1c)]);
  frame.writeUInt32BE(frame.length);
  return frame;
}

const ping = bareFrame({
  program: keepaliveProgram,
  procedure: 1,
  type: typeMessage,
  serial: 0,
  status: statusOk,
});

const stream = Buffer.concat([call(66, 0), call(60, 4), ping, call(344, 40), call(2, 0)]);
const expected = [66, 60, 1, 344, 2];

function seen(chunks: Iterable<Buffer>): number[] {
  const procedures: number[] = [];
  const meter = new FrameMeter(({ procedure }) => procedures.push(procedure));
  for (const chunk of chunks) meter.push(chunk);
  expect(meter.readable).toBe(true);
  return procedures;
}

test('every frame is seen once when the stream is cut at any byte', () => {
  for (let cut = 0; cut <= stream.length; cut++) {
    expect(seen([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(expected);
  }
});

test('every frame is seen once when the stream comes byte by byte', () => {
  expect(seen([...stream].map((byte) => Buffer.from([byte])))).toEqual(expected);
});

test('a frame is seen as soon as its header is there, however large it is', () => {
  const large = call(7, 0);
  large.writeUInt32BE(maxFrameBytes);
  const procedures: number[] = [];
  const meter = new FrameMeter(({ procedure }) => procedures.push(procedure));
  meter.push(large);
  expect(procedures).toEqual([7]);
  for (let left = maxFrameBytes - large.length; left > 0; left -= 65_536) {
    meter.push(Buffer.alloc(Math.min(left, 65_536), 0x1c));
  }
  meter.push(call(14, 0));
  expect(procedures).toEqual([7, 14]);
});

test.each([0, 27, maxFrameBytes + 1])('a length of %i ends the counting and says so', (length) => {
  const broken = call(14, 0);
  broken.writeUInt32BE(length);
  const procedures: number[] = [];
  const meter = new FrameMeter(({ procedure }) => procedures.push(procedure));
  meter.push(Buffer.concat([call(66, 0), broken, call(14, 0)]));
  expect(procedures).toEqual([66]);
  expect(meter.readable).toBe(false);
});
