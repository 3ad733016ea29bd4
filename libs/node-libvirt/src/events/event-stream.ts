/** A stream of events of some kinds. */
import { VIR_ERR_INTERNAL_ERROR, VIR_ERR_NO_SUPPORT } from '../constants/error-codes.ts';
import { VIR_FROM_RPC } from '../constants/error-domains.ts';
import { LibvirtError } from '../errors.ts';
import type { Connection } from '../rpc/connection.ts';
import type { Deadline } from '../rpc/deadline.ts';
import type { DomainEvent, DomainEventKind } from './domain-event.ts';
import { EventQueue } from './event-queue.ts';
import type { ObjectEvent, ObjectEventKind } from './object-event.ts';
import type { EventSource, Registrations, Seat } from './registrations.ts';

/**
 * Events in the order in which the daemon sent them, from the moment of registration on. Nothing is
 * replayed: list after subscribing, then apply what is buffered.
 *
 * Iterating ends by throwing `EventGapError` after the buffered events when more than `capacity`
 * waited (subscribe anew and list anew), and by throwing `ConnectionLostError` after them when the
 * session is lost. It ends quietly when the stream is disposed or the session closed by us.
 * One reader at a time.
 */
export interface EventStream<Event, Kind> extends AsyncIterable<Event>, AsyncDisposable {
  /** Events taken in so far, delivered or still buffered: a barrier for "all until now". */
  readonly received: number;
  /** Events that may wait for the reader. */
  readonly capacity: number;
  /** Kinds that were asked for and that this daemon does not know, or its driver does not send. */
  readonly missingKinds: readonly Kind[];
}

/** See `EventStream`. */
export type DomainEventStream = EventStream<DomainEvent, DomainEventKind>;
/** See `EventStream`. */
export type ObjectEventStream = EventStream<ObjectEvent, ObjectEventKind>;

export type EventStreamRequest<Event, Kind> = {
  kinds: readonly Kind[];
  sourceOf(kind: Kind): EventSource<Event>;
  capacity: number;
  deadline: Deadline;
};

/** Registers for the kinds and resolves with the stream when nothing can be missed any more. */
export async function openEventStream<Event, Kind>(
  connection: Connection,
  registrations: Registrations,
  request: EventStreamRequest<Event, Kind>,
): Promise<EventStream<Event, Kind>> {
  const { capacity, deadline } = request;
  const queue = new EventQueue<Event>(capacity);
  const kinds = [...new Set(request.kinds)];
  const joins = await Promise.allSettled(
    kinds.map((kind) => registrations.join(request.sourceOf(kind), queue, deadline)),
  );
  const seats: Seat[] = [];
  const missingKinds: Kind[] = [];
  let failure: PromiseRejectedResult | undefined;
  for (const [i, join] of joins.entries()) {
    if (join.status === 'fulfilled') seats.push(join.value);
    else if (isUnknownEvent(join.reason)) missingKinds.push(kinds[i] as Kind);
    else failure ??= join;
  }
  const leave = async (): Promise<void> => {
    await Promise.all(seats.map((seat) => seat.leave()));
  };
  if (failure !== undefined) {
    await leave();
    throw failure.reason;
  }
  const ending = connection.onEnd((error) => {
    queue.end(error);
  });
  return {
    get received() {
      return queue.received;
    },
    capacity,
    missingKinds,
    [Symbol.asyncIterator]: () => queue,
    [Symbol.asyncDispose]: async () => {
      ending.cancel();
      queue.end(undefined);
      await leave();
    },
  };
}

/** The daemon does not know the event (its RPC layer says so), or its driver sends none. */
function isUnknownEvent(error: unknown): boolean {
  if (!(error instanceof LibvirtError)) return false;
  const unknown = error.code === VIR_ERR_INTERNAL_ERROR && error.domain === VIR_FROM_RPC;
  return unknown || error.code === VIR_ERR_NO_SUPPORT;
}
