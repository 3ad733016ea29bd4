/**
 * What this session is registered for in the daemon. A daemon takes one registration of a kind for
 * each connection and refuses the second, so several streams of a kind share one: the first
 * registers, the last deregisters.
 *
 * G1  An event that the daemon sends after it registered us reaches the stream, also if it arrives
 *     before the reply (see `EventRouter`).
 * G2  A registration whose caller gave up is taken back when its late reply names its id.
 * G3  After the last stream left, a new one waits until the deregistration is answered: before, the
 *     daemon would refuse it.
 */
import { EventGapError, ProtocolError } from '../errors.ts';
import type { Procedure } from '../procedures/procedure.ts';
import type { XdrReader } from '../protocol/xdr-reader.ts';
import { type Deadline, within } from '../rpc/deadline.ts';
import type { Connection } from '../rpc/connection.ts';
import type { EventAddress } from '../rpc/event-router.ts';
import type { EventQueue } from './event-queue.ts';

/** One kind of event that can be registered for. */
export type EventSource<Event> = {
  /** Unique in a session. */
  key: string;
  eventId: number;
  address: EventAddress;
  register: Procedure<number, number>;
  deregister: Procedure<number, void>;
  /** Reads the payload after the callback id. */
  decode: (reader: XdrReader) => Event;
};

type Registration = {
  queues: Set<EventQueue<unknown>>;
  callbackId: number | undefined;
  /** Resolves with the registration's reply. */
  ready: Promise<unknown>;
  /** Set once nobody is left: resolves when the daemon has forgotten it. */
  leaving: Promise<unknown> | undefined;
};

/** A seat at a registration. */
export type Seat = { leave(): Promise<void> };

export class Registrations {
  readonly #connection: Connection;
  readonly #byKey = new Map<string, Registration>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Registers `queue` for a kind of event. Resolves when nothing can be missed any more.
   *
   * @throws {LibvirtError} code 1: the daemon does not know this event
   */
  async join<Event>(
    source: EventSource<Event>,
    queue: EventQueue<Event>,
    options: Deadline,
  ): Promise<Seat> {
    const name = source.register.name;
    let registration = this.#byKey.get(source.key);
    while (registration?.leaving !== undefined) {
      await within(registration.leaving, name, options); // G3
      registration = this.#byKey.get(source.key);
    }
    registration ??= this.#register(source);
    const joined = registration;
    joined.queues.add(queue as EventQueue<unknown>);
    const leave = (): Promise<void> => {
      joined.queues.delete(queue as EventQueue<unknown>);
      return this.#leave(source, joined);
    };
    try {
      await within(joined.ready, name, options);
    } catch (error) {
      void leave();
      throw error;
    }
    return { leave };
  }

  /** Registers with the daemon, on behalf of whoever is in `queues` by then. */
  #register<Event>(source: EventSource<Event>): Registration {
    const { address } = source;
    const { events } = this.#connection;
    const queues: Registration['queues'] = new Set();
    const answered = Promise.withResolvers<void>();
    const onAnswer = (callbackId: number | undefined, abandoned: boolean): void => {
      answered.resolve();
      registration.callbackId = callbackId;
      if (callbackId === undefined) {
        events.registered(address);
        this.#forget(source.key, registration);
      } else if (abandoned || queues.size === 0) {
        events.registered(address);
        registration.leaving = this.#deregister(source, registration, callbackId); // G2
      } else {
        // G1: this runs on the reader, before the next frame.
        events.registered(address, callbackId, {
          message: (reader) => {
            const event = decodeEvent(source, reader);
            for (const queue of queues) queue.push(event);
          },
          gap: () => {
            for (const queue of queues) queue.end(new EventGapError(queue.capacity));
          },
        });
      }
    };
    const registration: Registration = {
      queues,
      callbackId: undefined,
      ready: Promise.resolve(),
      leaving: undefined,
    };
    this.#byKey.set(source.key, registration);
    events.expect(address);
    const options = { reason: 'events' };
    const call = this.#connection.call(source.register, source.eventId, options, onAnswer);
    registration.ready = call.catch((error: unknown) => {
      // Given up at the session's deadline: the daemon may register us yet, and only its answer
      // or the session's end settles that.
      if (this.#byKey.get(source.key) === registration) registration.leaving ??= answered.promise;
      throw error;
    });
    return registration;
  }

  async #leave<Event>(source: EventSource<Event>, registration: Registration): Promise<void> {
    const { callbackId } = registration;
    if (registration.queues.size > 0 || callbackId === undefined) return;
    this.#connection.events.drop(source.address, callbackId);
    registration.leaving ??= this.#deregister(source, registration, callbackId);
    await registration.leaving;
  }

  async #deregister<Event>(
    source: EventSource<Event>,
    registration: Registration,
    callbackId: number,
  ): Promise<void> {
    try {
      await this.#connection.call(source.deregister, callbackId, { reason: 'events' });
    } catch {
      // A lost session has no registrations, and events of a dropped id are ignored in any case.
    } finally {
      this.#forget(source.key, registration);
    }
  }

  #forget(key: string, registration: Registration): void {
    if (this.#byKey.get(key) === registration) this.#byKey.delete(key);
  }
}

function decodeEvent<Event>(source: EventSource<Event>, reader: XdrReader): Event {
  try {
    return source.decode(reader);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ProtocolError(`the event ${source.key} cannot be read: ${why}`, { cause });
  }
}
