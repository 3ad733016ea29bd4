import { z } from 'zod';
import { epochSchema } from './epoch.ts';
import { hostIdSchema } from './host-id.ts';
import { writerRoles } from './subjects.ts';

/** How often each replica of a writer beats. */
export const heartbeatPeriodMs = 1_000;
/** A reader that heard nothing for this long believes the writer dead. */
export const heartbeatTtlMs = 5_000;

export const hostPulseSchema = z.object({
  epoch: epochSchema,
  link: z.enum(['syncing', 'synced', 'gap', 'lost', 'identity-changed']),
  /** Age of `verifiedAt` when the beat was sent; null before the first verification. */
  verifiedAgeMs: z.number().min(0).nullable(),
  /** Every event up to here has its row, if any, acked by the broker. */
  seq: z.int().min(0),
  /** The host's last acked sequence of VIRT_STATE: believe the beat only after applying it. */
  upTo: z.int().min(0),
  /** The replica gave the host up in order: another may take it at once. */
  released: z.literal(true).optional(),
});
export type HostPulse = z.infer<typeof hostPulseSchema>;

/** One message for all hosts of a replica, on `virt.v1.heartbeat.<role>.<replica>`. Not stored. */
export const heartbeatSchema = z.object({
  v: z.literal(1),
  role: z.enum(writerRoles),
  replica: z.string().min(1).max(256),
  beat: z.int().min(1),
  hosts: z.record(hostIdSchema, hostPulseSchema),
  /** The replica goes: this is its last beat. */
  leaving: z.literal(true).optional(),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;
