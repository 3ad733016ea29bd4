import { z } from 'zod';
import {
  capsHistoryEntrySchema,
  cpuModelsSchema,
  domainCapabilitiesSchema,
} from '../caps-facts.ts';
import { capabilitiesSchema, hostPartSchema } from '../caps.ts';
import { hostIdSchema } from '../host-id.ts';

const standing = z.enum(['confirmed', 'inferred']).meta({
  description: "confirmed by this host's own answer; inferred from what looked the same",
});

/** A host's capabilities, from the cache: asking costs libvirt nothing. */
export const hostCapabilitiesSchema = z
  .object({
    host: hostIdSchema,
    hash: z.string(),
    standing,
    source: z.enum(['redis', 'memory', 'libvirt']),
    observedAt: z.iso.datetime(),
    capabilities: capabilitiesSchema,
    hostPart: hostPartSchema,
  })
  .meta({ id: 'HostCapabilities' });

export const hostCapabilitiesHistorySchema = z
  .object({
    host: hostIdSchema,
    history: z.array(capsHistoryEntrySchema).meta({ description: 'the newest first' }),
  })
  .meta({ id: 'HostCapabilitiesHistory' });

const fact = z.object({
  host: hostIdSchema,
  hash: z.string(),
  standing,
  observedAt: z.iso.datetime(),
});

export const hostDomainCapabilitiesSchema = fact
  .extend({ domainCapabilities: domainCapabilitiesSchema })
  .meta({ id: 'HostDomainCapabilities' });

export const hostCpuModelsSchema = fact
  .extend({ cpuModels: cpuModelsSchema })
  .meta({ id: 'HostCpuModels' });

/** Which hosts: names are cut at a bound, the count is whole. */
const where = z.object({ count: z.int(), hosts: z.array(hostIdSchema) });

export const capabilityMatrixSchema = z
  .object({
    /** By `<arch> <machine>`, with the domain types that it runs with. */
    machines: z.record(z.string(), where.extend({ deprecatedOn: z.int().optional() })),
    /** By `<arch> <domain type>`. */
    guests: z.record(z.string(), where),
    /** By name: hosts whose CPU has all of its features, by libvirt's compare. */
    cpuModels: z.record(z.string(), where),
    /** Hosts by libvirt's and the hypervisor's version, as `9.0.0 7.2.22`. */
    versions: z.record(z.string(), where),
    /** Hosts that the matrix says nothing of, and why. */
    unknown: z.record(hostIdSchema, z.string()),
    revision: z.string(),
  })
  .meta({ id: 'CapabilityMatrix' });

export const matrixQuerySchema = z.strictObject({
  names: z.coerce.number().int().min(0).max(10_000).default(100).meta({
    description: 'how many hosts are named for each; all are counted',
  }),
});

export const driftQuerySchema = z.strictObject({
  label: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .meta({
      description: 'hosts with the same value of this label are one group; without it all are',
      examples: ['zone'],
    }),
});

const changes = z.object({ added: z.array(z.string()), removed: z.array(z.string()) });

export const capabilitiesDiffSchema = z.object({
  cpu: z.record(z.string(), z.tuple([z.string().nullable(), z.string().nullable()])).optional(),
  cpuFeatures: changes.optional(),
  guests: changes.optional(),
  machines: changes.optional(),
  emulators: changes.optional(),
  migrationTransports: changes.optional(),
});

export const driftSchema = z
  .object({
    groups: z.array(
      z.object({
        /** The label's value; null: the hosts that have none. */
        value: z.string().nullable(),
        hosts: z.int(),
        /** What most of them are. */
        common: z.object({ versions: z.string(), hash: z.string(), hosts: z.int() }).optional(),
        /** The others, and what they have and lack against it. */
        differing: z.array(
          z.object({
            host: hostIdSchema,
            versions: z.string(),
            /** Where the versions differ from the common ones: those. */
            versionsDiffer: z.boolean(),
            difference: capabilitiesDiffSchema,
          }),
        ),
        unknown: z.array(hostIdSchema),
      }),
    ),
    revision: z.string(),
  })
  .meta({ id: 'CapabilityDrift' });

export const commonCpuBodySchema = z.strictObject({
  hosts: z.array(hostIdSchema).min(1).max(256),
});

export const commonCpuSchema = z
  .object({
    hosts: z.array(hostIdSchema),
    model: z.string().optional(),
    vendor: z.string().optional(),
    features: z.array(z.object({ name: z.string(), policy: z.string() })),
    xml: z.string().meta({ description: "for a domain's <cpu>" }),
  })
  .meta({ id: 'CommonCpu' });
