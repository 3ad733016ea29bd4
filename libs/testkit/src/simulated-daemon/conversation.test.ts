import { expect, test } from 'vitest';
import {
  type FrameHeader,
  bareFrame,
  headerBytes,
  keepaliveProgram,
  maxFrameBytes,
  readHeader,
  remoteProgram,
  statusError,
  statusOk,
  typeCall,
  typeMessage,
  typeReply,
} from '../libvirt-wire/frame.ts';
import { procedures as p } from '../libvirt-wire/procedures.ts';
import { WireReader } from '../libvirt-wire/wire-reader.ts';
import { WireWriter } from '../libvirt-wire/wire-writer.ts';
import { Conversation } from './conversation.ts';
import type { HostEvent } from './host-event.ts';
import { SimulatedHost } from './state.ts';

let nextSerial = 100;

function call(procedure: number, encode?: (writer: WireWriter) => void): Buffer {
  const serial = nextSerial++;
  const header = { program: remoteProgram, procedure, type: typeCall, serial, status: statusOk };
  const writer = new WireWriter(header);
  encode?.(writer);
  return writer.frame();
}

const keepalive = (procedure: number): Buffer =>
  bareFrame({ program: keepaliveProgram, procedure, type: typeMessage, serial: 0, status: 0 });

const open = (readOnly = false): Buffer =>
  call(p.connectOpen, (writer) => {
    writer.optionalString('qemu:///system');
    writer.uint(readOnly ? 1 : 0);
  });

const announceKeepalive = (): Buffer => call(p.connectSupportsFeature, (w) => w.int(10));
const list = (): Buffer =>
  call(p.connectListAllDomains, (writer) => {
    writer.int(1);
    writer.uint(0);
  });

type WireOptions = {
  host?: SimulatedHost;
  domains?: number;
  readOnly?: boolean;
  kvmCounters?: boolean;
};

/** A conversation without a socket; frames are written at once, or when the test says so. */
class Wire {
  readonly host: SimulatedHost;
  readonly conversation: Conversation;
  readonly frames: Buffer[] = [];
  /** Set: what is written stays in the socket's buffer until the test flushes it. */
  unflushed: (() => void)[] | undefined;
  ended: 'end' | 'destroy' | undefined;

  constructor(options: WireOptions = {}) {
    const { domains = 2, readOnly = false, kvmCounters = false } = options;
    this.host = options.host ?? new SimulatedHost({ hostname: 'hv1', domains }, 0);
    this.conversation = new Conversation({
      host: this.host,
      readOnly,
      kvmCounters,
      maxClientRequests: 5,
      withoutDomainEvents: false,
      keepalive: { intervalMs: 5_000, count: 5 },
      nowMs: 0,
      send: (frame, written) => {
        this.frames.push(frame);
        const done = (): void => written?.(0);
        if (this.unflushed === undefined) done();
        else this.unflushed.push(done);
      },
      end: () => (this.ended = 'end'),
      destroy: () => (this.ended = 'destroy'),
      tell: (events) => {
        this.tell(events);
      },
      admit: ({ answer }) => {
        answer(0);
      },
    });
  }

  tell(events: readonly HostEvent[]): void {
    for (const event of events) this.conversation.deliver(event);
  }

  /** Sends, and takes what has come since. */
  ask(...bytes: Buffer[]): FrameHeader[] {
    for (const one of bytes) this.conversation.receive(one, 0);
    return this.take().map((frame) => readHeader(frame));
  }

  take(): Buffer[] {
    return this.frames.splice(0);
  }

  refusal(bytes: Buffer): { code: number; domain: number } {
    this.ask();
    this.conversation.receive(bytes, 0);
    const [frame] = this.take() as [Buffer];
    if (readHeader(frame).status !== statusError) throw new Error('the call was not refused');
    const reader = new WireReader(frame, headerBytes);
    return { code: reader.int(), domain: reader.int() };
  }
}

test('a conversation goes the same way when its bytes come one at a time', () => {
  const calls = [call(p.authList), announceKeepalive(), open(), list(), keepalive(1)];
  const bytes = Buffer.concat(calls);
  const whole = new Wire();
  whole.conversation.receive(bytes, 0);
  const pieces = new Wire();
  for (const byte of bytes) pieces.conversation.receive(Buffer.from([byte]), 0);
  const frames = whole.take().map((frame) => frame.toString('hex'));
  expect(frames).toHaveLength(calls.length);
  expect(pieces.take().map((frame) => frame.toString('hex'))).toEqual(frames);
});

test('a reply repeats program, procedure and serial of its call', () => {
  const wire = new Wire();
  const frame = call(p.connectOpen, (writer) => {
    writer.optionalString('');
    writer.uint(0);
  });
  const { serial } = readHeader(frame);
  expect(wire.ask(frame)).toMatchObject([
    { program: remoteProgram, procedure: 1, type: typeReply, serial, status: statusOk },
  ]);
});

test('with five calls unanswered nothing more is read, PINGs included, until one is written', () => {
  const wire = new Wire();
  wire.ask(open());
  wire.unflushed = [];
  const later = [...Array.from({ length: 7 }, () => call(p.connectGetType)), keepalive(1)];
  expect(wire.ask(...later)).toHaveLength(5);
  expect(wire.conversation.readsOn).toBe(false);
  wire.unflushed.shift()?.();
  expect(wire.take()).toHaveLength(1);
  wire.unflushed.shift()?.();
  const [reply] = wire.take().map((frame) => readHeader(frame));
  expect(reply).toMatchObject({ procedure: p.connectGetType });
  expect(wire.conversation.readsOn).toBe(false);
  wire.unflushed.shift()?.();
  expect(wire.take().map((frame) => readHeader(frame))).toMatchObject([
    { program: keepaliveProgram, procedure: 2 },
  ]);
});

test('only a client that announced keepalive is pinged, and hung up on after five PINGs and one interval', () => {
  const silent = new Wire();
  silent.ask(open());
  silent.conversation.watch(60_000);
  expect(silent.take()).toEqual([]);
  const wire = new Wire();
  wire.ask(announceKeepalive(), open());
  const pings: number[] = [];
  for (let nowMs = 0; nowMs <= 30_000; nowMs += 500) {
    wire.conversation.watch(nowMs);
    for (const frame of wire.take()) {
      expect(readHeader(frame)).toMatchObject({ program: keepaliveProgram, procedure: 1 });
      pings.push(nowMs);
    }
  }
  expect(pings).toEqual([5_000, 10_000, 15_000, 20_000, 25_000]);
  expect(wire.ended).toBe('destroy');
});

test('any frame begins the silence anew', () => {
  const wire = new Wire();
  wire.ask(announceKeepalive(), open());
  for (let nowMs = 0; nowMs <= 100_000; nowMs += 2_500) {
    wire.conversation.watch(nowMs);
    wire.conversation.receive(keepalive(2), nowMs);
  }
  expect(wire.take()).toEqual([]);
  expect(wire.ended).toBeUndefined();
});

test('a PING is answered at any time, even before authentication', () => {
  expect(new Wire().ask(keepalive(1))).toMatchObject([
    { program: keepaliveProgram, procedure: 2, type: typeMessage, serial: 0 },
  ]);
});

test.each([0, 27, maxFrameBytes + 1])('a frame of %i bytes ends the conversation', (length) => {
  const wire = new Wire();
  const frame = call(p.connectGetType);
  frame.writeUInt32BE(length);
  expect(wire.ask(frame)).toEqual([]);
  expect(wire.ended).toBe('destroy');
});

test('CLOSE is answered, and then the daemon hangs up', () => {
  const wire = new Wire();
  wire.ask(open());
  expect(wire.ask(call(p.connectClose))).toMatchObject([{ type: typeReply, status: statusOk }]);
  expect(wire.ended).toBe('end');
});

test('replies and events that a client sends are dropped in silence', () => {
  const wire = new Wire();
  wire.ask(open());
  for (const type of [typeReply, typeMessage]) {
    const frame = call(p.connectGetType);
    frame.writeUInt32BE(type, 16);
    expect(wire.ask(frame)).toEqual([]);
  }
  expect(wire.ask(call(p.connectGetType))).toHaveLength(1);
});

const register = (eventId: number, uuid?: Buffer): Buffer =>
  call(p.connectDomainEventCallbackRegisterAny, (writer) => {
    writer.int(eventId);
    writer.bool(uuid !== undefined);
    if (uuid === undefined) return;
    writer.string('x');
    writer.raw(uuid);
    writer.int(-1);
  });

test('events reach exactly those registrations that they are for', () => {
  const wire = new Wire();
  const [one, two] = [wire.host.find('vm00001'), wire.host.find('vm00002')];
  wire.ask(open(), register(0), register(0, two.uuidBytes), register(1));
  const callbacks = (): number[] =>
    wire.take().map((frame) => new WireReader(frame, headerBytes).int());
  wire.tell(wire.host.suspend(one, 0));
  expect(callbacks()).toEqual([0]);
  wire.tell(wire.host.suspend(two, 0));
  expect(callbacks()).toEqual([0, 1]);
  wire.tell(wire.host.reset(two));
  expect(callbacks()).toEqual([2]);
  wire.ask(call(p.connectDomainEventCallbackDeregisterAny, (writer) => writer.int(0)));
  wire.tell(wire.host.resume(one, 0));
  expect(callbacks()).toEqual([]);
});

test('callback ids are one sequence for all clients of a daemon', () => {
  const one = new Wire();
  const other = new Wire({ host: one.host });
  const callbackId = (wire: Wire, eventId: number): number => {
    wire.take();
    wire.conversation.receive(register(eventId), 0);
    return new WireReader(wire.take()[0] as Buffer, headerBytes).int();
  };
  one.ask(open());
  other.ask(open());
  expect([callbackId(one, 0), callbackId(other, 0), callbackId(one, 1)]).toEqual([0, 1, 2]);
});

test('a write is refused on a read-only socket, and on one that was opened so', () => {
  const suspend = (wire: Wire): Buffer =>
    call(p.domainSuspend, (writer) => {
      writer.string('vm00001');
      writer.raw(wire.host.find('vm00001').uuidBytes);
      writer.int(1);
    });
  const socket = new Wire({ readOnly: true });
  socket.ask(open());
  expect(socket.refusal(suspend(socket))).toEqual({ code: 29, domain: 20 });
  const flag = new Wire();
  flag.ask(open(true));
  expect(flag.refusal(suspend(flag))).toEqual({ code: 29, domain: 20 });
  expect(flag.host.find('vm00001').state).toBe(1);
});

const stats = (groups: number): Buffer =>
  call(p.connectGetAllDomainStats, (writer) => {
    for (const word of [0, groups, 0]) writer.uint(word);
  });

const count = (): Buffer =>
  call(p.connectListAllDomains, (writer) => {
    for (const word of [0, 0]) writer.uint(word);
  });

test('above 16,384 domains lists and stats are refused, not cut', () => {
  const most = new Wire({ domains: 16_384 });
  most.ask(open());
  expect(most.ask(list())).toMatchObject([{ status: statusOk }]);
  expect(most.ask(stats(1))).toMatchObject([{ status: statusOk }]);
  const tooMany = new Wire({ domains: 16_385 });
  tooMany.ask(open());
  expect(tooMany.refusal(list()).code).toBe(1);
  expect(tooMany.refusal(count()).code).toBe(1);
  expect(tooMany.refusal(stats(1)).code).toBe(1);
});

test('a reply above 32 MiB is refused, and the connection goes on', () => {
  const wire = new Wire({ domains: 10_000, kvmCounters: true });
  wire.ask(open());
  expect(wire.refusal(stats(0))).toEqual({ code: 39, domain: 7 });
  expect(wire.ask(stats(1))).toMatchObject([{ status: statusOk }]);
});

test('what libvirt 9.0 has and the simulation has not, is refused as a driver would', () => {
  const wire = new Wire();
  wire.ask(open());
  expect(wire.refusal(call(p.domainMemoryStats))).toEqual({ code: 3, domain: 20 });
});

test('whatever bytes come, the conversation answers, refuses or hangs up', () => {
  const wire = (): Wire => {
    const one = new Wire();
    one.ask(open());
    return one;
  };
  const seeds = [list(), stats(0x7ff), register(0), call(p.domainGetXmlDesc), open(), open(true)];
  for (const seed of seeds) {
    for (let at = 0; at < seed.length; at++) {
      for (const flip of [0xff, 0x01, 0x80]) {
        const bytes = Buffer.from(seed);
        bytes.writeUInt8(bytes.readUInt8(at) ^ flip, at);
        const one = wire();
        const replies = one.ask(bytes);
        expect(replies.length).toBeLessThanOrEqual(1);
      }
    }
  }
});
