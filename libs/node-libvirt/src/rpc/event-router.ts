/**
 * Brings each event message to whoever registered for it.
 *
 * R1  The address is (program, event procedure, callback id): callback ids of different classes of
 *     objects are the same small numbers.
 * R2  An event may arrive before the reply to its own registration. While a registration for its
 *     procedure is under way, events with an unknown callback id are kept, up to `capacity`, and
 *     handed over in order when the reply names the id.
 * R3  Beyond the capacity the registration's subscriber is told of the gap.
 * R4  A message without a callback id goes to the one listener of its procedure.
 * R5  Anything else that is unknown was dropped on purpose, or is of a later libvirt: ignored.
 */
import { XdrReader } from '../protocol/xdr-reader.ts';

export type EventSink = {
  /** Decodes one payload, the callback id already read. Throws `ProtocolError`. */
  message(reader: XdrReader): void;
  /** Events were lost before the registration's reply. */
  gap(): void;
};

/** Which messages a registration will bring. */
export type EventAddress = { program: number; procedure: number };

type EarlyEvent = { callbackId: number; bytes: Buffer };
type Expectation = { registrations: number; early: EarlyEvent[]; overflowed: boolean };

export class EventRouter {
  readonly #capacity: number;
  readonly #sinks = new Map<number, EventSink>();
  readonly #plain = new Map<number, (reader: XdrReader) => void>();
  readonly #expected = new Map<number, Expectation>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Listens to messages that carry no callback id. */
  listen(address: EventAddress, listener: (reader: XdrReader) => void): void {
    this.#plain.set(sinkKey(address, 0), listener);
  }

  /** A registration for these messages is about to be sent. Balanced by `registered`. */
  expect(address: EventAddress): void {
    const key = sinkKey(address, 0);
    const expectation = this.#expected.get(key);
    if (expectation === undefined) {
      this.#expected.set(key, { registrations: 1, early: [], overflowed: false });
    } else {
      expectation.registrations += 1;
    }
  }

  /**
   * The registration's reply is here; `callbackId` is absent when it failed. Must run while that
   * reply is being read, before the next frame.
   */
  registered(address: EventAddress, callbackId?: number, sink?: EventSink): void {
    const key = sinkKey(address, 0);
    const expectation = this.#expected.get(key);
    if (expectation !== undefined && --expectation.registrations === 0) this.#expected.delete(key);
    if (callbackId === undefined || sink === undefined) return;
    this.#sinks.set(sinkKey(address, callbackId), sink);
    if (expectation === undefined) return;
    for (const early of expectation.early) {
      if (early.callbackId === callbackId) sink.message(earlyReader(early)); // R2
    }
    if (expectation.overflowed) sink.gap(); // R3
  }

  drop(address: EventAddress, callbackId: number): void {
    this.#sinks.delete(sinkKey(address, callbackId));
  }

  /** A message of an event program. The reader stands at its payload. */
  message(address: EventAddress, reader: XdrReader): void {
    const plain = this.#plain.get(sinkKey(address, 0));
    if (plain !== undefined) {
      plain(reader); // R4
      return;
    }
    const start = reader.offset;
    const callbackId = reader.int();
    const sink = this.#sinks.get(sinkKey(address, callbackId)); // R1
    if (sink !== undefined) {
      sink.message(reader);
      return;
    }
    const expectation = this.#expected.get(sinkKey(address, 0));
    if (expectation === undefined) return; // R5
    if (expectation.early.length >= this.#capacity) {
      expectation.overflowed = true;
      return;
    }
    // The frame's memory is the transport's, and will be overwritten.
    const bytes = Buffer.from(reader.bytes.subarray(start, reader.end));
    expectation.early.push({ callbackId, bytes });
  }
}

function earlyReader(early: EarlyEvent): XdrReader {
  const reader = new XdrReader(early.bytes);
  reader.int(); // the callback id
  return reader;
}

const idsPerProcedure = 4_294_967_296;

/** A number, because a string for each event would be garbage: program and procedure, then id. */
function sinkKey(address: EventAddress, callbackId: number): number {
  // The programs' ids differ in their last byte (86 remote, 87 qemu); procedures are below 2^12.
  const procedure = (address.program & 0xff) * 4096 + (address.procedure & 0xfff);
  return procedure * idsPerProcedure + (callbackId >>> 0);
}
