import { capsReplySchema, subjects, type CapsReply, type HostId } from '@virtscope/contracts';
import { parseJson, type NatsConnection } from '@virtscope/runtime';

/** Longer than a desk waits for an answer, and shorter than query-api waits for us. */
const timeoutMs = 1_800;

/** Asks the replica that has the host. Never rejects: what goes wrong is a refusal. */
export async function askReplica(
  nc: NatsConnection,
  replica: string,
  host: HostId,
): Promise<CapsReply> {
  const refused = (message: string): CapsReply => ({
    v: 1,
    ok: false,
    host,
    code: 'unavailable',
    message,
    retryAfterMs: 1_000,
  });
  try {
    const answer = await nc.request(subjects.capsOfReplica(replica, host), '', {
      timeout: timeoutMs,
    });
    const reply = capsReplySchema.safeParse(parseJson(answer.data));
    return reply.success ? reply.data : refused(`replica ${replica} does not answer in our words`);
  } catch (error) {
    return refused(`replica ${replica}, which has ${host}, does not answer: ${String(error)}`);
  }
}
