import type { CapsRefusal, HostId } from '@virtscope/contracts';
import { parseJson, type NatsConnection } from '@virtscope/runtime';
import type { z } from 'zod';
import { capsRefusal } from './host-endpoint.ts';

/** Longer than a desk waits for an answer, and shorter than query-api waits for us. */
const timeoutMs = 1_800;
const retryAfterMs = 1_000;

/** Asks the replica that has a host. Never rejects: what goes wrong is a refusal. */
export async function askReplica<Reply>(
  nc: NatsConnection,
  asked: { host: HostId; replica: string; subject: string; body: object | undefined },
  schema: z.ZodType<Reply>,
): Promise<Reply | CapsRefusal> {
  const { host, replica, subject, body } = asked;
  try {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const answer = await nc.request(subject, payload, { timeout: timeoutMs });
    const reply = schema.safeParse(parseJson(answer.data));
    if (reply.success) return reply.data;
    const message = `replica ${replica} does not answer in our words`;
    return capsRefusal(host, 'unavailable', message, retryAfterMs);
  } catch (error) {
    const message = `replica ${replica}, which has the host, does not answer: ${String(error)}`;
    return capsRefusal(host, 'unavailable', message, retryAfterMs);
  }
}
