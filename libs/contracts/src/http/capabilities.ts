import { z } from 'zod';
import { capabilitiesSchema, hostPartSchema } from '../caps.ts';
import { hostIdSchema } from '../host-id.ts';

/** A host's capabilities, from the cache: asking costs libvirt nothing. */
export const hostCapabilitiesSchema = z
  .object({
    host: hostIdSchema,
    hash: z.string(),
    standing: z.enum(['confirmed', 'inferred']),
    source: z.enum(['redis', 'memory', 'libvirt']),
    observedAt: z.iso.datetime(),
    capabilities: capabilitiesSchema,
    hostPart: hostPartSchema,
  })
  .meta({ id: 'HostCapabilities' });
