import { hostIdSchema, labelsSchema, type HostEntry, type HostId } from '@virtscope/contracts';
import { z } from 'zod';

/** A host that the operator wants watched. */
export type WantedHost = {
  id: HostId;
  uri: string;
  /** The name of its connection profile: all that the bus is told about how it is reached. */
  profile: string;
  labels: Record<string, string>;
  displayName?: string;
  address?: string;
  /** How the daemon proves that it is the same one: by its host UUID, or by its host name. */
  identity: 'uuid' | 'hostname';
  /** How often its domains are listed, where its driver sends no lifecycle events. */
  relistIntervalSeconds: number;
};

export type InventoryProblem = {
  path: (string | number)[];
  reason: string;
  /** The host whose entry is bad, when its id at least can be read. */
  id?: HostId;
};

/** Hosts of one inventory: beyond it, a second replica set with its own file is due. */
export const maxHosts = 10_000;

const fileSchema = z.strictObject({
  hosts: z.array(z.unknown()).max(maxHosts),
  /** Said by who means it: the file may take many hosts out at once. */
  allowRemovals: z.boolean().default(false),
});

/**
 * How many hosts a change may take out without `allowRemovals`: a tenth, and one at least. A file
 * that was cut short must not end the rows of a fleet.
 */
export function mayRemove(hosts: number): number {
  return Math.max(1, Math.floor(hosts / 10));
}

/** Below the age at which a host is not live any more. */
const defaultRelistSeconds = 10;

const hostSchema = z.strictObject({
  id: hostIdSchema,
  uri: z
    .string()
    .max(4096)
    .regex(/^[a-z][a-z0-9]*(?:\+[a-z0-9]+)?:\/\//, 'must be a libvirt URI such as qemu:///system'),
  labels: labelsSchema.optional(),
  displayName: z.string().max(256).optional(),
  address: z.string().max(256).optional(),
  identity: z.enum(['uuid', 'hostname']).default('uuid'),
  relistIntervalSeconds: z.int().min(1).max(3_600).default(defaultRelistSeconds),
});

/**
 * Reads the parsed content of `fleet.yaml`. A bad entry is a problem with its path and reason, and
 * costs only itself: the other hosts are still wanted. `hosts` is undefined when the content is
 * no inventory at all, which is not the same as an empty one: nothing may be dropped for it.
 */
export function parseInventory(value: unknown): {
  hosts: WantedHost[] | undefined;
  problems: InventoryProblem[];
  allowRemovals: boolean;
} {
  const file = fileSchema.safeParse(value);
  if (!file.success) {
    return { hosts: undefined, problems: problemsOf(file.error, []), allowRemovals: false };
  }
  const hosts = new Map<HostId, WantedHost>();
  const problems: InventoryProblem[] = [];
  for (const [index, raw] of file.data.hosts.entries()) {
    const path = ['hosts', index];
    const entry = hostSchema.safeParse(raw);
    if (!entry.success) {
      const { data: named } = z.object({ id: hostIdSchema }).safeParse(raw);
      problems.push(...problemsOf(entry.error, path).map((problem) => ({ ...problem, ...named })));
    } else if (hosts.has(entry.data.id)) {
      problems.push({ path: [...path, 'id'], reason: `"${entry.data.id}" is there twice` });
    } else {
      const { id, uri, labels = {}, displayName, address } = entry.data;
      const { identity, relistIntervalSeconds } = entry.data;
      hosts.set(id, {
        id,
        uri,
        profile: `inline-${id}`,
        labels,
        ...(displayName === undefined ? {} : { displayName }),
        ...(address === undefined ? {} : { address }),
        identity,
        relistIntervalSeconds,
      });
    }
  }
  return { hosts: [...hosts.values()], problems, allowRemovals: file.data.allowRemovals };
}

/** The entry of `virt_hosts` for a wanted host: without its URI (S4). */
export function hostEntry(host: WantedHost, source: string): HostEntry {
  return {
    v: 1,
    id: host.id,
    source,
    profile: host.profile,
    labels: host.labels,
    ...(host.displayName === undefined ? {} : { displayName: host.displayName }),
    ...(host.address === undefined ? {} : { address: host.address }),
  };
}

export type InventoryChange<H> = {
  added: H[];
  removed: HostId[];
  /** Same id, but reached or named differently: its sessions start anew. */
  changed: H[];
};

/** What to start and stop so that `before` becomes `after`. */
export function inventoryChange<H extends { id: HostId }>(
  before: readonly H[],
  after: readonly H[],
): InventoryChange<H> {
  const old = new Map(before.map((host) => [host.id, JSON.stringify(host)]));
  const wanted = new Set(after.map(({ id }) => id));
  return {
    added: after.filter(({ id }) => !old.has(id)),
    removed: before.filter(({ id }) => !wanted.has(id)).map(({ id }) => id),
    changed: after.filter((host) => old.has(host.id) && old.get(host.id) !== JSON.stringify(host)),
  };
}

function problemsOf(error: z.ZodError, at: (string | number)[]): InventoryProblem[] {
  return error.issues.map((issue) => ({
    path: [...at, ...issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part))],
    reason: issue.message,
  }));
}
