import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { eventsStream } from '@virtscope/contracts';

/** An event as the stream holds it; `brokerMs` is when the broker took it, by its own clock. */
export type StoredEvent = { seq: number; brokerMs: number; data: Uint8Array };

export type EventPage = {
  events: StoredEvent[];
  /** Whether the stream holds more that match. */
  more: boolean;
  /** The oldest sequence that it still holds. */
  firstSeq: number;
  /** When the broker took it, by its own clock; null: it holds none. */
  firstMs: number | null;
};

export type EventsWanted = {
  filter: string;
  limit: number;
  /** What came behind this sequence. */
  after?: number | undefined;
  /** What came at this moment of the broker's clock, or later. */
  since?: string | undefined;
};

const inactiveNanos = 10_000_000_000;
const fetchTimeoutMs = 2_000;

/**
 * The oldest events that match, in the stream's order. One filter and one place to start: all that
 * nats-server 2.9 can do, so `after` counts where both are said.
 *
 * @throws whatever JetStream refuses with
 */
export async function readEvents(
  nc: NatsConnection,
  { filter, limit, after, since }: EventsWanted,
): Promise<EventPage> {
  const jsm = await jetstreamManager(nc, { checkAPI: false, timeout: fetchTimeoutMs });
  const { name: stream } = eventsStream;
  const { state } = await jsm.streams.info(stream);
  const { name, num_pending } = await jsm.consumers.add(stream, {
    filter_subject: filter,
    ack_policy: AckPolicy.None,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: inactiveNanos,
    ...(after !== undefined
      ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 }
      : since !== undefined
        ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since }
        : { deliver_policy: DeliverPolicy.All }),
  });
  // An empty stream tells the year 1.
  const told = Date.parse(state.first_ts);
  const firstMs = state.messages === 0 || Number.isNaN(told) ? null : told;
  const events: StoredEvent[] = [];
  try {
    const wanted = Math.min(limit, num_pending);
    if (wanted > 0) {
      const consumer = await jetstream(nc).consumers.get(stream, name);
      const messages = await consumer.fetch({ max_messages: wanted, expires: fetchTimeoutMs });
      for await (const { seq, data, info } of messages) {
        events.push({ seq, brokerMs: info.timestampNanos / 1e6, data });
      }
    }
  } finally {
    // A failure to tidy up must not hide the answer; the consumer ends by itself.
    await jsm.consumers.delete(stream, name).catch(() => undefined);
  }
  return { events, more: num_pending > events.length, firstSeq: state.first_seq, firstMs };
}
