import { z } from 'zod';
import { domainConfigSchema } from '../domain-config.ts';
import { domainStateSchema } from '../domain-state.ts';
import { hostIdSchema, uuidSchema } from '../host-id.ts';
import { minRevisionSchema } from './lookup.ts';
import {
  fieldsParameter,
  filterParameters,
  maxAgeParameter,
  orderByParameter,
  switchParameter,
} from './parameters.ts';
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

/** A domain of which `fields` chose what is shown. */
export const selectedDomainSchema = domainSchema
  .omit({ config: true })
  .partial()
  .extend({
    config: domainConfigSchema.partial().optional(),
    labels: z.record(z.string(), z.string()).optional().meta({ description: 'of its host' }),
    stats: z
      .record(z.string(), z.union([z.number(), z.string(), z.boolean()]))
      .optional()
      .meta({ description: "libvirt's field names; what is absent is not known, never zero" }),
    samples: z
      .record(z.string(), z.object({ observedAt: z.iso.datetime(), ageMs: z.number() }))
      .optional()
      .meta({ description: 'how old the stats are, by tier' }),
  })
  .meta({ id: 'SelectedDomain' });

export const selectedDomainListSchema = domainListSchema
  .extend({
    domains: z.array(selectedDomainSchema),
    explain: z
      .object({
        index: z.string(),
        candidates: z.int().nullable(),
        rows: z.int().nullable(),
        order: z.string(),
      })
      .optional(),
  })
  .meta({ id: 'SelectedDomainList' });

export const listDomainsQuerySchema = z.strictObject({
  ...filterParameters,
  fields: fieldsParameter,
  orderBy: orderByParameter,
  pageSize: z.coerce.number().int().min(1).max(10_000).optional(),
  pageToken: z.string().max(8192).optional().meta({
    description:
      'of the page before; bound to filter and order. A walk is no snapshot: it shows what stayed exactly once',
  }),
  topK: z.coerce.number().int().min(1).max(10_000).optional().meta({
    description: 'the first so many of `orderBy`, and no further page',
  }),
  minRevision: minRevisionSchema.optional(),
  maxAge: maxAgeParameter,
  explain: switchParameter.meta({ description: 'tell which index answered' }),
});
