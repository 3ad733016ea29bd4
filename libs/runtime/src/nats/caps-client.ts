import { TimeoutError, type NatsConnection } from '@nats-io/nats-core';
import { capsReplySchema, subjects, type CapsReply, type HostId } from '@virtscope/contracts';
import { isUnheard } from './unheard.ts';

export type CapsAnswer =
  | { kind: 'reply'; reply: CapsReply }
  /** Nobody answered in time, or not in our words. */
  | { kind: 'unavailable'; reason: string };

/** Asks caps-cache for a host's capabilities. */
export async function askCapabilities(
  nc: NatsConnection,
  host: HostId,
  timeoutMs: number,
): Promise<CapsAnswer> {
  const subject = subjects.capsOfHost(host);
  let body: unknown;
  try {
    const message = await nc.request(subject, '', { timeout: timeoutMs });
    body = message.json<unknown>();
  } catch (error) {
    return { kind: 'unavailable', reason: reasonOf(error, timeoutMs) };
  }
  const reply = capsReplySchema.safeParse(body);
  if (reply.success) return { kind: 'reply', reply: reply.data };
  const issue = reply.error.issues[0];
  const where = issue?.path.map(String).join('.') ?? '';
  return {
    kind: 'unavailable',
    reason: `the reply on ${subject} is malformed at ${where === '' ? 'its root' : where}: ${issue?.message}`,
  };
}

function reasonOf(error: unknown, timeoutMs: number): string {
  if (isUnheard(error)) return 'no caps-cache listens on the bus';
  if (error instanceof TimeoutError) return `caps-cache did not answer within ${timeoutMs} ms`;
  return error instanceof Error ? error.message : String(error);
}
