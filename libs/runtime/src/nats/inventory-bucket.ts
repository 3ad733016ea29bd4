import { createHash } from 'node:crypto';
import type { NatsConnection } from '@nats-io/nats-core';
import {
  appliedKey,
  appliedMarkSchema,
  buckets,
  hostEntrySchema,
  inventoryDigestText,
  type HostEntry,
  type HostId,
} from '@virtscope/contracts';
import { parseJson } from '../json.ts';
import { bucketStream } from './bus.ts';
import { readSubjects } from './read-subjects.ts';
import { openBucket } from './open-bucket.ts';

/** Ten thousand hosts are read in well under a second. */
const readTimeoutMs = 30_000;

/** An apply would take out more hosts at once than it may. Nothing was changed. */
export class RemovalRefusedError extends Error {
  override readonly name = 'RemovalRefusedError';
}

/**
 * Makes the entries of one source in `virt_hosts` exactly `entries`, and writes the source's mark
 * last: until it fits, readers take the bucket to say nothing. Touches no other source's entries,
 * writes only what differs, and is safe to repeat.
 *
 * @param mayRemove of so many hosts, how many an apply may take out at once
 * @returns the ids of every host that any source wants
 * @throws {RemovalRefusedError}
 * @throws when NATS does not answer in time
 */
export async function applyInventory(
  nc: NatsConnection,
  source: string,
  entries: readonly HostEntry[],
  mayRemove: (hosts: number) => number,
): Promise<Set<HostId>> {
  const kv = await openBucket(nc, buckets.hosts);
  const wanted = new Map(entries.map((entry) => [entry.id, JSON.stringify(entry)]));
  const everybodys = new Set(entries.map(({ id }) => id));
  const before = await readEntries(nc);
  const gone: string[] = [];
  let own = 0;
  for (const [key, text] of before) {
    const entry = hostEntrySchema.safeParse(parseJson(text));
    if (entry.success && entry.data.source !== source) everybodys.add(key);
    if (entry.success && entry.data.source === source) {
      own++;
      if (!wanted.has(key)) gone.push(key);
    }
    if (text === wanted.get(key)) wanted.delete(key);
  }
  if (gone.length > mayRemove(own)) {
    throw new RemovalRefusedError(
      `${buckets.hosts}: source ${source} would take out ${gone.length} of ${own} hosts at once, above ${mayRemove(own)}`,
    );
  }
  for (const key of gone) await kv.delete(key);
  for (const [id, value] of wanted) await kv.put(id, value);
  const mark = JSON.stringify(
    appliedMarkSchema.parse({
      v: 1,
      source,
      count: entries.length,
      digest: createHash('sha256').update(inventoryDigestText(entries)).digest('hex'),
    }),
  );
  if (before.get(appliedKey(source)) !== mark) await kv.put(appliedKey(source), mark);
  return everybodys;
}

/** Everything that stands in the bucket, by key. Deleted keys have an empty message. */
async function readEntries(nc: NatsConnection): Promise<Map<string, string>> {
  const prefix = `$KV.${buckets.hosts}.`;
  const messages = await readSubjects(nc, {
    stream: bucketStream(buckets.hosts),
    filter: `${prefix}>`,
    signal: AbortSignal.timeout(readTimeoutMs),
  });
  const entries = new Map<string, string>();
  for (const { subject, data } of messages) {
    if (data.length === 0) continue;
    entries.set(subject.slice(prefix.length), new TextDecoder().decode(data));
  }
  return entries;
}
