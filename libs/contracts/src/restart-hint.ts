import { z } from 'zod';
import { hostIdSchema, uuidSchema } from './host-id.ts';

/**
 * On `virt.v1.hint.<host>`, not kept: stats-sampler saw the CPU time of a domain fall within one run,
 * so that there must be another process under the same id.
 */
export const restartHintSchema = z.object({
  v: z.literal(1),
  host: hostIdSchema,
  uuid: uuidSchema,
  /** libvirt's id, the same before and after. */
  id: z.int().min(0),
});
export type RestartHint = z.infer<typeof restartHintSchema>;
