import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import {
  buckets,
  epochEntrySchema,
  epochKey,
  type Epoch,
  type HostId,
  type WriterRole,
} from '@virtscope/contracts';
import type { Clock } from '../clock.ts';
import { parseJson } from '../json.ts';
import { openBucket } from './open-bucket.ts';

/** Each lost race means that another one won: so many in a row do not happen by chance. */
const maxRaces = 20;

/**
 * Takes the next epoch of (role, host): max(bucket, `floor`, the wall clock's seconds) + 1, by
 * compare-and-set (bus rule 3). `floor` is the highest epoch that the streams hold, so that
 * epochs go up even when the bucket was lost.
 *
 * @throws when NATS does not answer, or so many others take epochs that none is left
 */
export async function takeEpoch(
  nc: NatsConnection,
  {
    role,
    host,
    floor,
    clock,
    holder,
  }: {
    role: WriterRole;
    host: HostId;
    floor: Epoch;
    clock: Clock;
    holder: string;
  },
): Promise<Epoch> {
  const kv = await openEpochs(nc);
  const key = epochKey(role, host);
  for (let race = 0; race < maxRaces; race++) {
    const entry = await kv.get(key);
    const stored = readEpoch(entry?.value);
    const epoch = Math.max(stored, floor, Math.floor(clock.wallMs() / 1000)) + 1;
    const value = JSON.stringify({ v: 1, epoch, holder });
    try {
      if (entry === null) await kv.create(key, value);
      else await kv.update(key, value, entry.revision);
      return epoch;
    } catch (error) {
      if (!isLostRace(error)) throw error;
    }
  }
  throw new Error(`no epoch for ${key}: ${maxRaces} races lost; do two inventories share a host?`);
}

/** The epoch that (role, host) stands at; 0 when none was taken. */
export async function currentEpoch(
  nc: NatsConnection,
  role: WriterRole,
  host: HostId,
): Promise<Epoch> {
  const kv = await openEpochs(nc);
  return readEpoch((await kv.get(epochKey(role, host)))?.value);
}

function openEpochs(nc: NatsConnection): Promise<KV> {
  return openBucket(nc, buckets.epochs);
}

/** A value that is no entry of ours counts as none: the wall clock and the floor still raise it. */
function readEpoch(value: Uint8Array | undefined): Epoch {
  const entry = value && epochEntrySchema.safeParse(parseJson(value));
  return entry?.success === true ? entry.data.epoch : 0;
}

/** "wrong last sequence": the compare of a compare-and-set failed. */
export function isLostRace(error: unknown): boolean {
  return (error as { code?: unknown }).code === 10_071;
}
