import { z } from 'zod';
import { hostIdSchema } from './host-id.ts';

export const labelNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/, 'a label has 1 to 63 letters, digits or "._/-"');

export const labelsSchema = z.record(labelNameSchema, z.string().max(256));

/**
 * A wanted host in the bucket `virt_hosts`, under its id. It names a connection profile and holds
 * no transport, credential or path: those come from the service's own configuration (S4).
 */
export const hostEntrySchema = z.object({
  v: z.literal(1),
  id: hostIdSchema,
  /** Which inventory wants it: an apply touches only the entries of its own source. */
  source: z.string().regex(/^[A-Za-z0-9_-]{1,63}$/),
  profile: z.string().max(128),
  address: z.string().max(256).optional(),
  displayName: z.string().max(256).optional(),
  labels: labelsSchema,
});
export type HostEntry = z.infer<typeof hostEntrySchema>;

/** Written last by an apply: while it does not fit, the bucket says nothing. */
export const appliedMarkSchema = z.object({
  v: z.literal(1),
  source: z.string().regex(/^[A-Za-z0-9_-]{1,63}$/),
  count: z.int().min(0),
  /** {@link inventoryDigest} of the source's entries. */
  digest: z.string().max(128),
});
export type AppliedMark = z.infer<typeof appliedMarkSchema>;

export const appliedKey = (source: string): string => `_applied.${source}`;

/** The text whose SHA-256 is a mark's digest: every entry of the source, in the order of ids. */
export function inventoryDigestText(entries: Iterable<HostEntry>): string {
  return [...entries]
    .toSorted((a, b) => (a.id < b.id ? -1 : 1))
    .map((e) =>
      JSON.stringify([
        e.id,
        e.source,
        e.profile,
        e.address ?? null,
        e.displayName ?? null,
        Object.entries(e.labels).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ]),
    )
    .join('\n');
}
