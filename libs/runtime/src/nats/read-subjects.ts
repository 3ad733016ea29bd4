import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';

/** The last message of one subject. */
export type LastMessage = { subject: string; seq: number; data: Uint8Array };

/**
 * The last message of every subject that `filter` matches, at one moment of the stream.
 *
 * @throws the signal's reason; whatever JetStream refuses with
 */
export async function readSubjects(
  nc: NatsConnection,
  { stream, filter, signal }: { stream: string; filter: string; signal: AbortSignal },
): Promise<LastMessage[]> {
  signal.throwIfAborted();
  const consumer = await jetstream(nc).consumers.get(stream, {
    filter_subjects: [filter],
    deliver_policy: DeliverPolicy.LastPerSubject,
  });
  const { num_pending } = await consumer.info();
  const found: LastMessage[] = [];
  // An empty answer sends nothing at all, not even an end.
  if (num_pending === 0) return found;
  const messages = await consumer.consume();
  const onAbort = (): void => void messages.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const message of messages) {
      found.push({ subject: message.subject, seq: message.seq, data: message.data });
      if (message.info.pending === 0) break;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    await messages.close();
  }
  signal.throwIfAborted();
  return found;
}
