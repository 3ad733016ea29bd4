import {
  type FrameHeader,
  keepaliveProgram,
  pingProcedure,
  statusError,
  typeCall,
  typeMessage,
  typeReply,
} from '../libvirt-wire/frame.ts';
import { procedureName } from '../libvirt-wire/procedures.ts';

/** Number of frames by procedure name: `{ domainGetState: 3 }`. What was not seen is absent. */
export type Tally = Record<string, number>;

export type Direction = 'fromClient' | 'fromDaemon';

/**
 * What went over the wire, counted when a frame's header passed. Names are the protocol's own in
 * camel case; see `procedureName`.
 */
export type Bill = {
  /** From the client. */
  calls: Tally;
  /** From the daemon, refusals included. */
  replies: Tally;
  /** Of the replies, those that refuse. */
  refusals: Tally;
  /** From the daemon. */
  events: Tally;
  pings: Record<Direction, number>;
  pongs: Record<Direction, number>;
  /** Every other frame: streams, and what nobody should send. */
  others: Record<Direction, number>;
  bytes: Record<Direction, number>;
  /**
   * True when bytes went by that are no frames: from there on only bytes are counted in that
   * direction, and the bill is no proof that something was not called.
   */
  unreadable: boolean;
};

export function emptyBill(): Bill {
  const none = (): Record<Direction, number> => ({ fromClient: 0, fromDaemon: 0 });
  return {
    calls: {},
    replies: {},
    refusals: {},
    events: {},
    pings: none(),
    pongs: none(),
    others: none(),
    bytes: none(),
    unreadable: false,
  };
}

/** Counts one frame. */
export function billFrame(bill: Bill, direction: Direction, header: FrameHeader): void {
  const { program, procedure, type } = header;
  if (program === keepaliveProgram && type === typeMessage) {
    (procedure === pingProcedure ? bill.pings : bill.pongs)[direction] += 1;
    return;
  }
  const name = procedureName(program, procedure);
  if (type === typeCall && direction === 'fromClient') {
    count(bill.calls, name);
  } else if (type === typeReply && direction === 'fromDaemon') {
    count(bill.replies, name);
    if (header.status === statusError) count(bill.refusals, name);
  } else if (type === typeMessage && direction === 'fromDaemon') {
    count(bill.events, name);
  } else {
    bill.others[direction] += 1;
  }
}

/** The sum of all numbers of a tally. */
export function sumOf(tally: Tally): number {
  return Object.values(tally).reduce((sum, one) => sum + one, 0);
}

function count(tally: Tally, name: string): void {
  tally[name] = (tally[name] ?? 0) + 1;
}
