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
import { EventRouter } from './event-router.ts';
import { Keepalive } from './keepalive.ts';

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

type PendingCall = {
  readonly serial: number;
  readonly priority: 'high' | 'low';
  readonly procedure: Procedure<never, unknown>;
  readonly frame: Buffer;
  readonly reason: string;
  readonly queuedAtMs: number;
  /** `performance.now()` when the frame went out; `undefined` while it waits for a slot. */
  sentAtMs: number | undefined;
  /** The caller gave up; only the slot is still held. */
  abandoned: boolean;
  resolve(result: unknown): void;
  reject(error: unknown): void;
  /** Frees timer and signal. */
  release(): void;
  readonly onAnswer: AnswerHook<unknown> | undefined;
};

/**
 * Runs once for each call, while its answer is being read and before the next frame; also for an
 * answer that comes after the caller gave up, and without a result for one that failed or will
 * never come.
 */
export type AnswerHook<Result> = (result: Result | undefined, abandoned: boolean) => void;

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
  /** By serial: sent and not yet answered, abandoned ones included. */
  readonly #inFlight = new Map<number, PendingCall>();
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
    const { signal, timeoutMs = this.#options.callTimeoutMs } = options;
    return new Promise<Result>((resolve, reject) => {
      try {
        signal?.throwIfAborted();
        this.#mayCall(procedure.name);
        const serial = this.#takeSerial();
        const frame = encodeCall(this.#writer, procedure, serial, args);
        const timer = setTimeout(() => {
          const sent = call.sentAtMs !== undefined;
          const error = new DeadlineExceededError(procedure.name, timeoutMs, sent);
          this.#abandon(call, 'deadline', error);
        }, checkedTimeout(timeoutMs));
        const onAbort = (): void => {
          this.#abandon(call, 'aborted', signal?.reason);
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        const call: PendingCall = {
          serial,
          priority: procedure.priority,
          procedure: procedure as Procedure<never, unknown>,
          frame,
          reason: options.reason ?? 'unspecified',
          queuedAtMs: performance.now(),
          sentAtMs: undefined,
          abandoned: false,
          resolve: resolve as (result: unknown) => void,
          reject,
          release: () => {
            clearTimeout(timer);
            signal?.removeEventListener('abort', onAbort);
          },
          onAnswer: onAnswer as AnswerHook<unknown> | undefined,
        };
        this.#slots.enqueue(call);
        this.#sendWaiting();
      } catch (error) {
        onAnswer?.(undefined, false);
        throw error;
      }
    });
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
    } while (this.#inFlight.has(this.#nextSerial));
    return this.#nextSerial;
  }

  #sendWaiting(): void {
    for (let call = this.#slots.take(); call !== undefined; call = this.#slots.take()) {
      this.#inFlight.set(call.serial, call);
      call.sentAtMs = performance.now();
      this.#transport?.write(call.frame);
    }
  }

  #abandon(call: PendingCall, outcome: 'deadline' | 'aborted', error: unknown): void {
    if (call.sentAtMs === undefined) {
      this.#slots.withdraw(call);
      call.onAnswer?.(undefined, true);
    }
    call.abandoned = true;
    call.release();
    this.#bill(call, outcome);
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
    const call = this.#inFlight.get(serial);
    if (call?.procedure.number !== procedure || call.procedure.program !== program) {
      throw new ProtocolError(`a reply to procedure ${procedure}, serial ${serial}: not asked`);
    }
    const name = call.procedure.name;
    let result: unknown;
    let refusal: LibvirtError | undefined;
    try {
      if (status === statusOk) {
        result = call.procedure.decode(this.#reader);
      } else if (status === statusError) {
        refusal = new LibvirtError(name, readRemoteError(this.#reader));
      } else {
        throw new ProtocolError(`status ${status}`);
      }
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const error = new ProtocolError(`the reply to ${name} cannot be read: ${why}`, { cause });
      this.#settled(call);
      call.onAnswer?.(undefined, call.abandoned);
      this.#answer(call, 'error', () => {
        call.reject(error);
      });
      throw error;
    }
    this.#settled(call);
    call.onAnswer?.(refusal === undefined ? result : undefined, call.abandoned);
    if (refusal === undefined) {
      this.#answer(call, 'ok', () => {
        call.resolve(result);
      });
    } else {
      this.#answer(call, 'error', () => {
        call.reject(refusal);
      });
    }
    this.#sendWaiting();
  }

  #settled(call: PendingCall): void {
    this.#inFlight.delete(call.serial);
    this.#slots.release(call);
  }

  #answer(call: PendingCall, outcome: CallBill['outcome'], tell: () => void): void {
    if (call.abandoned) return;
    call.release();
    this.#bill(call, outcome);
    tell();
  }

  #bill(call: PendingCall, outcome: CallBill['outcome']): void {
    const { onCall } = this.#options;
    if (onCall === undefined) return;
    const nowMs = performance.now();
    const sentAtMs = call.sentAtMs ?? nowMs;
    onCall({
      procedure: call.procedure.name,
      reason: call.reason,
      tookMs: nowMs - sentAtMs,
      queuedMs: sentAtMs - call.queuedAtMs,
      sent: call.sentAtMs !== undefined,
      outcome,
    });
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
    for (const call of [...this.#inFlight.values(), ...this.#slots.withdrawAll()]) {
      call.onAnswer?.(undefined, call.abandoned);
      this.#answer(call, 'lost', () => {
        call.reject(this.lost(call.procedure.name));
      });
    }
    this.#inFlight.clear();
    for (const listener of this.#onEnd) listener(error === undefined ? undefined : this.lost());
    this.#onEnd.clear();
    if (how === 'end') this.#transport?.end();
    else this.#transport?.destroy();
    this.#closed.resolve(error);
  }
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
