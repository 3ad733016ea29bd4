/**
 * A tiny daemon for tests: real frames over a real socket, and every answer in the hands of the
 * test, the wrong ones too.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FrameReader,
  keepaliveProgram,
  payloadOffset,
  protocolVersion,
  remoteProgram,
  statusError,
  statusOk,
  typeMessage,
  typeReply,
} from '../protocol/frame.ts';
import { XdrReader } from '../protocol/xdr-reader.ts';
import { XdrWriter } from '../protocol/xdr-writer.ts';
import { type ConnectOptions, connect } from '../connect.ts';
import type { Session } from '../session.ts';

export type WireFrame = {
  program: number;
  procedure: number;
  type: number;
  serial: number;
  payload: Buffer;
};

type Encode = (writer: XdrWriter) => void;

/** The server's end of one connection. */
export class Peer {
  /** Every frame that came, in order. */
  readonly frames: WireFrame[] = [];
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  reply(call: WireFrame, encode?: Encode): void {
    this.raw(frame({ ...call, type: typeReply, status: statusOk }, encode));
  }

  refuse(call: WireFrame, code: number, message: string, domain = 10): void {
    this.raw(
      frame({ ...call, type: typeReply, status: statusError }, (writer) => {
        writer.int(code);
        writer.int(domain);
        writer.optionalString(message);
        writer.int(2);
        writer.uint(0);
        for (let i = 0; i < 3; i++) writer.optionalString(undefined);
        writer.int(-1);
        writer.int(-1);
        writer.uint(0);
      }),
    );
  }

  /** An event of the remote program. */
  event(procedure: number, encode: Encode): void {
    const header = { program: remoteProgram, procedure, type: typeMessage, serial: 1 };
    this.raw(frame({ ...header, status: statusOk }, encode));
  }

  lifecycle(callbackId: number, event: number, detail = 0): void {
    this.event(318, (writer) => {
      writer.int(callbackId);
      writer.string('vm');
      writer.uuid('6695eb01-f6a4-8304-79aa-97f2502e193f');
      writer.int(1);
      writer.int(event);
      writer.int(detail);
    });
  }

  keepalive(procedure: 1 | 2): void {
    const header = { program: keepaliveProgram, procedure, type: typeMessage, serial: 0 };
    this.raw(frame({ ...header, status: statusOk }));
  }

  raw(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Several frames in one write, so that the client finds them in one read. */
  together(write: () => void): void {
    this.#socket.cork();
    write();
    this.#socket.uncork();
  }

  hangUp(): void {
    this.#socket.destroy();
  }

  get closed(): boolean {
    return this.#socket.destroyed;
  }

  /** Frames of one procedure that came so far. */
  calls(procedure: number): WireFrame[] {
    return this.frames.filter((one) => one.procedure === procedure && one.type === 0);
  }
}

export type Script = {
  /** Every frame that the bring-up below does not answer. */
  onFrame?: (call: WireFrame, peer: Peer) => void;
  /** Default true: AUTH_LIST, SUPPORTS_FEATURE(10), OPEN, the close
   * callback, CLOSE and PING are answered. */
  bringUp?: boolean;
};

export class ScriptedServer implements AsyncDisposable {
  readonly path: string;
  readonly peers: Peer[] = [];
  readonly #folder: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(folder: string, script: Script) {
    this.#folder = folder;
    this.path = join(folder, 'sock');
    this.#server = createServer((socket) => {
      this.#accept(socket, script);
    });
  }

  static async start(script: Script = {}): Promise<ScriptedServer> {
    const server = new ScriptedServer(mkdtempSync(join(tmpdir(), 'nlv-')), script);
    server.#server.listen(server.path);
    await once(server.#server, 'listening');
    return server;
  }

  /** The server's end of the newest connection. */
  get peer(): Peer {
    const peer = this.peers.at(-1);
    if (peer === undefined) throw new Error('nobody has connected yet');
    return peer;
  }

  get uri(): string {
    return `test+unix:///default?socket=${this.path}`;
  }

  connect(options?: ConnectOptions): Promise<Session> {
    return connect(this.uri, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
    await Promise.resolve();
  }

  #accept(socket: Socket, { onFrame, bringUp = true }: Script): void {
    const peer = new Peer(socket);
    const frames = new FrameReader();
    this.peers.push(peer);
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('data', (chunk) => {
      frames.push(chunk, chunk.length, (bytes, start, end) => {
        const call: WireFrame = {
          program: bytes.readUInt32BE(start + 4),
          procedure: bytes.readInt32BE(start + 12),
          type: bytes.readInt32BE(start + 16),
          serial: bytes.readUInt32BE(start + 20),
          payload: Buffer.from(bytes.subarray(start + payloadOffset, end)),
        };
        peer.frames.push(call);
        if (!bringUp || !answerBringUp(call, peer, socket)) onFrame?.(call, peer);
      });
    });
  }
}

/** Answers what every session begins and ends with. */
function answerBringUp(call: WireFrame, peer: Peer, socket: Socket): boolean {
  if (call.program === keepaliveProgram) {
    if (call.procedure === 1) peer.keepalive(2);
    return true;
  }
  switch (call.procedure) {
    case 66:
      peer.reply(call, (writer) => {
        writer.uint(1);
        writer.int(0);
      });
      return true;
    case 60:
      peer.reply(call, (writer) => {
        writer.int(1);
      });
      return true;
    case 1:
    case 360:
      peer.reply(call);
      return true;
    case 2:
      peer.reply(call);
      socket.end();
      return true;
    default:
      return false;
  }
}

type Header = Omit<WireFrame, 'payload'> & { status: number };

export function frame(header: Header, encode?: Encode): Buffer {
  const writer = new XdrWriter();
  writer.uint(0);
  writer.uint(header.program);
  writer.uint(protocolVersion);
  writer.int(header.procedure);
  writer.uint(header.type);
  writer.uint(header.serial);
  writer.uint(header.status);
  encode?.(writer);
  writer.patchUint(0, writer.length);
  return writer.take();
}

/** The arguments of a call, to read. */
export function argsOf(call: WireFrame): XdrReader {
  return new XdrReader(call.payload);
}
