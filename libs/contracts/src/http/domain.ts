import { z } from 'zod';
import { domainConfigSchema } from '../domain-config.ts';
import { domainStateSchema } from '../domain-state.ts';
import { hostIdSchema, uuidSchema } from '../host-id.ts';
import { minRevisionSchema } from './lookup.ts';
import { trustReasonSchema, trustSchema } from './trust.ts';

/** A domain on a host, as the HTTP API answers it. */
export const domainSchema = z
  .object({
    host: hostIdSchema,
    uuid: uuidSchema,
    name: z.string(),
    id: z.int().nullable().meta({
      description:
        "libvirt's id: null unless the domain runs, and null once the session that read it is lost",
    }),
    state: domainStateSchema,
    stateReason: z.string(),
    stateObservedAt: z.iso.datetime(),
    persistent: z.boolean().nullable(),
    autostart: z.boolean().nullable(),
    managedSave: z.boolean().nullable(),
    config: domainConfigSchema.optional(),
    trust: trustSchema,
    trustReason: trustReasonSchema.optional(),
    verifiedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Domain' });
export type HttpDomain = z.infer<typeof domainSchema>;

export const domainListSchema = z
  .object({
    domains: z.array(domainSchema),
    nextPageToken: z.string().optional(),
    revision: z.string(),
    unreachable: z
      .array(hostIdSchema)
      .meta({ description: 'hosts in scope that the answer cannot vouch for: not live' }),
  })
  .meta({ id: 'DomainList' });

/** One domain wherever it is: the owner's fields, and every presence. */
export const domainAnswerSchema = domainSchema
  .extend({ presences: z.array(domainSchema), revision: z.string() })
  .meta({ id: 'DomainAnswer' });

/** One domain on one named host. */
export const hostDomainAnswerSchema = domainSchema
  .extend({ revision: z.string() })
  .meta({ id: 'HostDomainAnswer' });

export const listDomainsQuerySchema = z.strictObject({
  host: z.string().optional().meta({ description: 'host ids, separated by commas' }),
  state: z.string().optional().meta({ description: 'states, separated by commas' }),
  name: z.string().max(4096).optional().meta({
    description: 'exact names, separated by commas; a name that has commas itself is found too',
  }),
  pageSize: z.coerce.number().int().min(1).max(10_000).optional(),
  pageToken: z.string().max(4096).optional(),
  minRevision: minRevisionSchema.optional(),
});
