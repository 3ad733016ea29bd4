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
});

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
