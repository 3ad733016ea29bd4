import { z } from 'zod';
import { hostIdSchema, uuidSchema } from '../host-id.ts';

/**
 * "Answer me nothing older than this": the `revision` of an earlier answer, or the id of an event
 * that the caller heard. The answer waits for it, bounded.
 */
export const minRevisionSchema = z.string().min(1).max(256).meta({
  id: 'MinRevision',
  description: 'the revision of an earlier answer, or the id of an event of event-bridge',
});

/** The query of every look-up. Unknown parameters are refused, not ignored. */
export const lookupQuerySchema = z.strictObject({ minRevision: minRevisionSchema.optional() });

/** The query of what has no parameters. */
export const noQuerySchema = z.strictObject({});

/** A UUID as people paste it: capital letters are the same UUID. */
const uuidParam = z.string().toLowerCase().pipe(uuidSchema);

export const hostParamsSchema = z.object({ host: hostIdSchema });
export const domainParamsSchema = z.object({ uuid: uuidParam });
export const hostDomainParamsSchema = z.object({ host: hostIdSchema, uuid: uuidParam });
export const domainByIdParamsSchema = z.object({
  host: hostIdSchema,
  id: z
    .string()
    .regex(/^\d{1,10}$/, "libvirt's id: a number")
    .transform(Number),
});
export const domainByNameParamsSchema = z.object({
  host: hostIdSchema,
  name: z.string().min(1).max(4096),
});
