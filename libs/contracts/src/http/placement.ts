/** Who can run this? */
import { z } from 'zod';
import { hostIdSchema, uuidSchema } from '../host-id.ts';
import { trustReasonSchema, trustSchema } from './trust.ts';

/** The longest body of a question about placement: a domain's XML may be in it. */
export const maxPlacementBytes = 1024 * 1024;
export const maxCandidates = 10_000;

const name = z.string().min(1).max(128);

/** What a domain needs of its host. What is not said is not looked at. */
export const needsSchema = z
  .strictObject({
    arch: name.optional().meta({ examples: ['x86_64'] }),
    /** A machine type or an alias of one. */
    machine: name.optional().meta({ examples: ['q35'] }),
    virtType: name.optional().meta({ description: '`kvm`, `qemu`', examples: ['kvm'] }),
    cpu: z
      .strictObject({
        mode: z.enum(['custom', 'host-model', 'host-passthrough', 'maximum']).optional(),
        model: name.optional().meta({ examples: ['Haswell-noTSX'] }),
        features: z.array(name).max(1024).optional().meta({ description: 'that must be there' }),
      })
      .optional(),
    vcpus: z.int().min(1).max(65_536).optional(),
    memoryKiB: z.number().min(0).optional(),
    firmware: z.enum(['bios', 'efi']).optional().meta({
      description: 'that libvirt is to choose an image of',
    }),
    tpm: name.optional().meta({ description: 'model', examples: ['tpm-crb'] }),
  })
  .meta({ id: 'Needs' });
export type Needs = z.infer<typeof needsSchema>;

/** The body of POST /v1/placement: exactly one of `needs`, `uuid` and `xml`. */
export const placementBodySchema = z
  .strictObject({
    needs: needsSchema.optional(),
    uuid: z
      .string()
      .toLowerCase()
      .pipe(uuidSchema)
      .optional()
      .meta({ description: 'of a domain that is in the fleet' }),
    xml: z.string().max(maxPlacementBytes).optional().meta({ description: "a domain's XML" }),
    hosts: z.array(hostIdSchema).max(maxCandidates).optional().meta({
      description: 'the only ones to look at',
    }),
    labels: z.record(z.string().max(256), z.string().max(1024)).optional().meta({
      description: 'that a host must have',
    }),
    limit: z.int().min(1).max(maxCandidates).default(100).meta({
      description: 'how many hosts of each verdict are shown; all are counted',
    }),
  })
  .refine(
    ({ needs, uuid, xml }) => [needs, uuid, xml].filter((each) => each !== undefined).length === 1,
    'exactly one of needs, uuid and xml is wanted',
  );

export const verdictSchema = z.enum(['yes', 'no', 'unknown']);
export type Verdict = z.infer<typeof verdictSchema>;

/** `yes`: a reason for. `no`: one against. `unknown`: what would tell it is missing. */
export const reasonSchema = z.object({
  check: z.enum([
    'reachable',
    'capabilities',
    'guest',
    'machine',
    'cpu',
    'cpu-features',
    'vcpus',
    'firmware',
    'tpm',
    'memory',
    'migration',
  ]),
  verdict: verdictSchema,
  detail: z.string(),
});
export type Reason = z.infer<typeof reasonSchema>;

export const candidateSchema = z.object({
  host: hostIdSchema,
  verdict: verdictSchema,
  reasons: z.array(reasonSchema),
  trust: trustSchema,
  trustReason: trustReasonSchema.optional(),
  verifiedAt: z.iso.datetime().nullable(),
  /** When what its capabilities say was read. */
  capabilitiesAt: z.iso.datetime().optional(),
  /** Memory that a domain could take: free, buffers and page cache. */
  freeMemoryKiB: z.number().optional(),
  /** Of all its CPUs, between the last two readings. */
  cpuBusyPercent: z.number().optional(),
});
export type Candidate = z.infer<typeof candidateSchema>;

export const placementAnswerSchema = z
  .object({
    needs: needsSchema,
    /** First those that can, the one with most free memory first. */
    candidates: z.array(candidateSchema),
    counts: z.object({ yes: z.int(), no: z.int(), unknown: z.int() }),
    revision: z.string(),
  })
  .meta({ id: 'PlacementAnswer' });

export const canMigrateQuerySchema = z.strictObject({
  to: hostIdSchema.meta({ description: 'the host to move to' }),
});

export const canMigrateSchema = candidateSchema
  .extend({ uuid: uuidSchema, from: hostIdSchema, needs: needsSchema, revision: z.string() })
  .meta({ id: 'CanMigrate' });
