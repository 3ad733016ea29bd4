import { AckPolicy, DeliverPolicy, ReplayPolicy, type JetStreamManager } from '@nats-io/jetstream';
import { nanos, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/nats-core';
import type { Clock } from '../clock.ts';
import { inboxOf } from './inbox.ts';

/** The server says at least this often that it has nothing to send. */
export const idleHeartbeatMs = 1_000;

/** A message of a stream, as a consumer got it. */
export type Delivery = {
  seq: number;
  subject: string;
  data: Uint8Array;
  headers: MsgHdrs | undefined;
  /** When the broker took it, by the broker's clock. */
  brokerMs: number;
};

export type PushHandlers = {
  delivery(delivery: Delivery): void;
  /** The server has nothing to send, and everything that it sent was here. */
  idle(): void;
  /** Messages are missing: nothing more will be told. */
  broken(reason: string): void;
};

export type PushConsumer = Disposable & {
  /** The broker's clock when it made the consumer. */
  readonly brokerMs: number;
  /** Our monotonic clock when the server was last heard. */
  readonly heardMs: number;
};

/**
 * An ephemeral push consumer that notices every loss by the server's own numbering. Handlers run
 * as messages come, without a queue of ours; the server's flow control waits for them.
 *
 * Why not the client's ordered consumer: it heals by itself, and so it cannot say whether all that
 * the stream held has been delivered, which is what readiness and absence are decided by.
 *
 * @param from the first stream sequence wanted, or the last message of each subject
 */
export async function openPushConsumer(
  nc: NatsConnection,
  jsm: JetStreamManager,
  {
    stream,
    filter,
    from,
    clock,
  }: { stream: string; filter: string; from: 'last-per-subject' | number; clock: Clock },
  handlers: PushHandlers,
): Promise<PushConsumer> {
  const inbox = inboxOf(nc);
  let received = 0;
  let heardMs = clock.monotonicMs();
  let over = false;
  const breakOff = (reason: string): void => {
    if (over) return;
    over = true;
    handlers.broken(reason);
  };
  const take = (error: Error | null, message: Msg): void => {
    if (over) return;
    if (error !== null) {
      breakOff(error.message);
      return;
    }
    heardMs = clock.monotonicMs();
    if (message.subject === inbox) {
      takeStatus(message);
      return;
    }
    const at = parseAckSubject(message.reply ?? '');
    if (at === undefined) breakOff(`a message without a place in the stream: ${message.reply}`);
    else if (at.consumerSeq !== received + 1) breakOff('a message of the stream went missing');
    else {
      received = at.consumerSeq;
      const { subject, data, headers } = message;
      handlers.delivery({ seq: at.seq, subject, data, headers, brokerMs: at.brokerMs });
    }
  };
  const takeStatus = (message: Msg): void => {
    const { headers } = message;
    if (headers?.code !== 100) {
      breakOff(`the server says: ${headers?.code} ${headers?.description}`);
      return;
    }
    if (message.reply !== undefined && message.reply !== '') {
      message.respond(); // flow control: go on
      return;
    }
    const stalled = headers.get('Nats-Consumer-Stalled');
    if (stalled !== '') {
      nc.publish(stalled);
      return;
    }
    const last = headers.get('Nats-Last-Consumer');
    if (last === '') return;
    if (Number(last) === received) handlers.idle();
    else breakOff(`the server sent ${last} messages, ${received} came`);
  };

  const subscription = nc.subscribe(inbox, { callback: take });
  try {
    const info = await jsm.consumers.add(stream, {
      deliver_subject: inbox,
      filter_subject: filter,
      ack_policy: AckPolicy.None,
      replay_policy: ReplayPolicy.Instant,
      flow_control: true,
      idle_heartbeat: nanos(idleHeartbeatMs),
      mem_storage: true,
      num_replicas: 1,
      ...(from === 'last-per-subject'
        ? { deliver_policy: DeliverPolicy.LastPerSubject }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from }),
    });
    return {
      brokerMs: Date.parse(info.created),
      get heardMs() {
        return heardMs;
      },
      [Symbol.dispose]() {
        over = true;
        subscription.unsubscribe();
        // Not waited for: where the connection broke no answer comes, and the server removes the
        // consumer by itself a few seconds after its subscriber is gone.
        void jsm.consumers.delete(stream, info.name).catch(() => undefined);
      },
    };
  } catch (error) {
    over = true;
    subscription.unsubscribe();
    throw error;
  }
}

/**
 * A delivery's place, from its reply subject: `$JS.ACK.<stream>.<consumer>.<times>.<stream seq>.
 * <consumer seq>.<nanoseconds>.<pending>`, with `<domain>.<account>` before the stream and one more
 * token at the end from newer servers.
 */
function parseAckSubject(
  reply: string,
): { seq: number; consumerSeq: number; brokerMs: number } | undefined {
  const tokens = reply.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK') return undefined;
  const first = tokens.length === 9 ? 4 : 6;
  const seq = Number(tokens[first + 1]);
  const consumerSeq = Number(tokens[first + 2]);
  const brokerMs = Number(tokens[first + 3]) / 1e6;
  return Number.isSafeInteger(seq) && Number.isSafeInteger(consumerSeq) && !Number.isNaN(brokerMs)
    ? { seq, consumerSeq, brokerMs }
    : undefined;
}
