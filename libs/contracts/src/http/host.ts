import { z } from 'zod';
import { hostIdSchema } from '../host-id.ts';
import { labelsSchema } from '../inventory.ts';
import { trustReasonSchema, trustSchema } from './trust.ts';

/** A wanted host, as the HTTP API answers it. */
export const hostSchema = z
  .object({
    host: hostIdSchema,
    displayName: z.string().optional(),
    labels: labelsSchema,
    trust: trustSchema,
    trustReason: trustReasonSchema.optional(),
    verifiedAt: z.iso.datetime().nullable(),
    epoch: z.int().nullable(),
    driver: z.string().optional(),
    hostname: z.string().optional(),
    hostUuid: z.string().optional(),
    libvirtVersion: z.string().optional(),
    hypervisorVersion: z.string().optional(),
    problem: z.string().optional(),
    missingKinds: z.array(z.string()).optional().meta({
      description:
        'event kinds that its daemon does not send; `lifecycle`: its domains are listed at an interval instead',
    }),
    domains: z.int().min(0).meta({ description: 'presences in the view' }),
    auditRoundSeconds: z.int().min(0).optional().meta({
      description:
        'within this time the audit has read the configuration of each of its domains again: what libvirt changes without an event is at most so old. Absent for a caller who may not see the whole host',
    }),
  })
  .meta({ id: 'Host' });
export type HttpHost = z.infer<typeof hostSchema>;

export const hostListSchema = z
  .object({ hosts: z.array(hostSchema), revision: z.string(), unreachable: z.array(hostIdSchema) })
  .meta({ id: 'HostList' });

export const hostAnswerSchema = hostSchema
  .extend({ revision: z.string() })
  .meta({ id: 'HostAnswer' });
