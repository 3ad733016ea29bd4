import { z } from 'zod';
import { hostIdSchema, uuidSchema } from '../host-id.ts';
import { groupCompleteness } from '../stats-page.ts';
import { statsTiers } from '../subjects.ts';
import { trustReasonSchema, trustSchema } from './trust.ts';

const sampleSchema = z.object({
  tier: z.enum(statsTiers),
  /** When the call that read it began, by the sampler's clock. */
  observedAt: z.iso.datetime(),
  ageMs: z.number().min(0),
  groups: z.record(z.string(), z.enum(groupCompleteness)),
  /** Why these values are old: the domain's QEMU does not answer, or the tier pauses. */
  monitor: z.enum(['stuck', 'paused']).optional(),
  /**
   * These are the last good values of `groups`, as the domain's monitor was held (`busy`), or of all,
   * while it is in a migration or the like (`job`).
   */
  kept: z.enum(['busy', 'job']).optional(),
});

const leaseSchema = z.object({
  network: z.string(),
  mac: z.string(),
  address: z.string(),
  prefix: z.int(),
  hostname: z.string().optional(),
});

/** Figures derived from two samples; see `rateNames`. */
const ratesSchema = z.record(z.string(), z.number().min(0));

/** The last quarter of an hour of one domain's main rates, as long as this replica remembers. */
export const domainHistorySchema = z
  .object({
    host: hostIdSchema,
    uuid: uuidSchema,
    id: z.int().nullable(),
    trust: trustSchema,
    trustReason: trustReasonSchema.optional(),
    verifiedAt: z.iso.datetime().nullable(),
    revision: z.string(),
    /** When the first point begins, by the reader's clock. */
    from: z.iso.datetime(),
    stepMs: z.int().min(1),
    /** False when this replica has not heard of the domain's rates, or has no room for them. */
    recorded: z.boolean(),
    /** One cell per point; null where nothing was measured. */
    rates: z.record(z.string(), z.array(z.number().min(0).nullable())),
  })
  .meta({ id: 'DomainHistory' });

/** The newest stats of one domain on one host, tier by tier, in libvirt's field names. */
export const domainStatsSchema = z
  .object({
    host: hostIdSchema,
    uuid: uuidSchema,
    id: z.int().nullable(),
    trust: trustSchema,
    trustReason: trustReasonSchema.optional(),
    verifiedAt: z.iso.datetime().nullable(),
    samples: z.array(sampleSchema),
    fields: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
    rates: ratesSchema,
    /** What the host's networks lent to its interfaces; absent while nobody tells. */
    addresses: z.array(leaseSchema).optional(),
    revision: z.string(),
  })
  .meta({ id: 'DomainStats' });

/** The newest stats of all domains of one host. */
export const hostStatsSchema = z
  .object({
    host: hostIdSchema,
    trust: trustSchema,
    trustReason: trustReasonSchema.optional(),
    verifiedAt: z.iso.datetime().nullable(),
    samples: z.array(sampleSchema),
    /** The host's own figures, as `memory.free` (KiB) and `cpu.busyPercent`. */
    fields: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
    domains: z.array(
      z.object({
        uuid: uuidSchema,
        id: z.int().nullable(),
        fields: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
      }),
    ),
    revision: z.string(),
  })
  .meta({ id: 'HostStats' });
