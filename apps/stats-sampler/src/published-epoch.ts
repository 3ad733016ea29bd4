import { epochSchema, statsStream, subjects, type Epoch, type HostId } from '@virtscope/contracts';
import type { connectNats } from '@virtscope/runtime';
import { samplerTiers } from '@virtscope/stats';
import { z } from 'zod';

export type Bus = Awaited<ReturnType<typeof connectNats>>;

const requestTimeoutMs = 5_000;

/** "no message found", JetStream's error code. */
const noMessageFound = 10_037;

const answerSchema = z.union([
  // An empty message comes without `data`.
  z.object({ message: z.object({ data: z.base64().default('') }) }),
  z.object({ error: z.object({ err_code: z.int(), description: z.string() }) }),
]);

/**
 * The highest epoch among the host's pages that the bus holds; 0 without any. The next epoch is
 * taken above it, so that epochs go up even when their bucket was lost (bus rule 3).
 *
 * @throws when the bus does not answer
 */
export async function publishedEpoch(nc: Bus, host: HostId): Promise<Epoch> {
  const epochs = await Promise.all(
    samplerTiers.map((tier) => epochOfLast(nc, subjects.stats(host, tier, 0))),
  );
  return Math.max(...epochs);
}

async function epochOfLast(nc: Bus, subject: string): Promise<Epoch> {
  const reply = await nc.request(
    `$JS.API.STREAM.MSG.GET.${statsStream.name}`,
    JSON.stringify({ last_by_subj: subject }),
    { timeout: requestTimeoutMs },
  );
  const answer = answerSchema.parse(reply.json());
  if ('error' in answer) {
    if (answer.error.err_code === noMessageFound) return 0;
    throw new Error(`${statsStream.name}: cannot read ${subject}: ${answer.error.description}`);
  }
  // A message that is no page of ours counts as none: bucket and wall clock still raise the epoch.
  try {
    const page: unknown = JSON.parse(Buffer.from(answer.message.data, 'base64').toString());
    return z.object({ epoch: epochSchema }).parse(page).epoch;
  } catch {
    return 0;
  }
}
