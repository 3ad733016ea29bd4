import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';

/** The last message of one subject. */
export type LastMessage = { subject: string; seq: number; data: Uint8Array };

/** A consumer that nobody reads from any more vanishes by itself after this. */
const inactiveNanos = 10_000_000_000;
const fetchSize = 1_000;
const fetchTimeoutMs = 5_000;

/**
 * The last message of every subject that `filter` matches, at one moment of the stream. By an
 * ephemeral pull consumer with one filter: all that nats-server 2.9 can do.
 *
 * @throws the signal's reason; whatever JetStream refuses with; an error when messages stop coming
 */
export async function readSubjects(
  nc: NatsConnection,
  { stream, filter, signal }: { stream: string; filter: string; signal: AbortSignal },
): Promise<LastMessage[]> {
  signal.throwIfAborted();
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const { name, num_pending } = await jsm.consumers.add(stream, {
    filter_subject: filter,
    deliver_policy: DeliverPolicy.LastPerSubject,
    ack_policy: AckPolicy.None,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: inactiveNanos,
  });
  const found: LastMessage[] = [];
  try {
    const consumer = await jetstream(nc).consumers.get(stream, name);
    while (found.length < num_pending) {
      signal.throwIfAborted();
      const before = found.length;
      const messages = await consumer.fetch({
        max_messages: Math.min(fetchSize, num_pending - found.length),
        expires: fetchTimeoutMs,
      });
      for await (const { subject, seq, data } of messages) found.push({ subject, seq, data });
      if (found.length === before) {
        throw new Error(`${stream}: ${num_pending - before} messages of ${filter} do not come`);
      }
    }
  } finally {
    // A failure to tidy up must not hide the answer; the consumer ends by itself.
    await jsm.consumers.delete(stream, name).catch(() => undefined);
  }
  return found;
}
