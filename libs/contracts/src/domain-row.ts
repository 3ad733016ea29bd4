import { z } from 'zod';
import { domainConfigSchema } from './domain-config.ts';
import { domainStateSchema, stateBriefSchema } from './domain-state.ts';
import { epochSchema, positionSchema } from './epoch.ts';
import { hostIdSchema, uuidSchema } from './host-id.ts';

/** The largest message on `virt.v1.state`: above it a row is stored without its largest parts. */
export const maxRowBytes = 256 * 1024;

const written = {
  v: z.literal(1),
  host: hostIdSchema,
  uuid: uuidSchema,
  /** The session that wrote it, and the newest event of its feed that the row includes. */
  epoch: epochSchema,
  seq: z.int().min(0),
  name: z.string().max(4096),
  /** This domain's newest event: the next one names it as its `prev`. */
  lastEvent: positionSchema.optional(),
  /**
   * Lifecycle events of it were told and no `settled` after them: the state before the first, and
   * when, by the writer's clock, the story is to be told if nothing newer comes.
   */
  settling: z.object({ before: stateBriefSchema.nullable(), at: z.iso.datetime() }).optional(),
};

/** A domain's presence on one host: its state and its configuration. */
export const presenceSchema = z.object({
  ...written,
  type: z.literal('domain'),
  /** libvirt's id exists only while the domain runs, and is given anew at each start. */
  id: z.int().min(0).nullable(),
  state: domainStateSchema,
  stateReason: z.string().max(64),
  /** `read` from libvirt; `event` when libvirt could not be asked in time (then there is no id). */
  stateFrom: z.enum(['read', 'event']),
  /** When the call that read the state began, by the writer's clock. */
  stateObservedAt: z.iso.datetime(),
  persistent: z.boolean().nullable(),
  autostart: z.boolean().nullable(),
  managedSave: z.boolean().nullable(),
  /** Absent until it was read once. */
  config: domainConfigSchema.optional(),
});
export type Presence = z.infer<typeof presenceSchema>;

export const tombstoneReasons = ['gone', 'foreign', 'host-removed'] as const;

export const departures = ['migrated', 'unseen'] as const;
export type DepartureKind = (typeof departures)[number];

/** A tombstone stays for so long, then its host's owner purges it (bus rule 6). */
export const tombstoneHorizonMs = 3_600_000;

/** The explicit end of a presence: nothing else removes a row. */
export const tombstoneSchema = z.object({
  ...written,
  type: z.literal('domain'),
  tombstone: z.object({
    /** `gone`: proven; `foreign`: a stale writer's word; `host-removed`: out of the inventory. */
    reason: z.enum(tombstoneReasons),
    at: z.iso.datetime(),
    /**
     * Of one that is gone: it may run elsewhere, as libvirt said when it stopped (`migrated`), or
     * as nobody watched when it ended (`unseen`). Absent when its end here was the end of it.
     */
    departure: z.enum(departures).optional(),
  }),
});
export type Tombstone = z.infer<typeof tombstoneSchema>;

export type DomainRow = Presence | Tombstone;

export function isTombstone(row: DomainRow): row is Tombstone {
  return 'tombstone' in row;
}

export const domainRowSchema = z.union([tombstoneSchema, presenceSchema]);
