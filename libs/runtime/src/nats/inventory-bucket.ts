import { createHash } from 'node:crypto';
import { Kvm } from '@nats-io/kv';
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
 */
export async function applyInventory(
  nc: NatsConnection,
  source: string,
  entries: readonly HostEntry[],
  mayRemove: (hosts: number) => number,
): Promise<Set<HostId>> {
  const kv = await new Kvm(nc).open(buckets.hosts);
  const wanted = new Map(entries.map((entry) => [entry.id, JSON.stringify(entry)]));
  const everybodys = new Set(entries.map(({ id }) => id));
  const keys: string[] = [];
  for await (const key of await kv.keys()) keys.push(key);
  const gone: string[] = [];
  let own = 0;
  for (const key of keys) {
    const stored = await kv.get(key);
    if (stored === null || stored.length === 0) continue;
    const entry = hostEntrySchema.safeParse(parseJson(stored.string()));
    if (entry.success && entry.data.source !== source) everybodys.add(key);
    if (entry.success && entry.data.source === source) {
      own++;
      if (!wanted.has(key)) gone.push(key);
    }
    if (stored.string() === wanted.get(key)) wanted.delete(key);
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
  const stored = await kv.get(appliedKey(source));
  if (stored === null || stored.string() !== mark) await kv.put(appliedKey(source), mark);
  return everybodys;
}
