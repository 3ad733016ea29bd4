/**
 * One conversation with a daemon: calls out, replies and events in, keepalive both ways, over one
 * transport. It reads as fast as bytes come and never waits for a consumer, so that replies and
 * keepalives cannot be stuck behind a slow reader of events.
 *
 * C1  Every call ends: by its answer, its deadline, its signal or the end of the connection.
 * C2  A frame is routed by its type first: events carry serial 1, keepalives serial 0.
 * C3  A PING is answered on the reader, before anything else is done.
 * C4  Bytes that break the protocol end the connection at once; nothing is read after them.
 */
import {
  CallRefusedError,
  ConnectionLostError,
  DeadlineExceededError,
  LibvirtError,
  ProtocolError,
} from '../errors.ts';
import type { Procedure } from '../procedures/procedure.ts';
import {
  FrameReader,
  keepaliveProgram,
  payloadOffset,
  protocolVersion,
  statusError,
  statusOk,
  typeCall,
  typeMessage,
  typeReply,
} from '../protocol/frame.ts';
import { readRemoteError } from '../protocol/remote-error.ts';
import { XdrReader } from '../protocol/xdr-reader.ts';
import { XdrWriter } from '../protocol/xdr-writer.ts';
import type { OpenTransport, Transport } from '../transport/transport.ts';
import type { CallBill, CallOptions } from './call.ts';
import { CallSlots } from './call-slots.ts';
import { checkedTimeout } from './deadline.ts';
import { DeadlineWatch } from './deadline-watch.ts';
import { EventRouter } from './event-router.ts';
import { Keepalive } from './keepalive.ts';
import { type AnswerHook, PendingCall } from './pending-call.ts';

export type ConnectionOptions = {
  callTimeoutMs: number;
  maxInFlight: number;
  maxLowPriorityInFlight: number;
  /** Calls that may wait for a slot; one more is refused. */
  maxQueuedCalls: number;
  keepaliveIntervalMs: number;
  keepaliveCount: number;
  eventCapacity: number;
  onCall: ((bill: CallBill) => void) | undefined;
};

const pingFrame = keepaliveFrame(1);
const pongFrame = keepaliveFrame(2);
const pingProcedure = 1;
const pongProcedure = 2;
/** How long `close` waits for the daemon to hang up. */
const closeTimeoutMs = 1_000;

export class Connection {
  readonly events: EventRouter;
  readonly keepalive: Keepalive;
  /** Resolves when the connection is over: with why, or with nothing when we closed it. */
  readonly closed: Promise<Error | undefined>;
  readonly #options: ConnectionOptions;
  readonly #slots: CallSlots<PendingCall>;
  /** Sent and not yet answered, abandoned ones included. Few, so a search is as good as a map. */
  readonly #inFlight: PendingCall[] = [];
  readonly #deadlines: DeadlineWatch<PendingCall>;
  readonly #frames = new FrameReader();
  readonly #reader = new XdrReader();
  readonly #writer = new XdrWriter();
  readonly #transportEnded = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<Error | undefined>();
  readonly #onEnd = new Set<(error: ConnectionLostError | undefined) => void>();
  #transport: Transport | undefined;
  #nextSerial = 0;
  #over: { error: Error | undefined } | undefined;

  /** Opens the transport and listens on it. Throws what `open` throws. */
  static async open(
    open: OpenTransport,
    options: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<Connection> {
    const connection = new Connection(options);
    connection.#transport = await open(
      {
        bytes: (buffer, length) => {
          connection.#bytes(buffer, length);
        },
        ended: (cause) => {
          connection.#ended(cause);
        },
      },
      signal,
    );
    return connection;
  }

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#slots = new CallSlots(options.maxInFlight, options.maxLowPriorityInFlight);
    this.#deadlines = new DeadlineWatch(
      () => [...this.#inFlight.filter((call) => !call.abandoned), ...this.#slots.queued()],
      (call) => {
        const { procedure, timeoutMs, sentAtMs } = call;
        const sent = sentAtMs !== undefined;
        this.#abandon(call, 'deadline', new DeadlineExceededError(procedure.name, timeoutMs, sent));
      },
    );
    this.events = new EventRouter(options.eventCapacity);
    this.keepalive = new Keepalive({
      intervalMs: options.keepaliveIntervalMs,
      count: options.keepaliveCount,
      sendPing: () => {
        this.#transport?.write(pingFrame);
      },
      dead: (error) => {
        this.#finish(error);
      },
    });
    this.closed = this.#closed.promise;
  }

  get address(): string {
    return this.#transport?.address ?? 'not connected';
  }

  get isOpen(): boolean {
    return this.#over === undefined;
  }

  /** How long a call may take that does not say it itself. */
  get callTimeoutMs(): number {
    return this.#options.callTimeoutMs;
  }

  /** Runs `listener` when the connection ends: with the loss, or with nothing when we closed it. */
  onEnd(listener: (error: ConnectionLostError | undefined) => void): { cancel(): void } {
    this.#onEnd.add(listener);
    return { cancel: () => this.#onEnd.delete(listener) };
  }

  /** The error of something that the end of this connection cuts off. */
  lost(procedure?: string): ConnectionLostError {
    const cause = this.#over?.error;
    const what =
      cause === undefined ? 'the session was closed here' : `the session is lost: ${cause.message}`;
    return new ConnectionLostError(what, {
      ...(cause === undefined ? {} : { cause }),
      ...(procedure === undefined ? {} : { procedure }),
    });
  }

  call<Args, Result>(
    procedure: Procedure<Args, Result>,
    args: Args,
    options: CallOptions = {},
    onAnswer?: AnswerHook<Result>,
  ): Promise<Result> {
    try {
      options.signal?.throwIfAborted();
      this.#mayCall(procedure.name);
      const timeoutMs = checkedTimeout(options.timeoutMs ?? this.#options.callTimeoutMs);
      const serial = this.#takeSerial();
      const frame = encodeCall(this.#writer, procedure, serial, args);
      const nowMs = performance.now();
      const call = new PendingCall(
        serial,
        procedure as Procedure<never, unknown>,
        frame,
        nowMs,
        timeoutMs,
        options,
        this.#abort,
        onAnswer,
      );
      this.#slots.enqueue(call);
      this.#deadlines.add(call, nowMs);
      this.#sendWaiting();
      return call.promise as Promise<Result>;
    } catch (error) {
      onAnswer?.(undefined, false);
      return Promise.reject(error as Error);
    }
  }

  /** One keepalive round trip of our own. */
  ping(options: {
    timeoutMs?: number | undefined;
    signal?: AbortSignal | undefined;
  }): Promise<void> {
    if (this.#over !== undefined) throw this.lost('ping');
    const timeoutMs = options.timeoutMs ?? this.#options.callTimeoutMs;
    return this.keepalive.ping(checkedTimeout(timeoutMs), options.signal);
  }

  /** Ends the connection from this side; what is under way is told so. Harmless twice. */
  async close(farewell?: Procedure<undefined, void>): Promise<void> {
    if (this.#over === undefined) {
      // Said past the slots: they may all be held by calls that hang.
      if (farewell !== undefined) {
        const serial = this.#takeSerial();
        this.#transport?.write(encodeCall(this.#writer, farewell, serial, undefined));
      }
      this.#finish(undefined, 'end');
    }
    if (this.#transport === undefined) return;
    const timer = setTimeout(() => {
      this.#transport?.destroy();
    }, closeTimeoutMs);
    await this.#transportEnded.promise;
    clearTimeout(timer);
  }

  /** Ends the connection at once, without a word to the daemon. */
  destroy(error: Error | undefined): void {
    this.#finish(error);
  }

  #mayCall(procedure: string): void {
    if (this.#over !== undefined) throw this.lost(procedure);
    const { maxQueuedCalls } = this.#options;
    if (this.#slots.waiting >= maxQueuedCalls) {
      const message = `${maxQueuedCalls} calls already wait for a slot`;
      throw new CallRefusedError(procedure, 'queue-full', message);
    }
  }

  #takeSerial(): number {
    do {
      this.#nextSerial = (this.#nextSerial + 1) >>> 0;
    } while (this.#inFlight.some(({ serial }) => serial === this.#nextSerial));
    return this.#nextSerial;
  }

  #sendWaiting(): void {
    for (let call = this.#slots.take(); call !== undefined; call = this.#slots.take()) {
      this.#inFlight.push(call);
      call.sentAtMs = performance.now();
      this.#transport?.write(call.frame);
    }
  }

  readonly #abort = (call: PendingCall, reason: unknown): void => {
    this.#abandon(call, 'aborted', reason);
  };

  #abandon(call: PendingCall, outcome: 'deadline' | 'aborted', error: unknown): void {
    call.abandoned = true;
    if (call.sentAtMs === undefined) {
      this.#slots.withdraw(call);
      call.answered(undefined);
    }
    this.#options.onCall?.(call.bill(outcome));
    call.reject(error);
  }

  #bytes(buffer: Buffer, length: number): void {
    if (this.#over !== undefined) return;
    this.keepalive.received();
    try {
      this.#frames.push(buffer, length, this.#frame);
    } catch (error) {
      // C4. Anything else than a protocol error is our own fault, and no less fatal here.
      this.#finish(
        error instanceof Error ? error : new ProtocolError('unreadable', { cause: error }),
      );
    }
  }

  readonly #frame = (bytes: Buffer, start: number, end: number): void => {
    if (this.#over !== undefined) return;
    const program = bytes.readUInt32BE(start + 4);
    const version = bytes.readUInt32BE(start + 8);
    const procedure = bytes.readInt32BE(start + 12);
    const type = bytes.readUInt32BE(start + 16);
    if (version !== protocolVersion) {
      throw new ProtocolError(`a frame of program version ${version}, not ${protocolVersion}`);
    }
    const reader = this.#reader;
    reader.reset(bytes, start + payloadOffset, end);
    // C2
    if (type === typeReply) {
      this.#reply(
        program,
        procedure,
        bytes.readUInt32BE(start + 20),
        bytes.readUInt32BE(start + 24),
      );
    } else if (type !== typeMessage) {
      throw new ProtocolError(`a frame of type ${type}, which this client never asks for`);
    } else if (program !== keepaliveProgram) {
      this.events.message({ program, procedure }, reader);
    } else if (procedure === pingProcedure) {
      this.#transport?.write(pongFrame); // C3
    } else if (procedure === pongProcedure) {
      this.keepalive.pong();
    }
  };

  #reply(program: number, procedure: number, serial: number, status: number): void {
    const place = this.#inFlight.findIndex((one) => one.serial === serial);
    const call = this.#inFlight[place];
    if (call?.procedure.number !== procedure || call.procedure.program !== program) {
      throw new ProtocolError(`a reply to procedure ${procedure}, serial ${serial}: not asked`);
    }
    this.#inFlight.splice(place, 1);
    this.#slots.release(call);
    const reader = this.#reader;
    let result: unknown;
    let failure: LibvirtError | ProtocolError | undefined;
    try {
      if (status === statusOk) result = call.procedure.decode(reader);
      else failure = refusalOf(call, status, reader);
    } catch (error) {
      failure = unreadable(call, error);
    }
    try {
      // It may read events that came before this reply, and they may be as broken.
      call.answered(result);
    } catch (error) {
      failure = unreadable(call, error);
    }
    if (failure === undefined) this.#settle(call, 'ok', result);
    else this.#settle(call, 'error', failure);
    if (failure instanceof ProtocolError) throw failure;
    this.#sendWaiting();
  }

  /** Tells the caller, unless it has given up. */
  #settle(call: PendingCall, outcome: 'ok' | 'error' | 'lost', what: unknown): void {
    if (call.abandoned) return;
    this.#options.onCall?.(call.bill(outcome));
    if (outcome === 'ok') call.resolve(what);
    else call.reject(what);
  }

  #ended(cause: Error | undefined): void {
    const where = this.#frames.pendingBytes > 0 ? 'in the middle of a frame' : 'between frames';
    this.#finish(
      new ConnectionLostError(
        cause === undefined
          ? `libvirtd hung up ${where}`
          : `the connection broke: ${cause.message}`,
        { cause },
      ),
    );
    this.#transportEnded.resolve();
  }

  #finish(error: Error | undefined, how: 'destroy' | 'end' = 'destroy'): void {
    if (this.#over !== undefined) return;
    this.#over = { error };
    this.keepalive.stop(this.lost('ping'));
    this.#deadlines.stop();
    for (const call of [...this.#inFlight.splice(0), ...this.#slots.withdrawAll()]) {
      call.answered(undefined);
      this.#settle(call, 'lost', this.lost(call.procedure.name));
    }
    for (const listener of this.#onEnd) listener(error === undefined ? undefined : this.lost());
    this.#onEnd.clear();
    if (how === 'end') this.#transport?.end();
    else this.#transport?.destroy();
    this.#closed.resolve(error);
  }
}

function refusalOf(call: PendingCall, status: number, reader: XdrReader): LibvirtError {
  if (status !== statusError) throw new ProtocolError(`status ${status}`);
  return new LibvirtError(call.procedure.name, readRemoteError(reader));
}

function unreadable(call: PendingCall, cause: unknown): ProtocolError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ProtocolError(`the reply to ${call.procedure.name} cannot be read: ${why}`, { cause });
}

function encodeCall<Args>(
  writer: XdrWriter,
  procedure: Procedure<Args, unknown>,
  serial: number,
  args: Args,
): Buffer {
  writer.reset();
  writer.uint(0); // the length, known last
  writer.uint(procedure.program);
  writer.uint(protocolVersion);
  writer.int(procedure.number);
  writer.uint(typeCall);
  writer.uint(serial);
  writer.uint(statusOk);
  procedure.encode(writer, args);
  writer.patchUint(0, writer.length);
  return writer.take();
}

function keepaliveFrame(procedure: number): Buffer {
  const writer = new XdrWriter(payloadOffset);
  for (const word of [
    payloadOffset,
    keepaliveProgram,
    protocolVersion,
    procedure,
    typeMessage,
    0,
    0,
  ]) {
    writer.uint(word);
  }
  return writer.take();
}
