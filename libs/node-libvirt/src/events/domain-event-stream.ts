/** A stream of domain events. */
import { LibvirtError } from '../errors.ts';
import { VIR_ERR_INTERNAL_ERROR } from '../constants/error-codes.ts';
import { VIR_FROM_RPC } from '../constants/error-domains.ts';
import { remoteProgram } from '../protocol/frame.ts';
import {
  domainEventDeregister,
  domainEventRegister,
} from '../procedures/domain-event-registration.ts';
import type { Connection } from '../rpc/connection.ts';
import type { Deadline } from '../rpc/deadline.ts';
import { type DomainEvent, type DomainEventKind, domainEventTable } from './domain-event.ts';
import { EventQueue } from './event-queue.ts';
import type { EventSource, Registrations, Seat } from './registrations.ts';

/**
 * Domain events in the order in which the daemon sent them, from the moment of registration on.
 * Nothing is replayed: list after subscribing, then apply what is buffered.
 *
 * Iterating ends by throwing `EventGapError` after the buffered events when more than `capacity`
 * waited (subscribe anew and list anew), and by throwing `ConnectionLostError` after them when the
 * session is lost. It ends quietly when the stream is disposed or the session closed by us.
 * One reader at a time.
 */
export interface DomainEventStream extends AsyncIterable<DomainEvent>, AsyncDisposable {
  /** Events taken in so far, delivered or still buffered: a barrier for "all until now". */
  readonly received: number;
  /** Events that may wait for the reader. */
  readonly capacity: number;
  /** Kinds that were asked for and that this daemon does not know. */
  readonly missingKinds: readonly DomainEventKind[];
}

function sourceOf(kind: DomainEventKind): EventSource<DomainEvent> {
  const { id, message, decode } = domainEventTable[kind];
  return {
    key: `domain:${kind}`,
    eventId: id,
    address: { program: remoteProgram, procedure: message },
    register: domainEventRegister,
    deregister: domainEventDeregister,
    decode,
  };
}

/** Registers for the kinds and resolves with the stream when nothing can be missed any more. */
export async function openDomainEventStream(
  connection: Connection,
  registrations: Registrations,
  kinds: readonly DomainEventKind[],
  capacity: number,
  deadline: Deadline,
): Promise<DomainEventStream> {
  const queue = new EventQueue<DomainEvent>(capacity);
  const wanted = [...new Set(kinds)];
  const joins = await Promise.allSettled(
    wanted.map((kind) => registrations.join(sourceOf(kind), queue, deadline)),
  );
  const seats: Seat[] = [];
  const missingKinds: DomainEventKind[] = [];
  let failure: PromiseRejectedResult | undefined;
  for (const [i, join] of joins.entries()) {
    const kind = wanted[i] as DomainEventKind;
    if (join.status === 'fulfilled') seats.push(join.value);
    else if (isUnknownEvent(join.reason)) missingKinds.push(kind);
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

/** How the daemon says that it does not know an event: it comes from its RPC layer. */
function isUnknownEvent(error: unknown): boolean {
  return (
    error instanceof LibvirtError &&
    error.code === VIR_ERR_INTERNAL_ERROR &&
    error.domain === VIR_FROM_RPC
  );
}
