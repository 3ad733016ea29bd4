import { z } from 'zod';
import { epochSchema } from './epoch.ts';
import { hostIdSchema, type DomainUuid } from './host-id.ts';

export const hostSyncStates = [
  /** A session writes the truth under its epoch; rows of a lower epoch are on their way out. */
  'syncing',
  /** Every presence of the host stands under this epoch. */
  'synced',
  /** The session broke: what is known is old. */
  'lost',
  /** Another daemon answers at the host's address: the operator must say which is meant. */
  'identity-changed',
] as const;
export type HostSyncState = (typeof hostSyncStates)[number];

/**
 * How often one domain's configuration per host is read again, event or not: libvirt changes some of
 * it without one.
 */
export const auditPeriodMs = 30_000;

/** One per host, in VIRT_STATE beside its rows. Written by the owner of the host alone. */
export const hostRecordSchema = z.object({
  v: z.literal(1),
  type: z.literal('host'),
  host: hostIdSchema,
  epoch: epochSchema,
  sync: z.enum(hostSyncStates),
  /** The error of a host that is not synced, in words for people. */
  problem: z.string().max(4096).optional(),
  /** The daemon's identity: a proof of absence counts only on the same daemon. */
  hostUuid: z.string().max(64).optional(),
  hostname: z.string().max(256).optional(),
  /** libvirt's driver, as CONNECT_GET_TYPE says: `QEMU`, `TEST`. */
  driver: z.string().max(64).optional(),
  libvirtVersion: z.string().max(32).optional(),
  hypervisorVersion: z.string().max(32).optional(),
  /**
   * Event kinds that this daemon cannot send. `network`, `pool`, `nodedev` or `secret` by itself:
   * its rows of that type are not complete, as the daemon has no such driver or did not answer in
   * time; what lies there says nothing about what is absent.
   */
  missingKinds: z.array(z.string().max(64)).max(64).optional(),
  /** How many presences the host had when the record was written. */
  presences: z.int().min(0).optional(),
  /**
   * SHA-256 of {@link presencesDigestText} over the presences that lay on the bus when this was
   * written, while none of the host's writes was under way: who followed the stream without a break
   * and holds others has missed something.
   */
  digest: z.string().max(64).optional(),
  /** Tombstones of the host at or below this sequence may be purged: a purge tells nobody. */
  purgedThrough: z.int().min(0).optional(),
  changedAt: z.iso.datetime(),
});
export type HostRecord = z.infer<typeof hostRecordSchema>;

/** The text of a host's digest: each presence by its UUID and the stream sequence of its row. */
export function presencesDigestText(rows: Iterable<{ uuid: DomainUuid; seq: number }>): string {
  const lines: string[] = [];
  for (const { uuid, seq } of rows) lines.push(`${uuid}:${seq}`);
  return lines.toSorted().join('\n');
}
