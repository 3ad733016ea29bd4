import { epochSchema, statsStream, subjects, type Epoch, type HostId } from '@virtscope/contracts';
import { parseJson, readLast, type connectNats } from '@virtscope/runtime';
import { samplerTiers } from '@virtscope/stats';
import { z } from 'zod';

export type Bus = Awaited<ReturnType<typeof connectNats>>;

const pageBrief = z.object({ epoch: epochSchema });

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
  const last = await readLast(nc, subject, statsStream.name);
  // A message that is no page of ours counts as none: bucket and wall clock still raise the epoch.
  const page = last && pageBrief.safeParse(parseJson(last.data));
  return page?.success === true ? page.data.epoch : 0;
}
