import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { waitFor } from '../wait-for.ts';
import {
  type FrameHeader,
  type OpenHeader,
  headerBytes,
  keepaliveProgram,
  readHeader,
  remoteProgram,
  statusOk,
  typeCall,
  typeReply,
} from './frame.ts';
import { FrameSplitter } from './frame-splitter.ts';
import { procedures } from './procedures.ts';
import { WireReader } from './wire-reader.ts';
import { WireWriter } from './wire-writer.ts';

/** A frame, as it came. */
export type RawFrame = { header: FrameHeader; payload: Buffer };

type Encode = (writer: WireWriter) => void;

/**
 * A client without manners: it sends what a test tells it, right or wrong, and keeps what comes. For
 * asking a real daemon and a simulated one the same odd questions.
 */
export class RawClient implements Disposable {
  /** Everything but replies and keepalives: events. */
  readonly messages: RawFrame[] = [];
  /** Replies, in the order in which they came. */
  readonly replies: RawFrame[] = [];
  /** PINGs and PONGs. */
  readonly keepalives: RawFrame[] = [];
  readonly #socket: Socket;
  readonly #frames = new FrameSplitter();
  #nextSerial = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      this.#frames.push(chunk);
      for (let frame = this.#frames.next(); frame !== undefined; frame = this.#frames.next()) {
        const header = readHeader(frame);
        const payload = Buffer.from(frame.subarray(headerBytes));
        this.#listFor(header).push({ header, payload });
      }
    });
  }

  static async connect(path: string): Promise<RawClient> {
    const socket = connect(path);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /** Authenticates and opens `qemu:///system`. */
  static async open(path: string, { readOnly = false } = {}): Promise<RawClient> {
    const client = await RawClient.connect(path);
    await client.call(procedures.authList);
    await client.call(procedures.connectOpen, openArgs('qemu:///system', readOnly));
    return client;
  }

  get closed(): boolean {
    return this.#socket.closed;
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Sends a call and does not wait; gives its serial. */
  send(procedure: number, encode?: Encode, header: Partial<OpenHeader> = {}): number {
    const serial = this.#nextSerial++;
    const writer = new WireWriter({
      program: remoteProgram,
      procedure,
      type: typeCall,
      serial,
      status: statusOk,
      ...header,
    });
    encode?.(writer);
    this.write(writer.frame());
    return serial;
  }

  /** Sends a call and waits for its reply. */
  async call(
    procedure: number,
    encode?: Encode,
    header: Partial<OpenHeader> = {},
  ): Promise<RawFrame> {
    const serial = this.send(procedure, encode, header);
    return this.reply(serial);
  }

  /** Waits for the reply with a serial. */
  async reply(serial: number): Promise<RawFrame> {
    return waitFor(() => this.replies.find(({ header }) => header.serial === serial), {
      what: `the reply to serial ${serial}`,
      intervalMs: 2,
    });
  }

  /** Stops and goes on reading: a slow client. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #listFor({ program, type }: FrameHeader): RawFrame[] {
    if (program === keepaliveProgram) return this.keepalives;
    return type === typeReply ? this.replies : this.messages;
  }
}

export function openArgs(name: string | undefined, readOnly = false): Encode {
  return (writer) => {
    writer.optionalString(name);
    writer.uint(readOnly ? 1 : 0);
  };
}

/** A refusal's code, and the part of libvirt that it comes from. */
export function refusalOf({ header, payload }: RawFrame): {
  code: number;
  domain: number;
  message: string | undefined;
} {
  if (header.status === statusOk) throw new Error('the call was not refused');
  const reader = new WireReader(payload, 0);
  const code = reader.int();
  const domain = reader.int();
  return { code, domain, message: reader.optionalString() };
}
