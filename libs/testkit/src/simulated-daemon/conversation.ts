/**
 * One client's connection, without the socket: bytes in, frames out, time as an argument. A socket is
 * one way to drive it, a simulated network another.
 *
 * V1  At most `maxClientRequests` calls are read and not yet answered; beyond, nothing is read, PINGs
 *     included. A call is answered when its reply has been written.
 * V2  Nothing but authentication and the announcement of keepalive is answered before OPEN; a second
 *     OPEN fails and takes the first with it.
 * V3  A client that asked for feature 10 is pinged after each interval of silence, and hung up on
 *     after `count` PINGs and one interval more.
 */
import {
  type FrameHeader,
  bareFrame,
  headerBytes,
  keepaliveProgram,
  pingProcedure,
  pongProcedure,
  protocolVersion,
  qemuProgram,
  readHeader,
  remoteProgram,
  statusOk,
  typeCall,
  typeMessage,
  typeReply,
} from '../libvirt-wire/frame.ts';
import { FrameSplitter } from '../libvirt-wire/frame-splitter.ts';
import { procedureName, procedures } from '../libvirt-wire/procedures.ts';
import { DecodeError, WireReader } from '../libvirt-wire/wire-reader.ts';
import { EncodeError, WireWriter } from '../libvirt-wire/wire-writer.ts';
import { type AnswerContext, answers, driverUri } from './answers.ts';
import { type HostEvent, domainEventIds, eventIdOf, messageOf, writeEvent } from './host-event.ts';
import {
  Refusal,
  alreadyOpen,
  alreadyTracked,
  forbidden,
  libvirtFunction,
  noDriver,
  noSuchCallback,
  notOpen,
  openWithoutName,
  refusalFrame,
  undecodable,
  unencodable,
  unexpectedStatus,
  unknownEvent,
  unknownProcedure,
  unknownProgram,
  unsupported,
} from './refusal.ts';
import type { SimulatedHost } from './state.ts';
import { writingProcedures } from './writing-procedures.ts';

export type ConversationOptions = {
  host: SimulatedHost;
  /** The socket forces it. */
  readOnly: boolean;
  kvmCounters: boolean;
  maxClientRequests: number;
  /** Its driver sends no events of domains. */
  withoutDomainEvents: boolean;
  keepalive: { intervalMs: number; count: number };
  nowMs: number;
  /** Writes a frame; `written` runs when it is out. */
  send: (frame: Buffer, written?: (nowMs: number) => void) => void;
  /** Ends the connection after what was sent. */
  end: () => void;
  /** Ends the connection at once. */
  destroy: () => void;
  /** Tells all clients of the host. */
  tell: (events: readonly HostEvent[]) => void;
  /** Lets a call be answered, now or later. */
  admit: (call: AdmittedCall) => void;
};

/** A call on its way to its answer. */
export type AdmittedCall = {
  /** The protocol's name in camel case: `connectGetAllDomainStats`. */
  readonly procedure: string;
  /** Runs the call and sends its reply. The time is the domains', which may be a simulated one. */
  answer: (domainsNowMs: number) => void;
};

/** The last procedure of libvirt 9.0.0; what comes after is unknown to it. */
const lastProcedure = 443;

/** `VIR_DRV_FEATURE_*` that the QEMU driver of libvirt 9.0 has, less fd passing (8): sockets of Node
 * cannot pass file descriptors. */
const features: ReadonlySet<number> = new Set([3, 4, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16]);
const featureKeepalive = 10;

const ping = keepaliveFrame(pingProcedure);
const pong = keepaliveFrame(pongProcedure);

/** Procedures of other objects' events: they register, and never bring one. */
const otherRegistrations: ReadonlySet<number> = new Set([
  procedures.connectNetworkEventRegisterAny,
  procedures.connectStoragePoolEventRegisterAny,
  procedures.connectNodeDeviceEventRegisterAny,
  procedures.connectSecretEventRegisterAny,
]);
const otherDeregistrations: ReadonlySet<number> = new Set([
  procedures.connectNetworkEventDeregisterAny,
  procedures.connectStoragePoolEventDeregisterAny,
  procedures.connectNodeDeviceEventDeregisterAny,
  procedures.connectSecretEventDeregisterAny,
]);

type Registration = { eventId: number; uuid: string | undefined };

export class Conversation {
  readonly #options: ConversationOptions;
  readonly #frames = new FrameSplitter();
  readonly #registrations = new Map<number, Registration>();
  #state: 'new' | 'open' | 'leaving' | 'over' = 'new';
  #readOnly: boolean;
  #unanswered = 0;
  #announcedKeepalive = false;
  #lastFrameMs: number;
  #pingsSent = 0;

  constructor(options: ConversationOptions) {
    this.#options = options;
    this.#readOnly = options.readOnly;
    this.#lastFrameMs = options.nowMs;
  }

  /** False while as many calls as allowed wait for their answers: read no more then (V1). */
  get readsOn(): boolean {
    return this.#unanswered < this.#options.maxClientRequests;
  }

  /** Bytes have come. */
  receive(chunk: Buffer, nowMs: number): void {
    this.#frames.push(chunk);
    this.#readFrames(nowMs);
  }

  /** Something happened on the host: who registered for it hears of it. */
  deliver(event: HostEvent): void {
    const eventId = eventIdOf(event);
    for (const [callbackId, registration] of this.#registrations) {
      if (registration.eventId !== eventId) continue;
      if (registration.uuid !== undefined && registration.uuid !== event.domain.uuid) continue;
      const writer = new WireWriter({
        program: remoteProgram,
        procedure: messageOf(event),
        type: typeMessage,
        serial: 1,
        status: statusOk,
      });
      writer.int(callbackId);
      writeEvent(writer, event);
      this.#options.send(writer.frame());
    }
  }

  /** Time has passed: looks whether the client is still there (V3). */
  watch(nowMs: number): void {
    if (!this.#announcedKeepalive || this.#state === 'over') return;
    const { intervalMs, count } = this.#options.keepalive;
    if (nowMs - this.#lastFrameMs < intervalMs * (this.#pingsSent + 1)) return;
    if (this.#pingsSent >= count) {
      this.closed();
      this.#options.destroy();
      return;
    }
    this.#pingsSent += 1;
    this.#options.send(ping);
  }

  /** The client is gone: what was registered is forgotten. */
  closed(): void {
    this.#state = 'over';
    this.#registrations.clear();
  }

  #readFrames(nowMs: number): void {
    while (this.#state !== 'over' && this.readsOn) {
      let frame: Buffer | undefined;
      try {
        frame = this.#frames.next();
      } catch {
        // A length that no frame has: the real one hangs up without a word, too.
        this.closed();
        this.#options.destroy();
        return;
      }
      if (frame === undefined) return;
      this.#lastFrameMs = nowMs;
      this.#pingsSent = 0;
      this.#frame(frame);
    }
  }

  #frame(frame: Buffer): void {
    const header = readHeader(frame);
    if (header.program === keepaliveProgram) {
      const { version, type, procedure } = header;
      const isPing = version === protocolVersion && type === typeMessage;
      if (isPing && procedure === pingProcedure) this.#options.send(pong);
      return;
    }
    if (header.type !== typeCall) return; // dropped in silence, as the real one does
    this.#unanswered += 1;
    this.#options.admit({
      procedure: procedureName(header.program, header.procedure),
      answer: (domainsNowMs) => {
        if (this.#state === 'over') return;
        const reply = this.#answer(header, frame, domainsNowMs);
        this.#options.send(reply, (nowMs) => {
          this.#unanswered -= 1; // V1
          this.#readFrames(nowMs);
        });
        if (this.#state !== 'leaving') return;
        this.closed();
        this.#options.end();
      },
    });
  }

  #answer(header: FrameHeader, frame: Buffer, nowMs: number): Buffer {
    try {
      const reply = new WireWriter({ ...header, type: typeReply, status: statusOk });
      this.#run(header, new WireReader(frame, headerBytes), reply, nowMs);
      return reply.frame();
    } catch (error) {
      if (error instanceof Refusal) return refusalFrame(header, error);
      if (error instanceof DecodeError) return refusalFrame(header, undecodable());
      if (error instanceof EncodeError) return refusalFrame(header, unencodable());
      throw error;
    }
  }

  #run(header: FrameHeader, args: WireReader, reply: WireWriter, nowMs: number): void {
    const { program, version, procedure } = header;
    const known = program === remoteProgram || program === qemuProgram;
    if (!known || version !== protocolVersion) throw unknownProgram(program, version);
    if (header.status !== statusOk) throw unexpectedStatus(header.status);
    const name = procedureName(program, procedure);
    if (program === qemuProgram) throw unsupported(libvirtFunction(name));
    if (procedure < 1 || procedure > lastProcedure) throw unknownProcedure(procedure);
    if (this.#bringUp(procedure, args, reply)) return;
    if (this.#state !== 'open') throw notOpen(); // V2
    if (this.#readOnly && writingProcedures.has(procedure)) {
      throw forbidden(`read only access prevents ${libvirtFunction(name)}`);
    }
    if (this.#registration(procedure, args, reply)) return;
    const answer = answers.get(procedure);
    if (answer === undefined) throw unsupported(libvirtFunction(name));
    answer(this.#context(nowMs), args, reply);
  }

  #context(nowMs: number): AnswerContext {
    const { host, kvmCounters, tell } = this.#options;
    return { host, kvmCounters, readOnly: this.#readOnly, nowMs, tell };
  }

  /** What opens and closes a connection; false when it is something else. */
  #bringUp(procedure: number, args: WireReader, reply: WireWriter): boolean {
    switch (procedure) {
      case procedures.authList:
        reply.uint(1);
        reply.int(0); // none
        return true;
      case procedures.connectOpen:
        this.#open(args.optionalString(), args.uint());
        return true;
      case procedures.connectClose:
        this.#state = 'leaving';
        return true;
      case procedures.connectSupportsFeature: {
        const feature = args.int();
        if (feature === featureKeepalive) this.#announcedKeepalive = true;
        else if (this.#state !== 'open') throw notOpen();
        reply.bool(features.has(feature));
        return true;
      }
      case procedures.connectRegisterCloseCallback:
      case procedures.connectUnregisterCloseCallback:
        if (this.#state !== 'open') throw notOpen();
        return true;
      default:
        return false;
    }
  }

  #open(name: string | undefined, flags: number): void {
    if (this.#state === 'open') {
      this.#state = 'new'; // V2
      this.#registrations.clear();
      throw alreadyOpen();
    }
    if (name === undefined) throw openWithoutName();
    if (name !== '' && name !== driverUri) throw noDriver(name);
    this.#readOnly = this.#options.readOnly || (flags & 1) !== 0;
    this.#state = 'open';
  }

  /** Registering for events; false when it is something else. */
  #registration(procedure: number, args: WireReader, reply: WireWriter): boolean {
    if (procedure === procedures.connectDomainEventCallbackRegisterAny) {
      if (this.#options.withoutDomainEvents) {
        throw unsupported('virConnectDomainEventRegisterAny');
      }
      const eventId = args.int();
      const uuid = args.optional(() => args.domain())?.uuid;
      if (eventId < 0 || eventId >= domainEventIds) throw unknownEvent(eventId);
      for (const other of this.#registrations.values()) {
        if (other.eventId === eventId && other.uuid === uuid) throw alreadyTracked();
      }
      const callbackId = this.#options.host.takeCallbackId();
      this.#registrations.set(callbackId, { eventId, uuid });
      reply.int(callbackId);
      return true;
    }
    if (procedure === procedures.connectDomainEventCallbackDeregisterAny) {
      const callbackId = args.int();
      if (!this.#registrations.delete(callbackId)) throw noSuchCallback(callbackId);
      return true;
    }
    if (otherRegistrations.has(procedure)) {
      reply.int(0);
      return true;
    }
    return otherDeregistrations.has(procedure);
  }
}

function keepaliveFrame(procedure: number): Buffer {
  return bareFrame({
    program: keepaliveProgram,
    procedure,
    type: typeMessage,
    serial: 0,
    status: statusOk,
  });
}
