import { z } from 'zod';

/**
 * libvirt's virDomainState, by name. A number that this version does not know reads
 * `unknown-<n>`, so that a newer libvirt breaks no reader.
 */
export const domainStates = [
  'nostate',
  'running',
  'blocked',
  'paused',
  'shutdown',
  'shutoff',
  'crashed',
  'pmsuspended',
] as const;

export const domainStateSchema = z
  .string()
  .regex(/^(?:[a-z]+|unknown-\d+)$/)
  .meta({
    id: 'DomainState',
    description: `libvirt's state: ${domainStates.join(', ')}; \`migrating\` of a domain asked for by uuid that left its host and was not seen on another yet`,
    examples: ['running'],
  });

export type DomainStateName = (typeof domainStates)[number] | `unknown-${number}`;

/** A domain's state as an event tells it; null stands for no domain. */
export const stateBriefSchema = z.object({ state: z.string().max(64), id: z.int().nullable() });
export type StateBrief = z.infer<typeof stateBriefSchema>;

/** A domain with a QEMU process has an id; these states have none. */
export function isInactive(state: string): boolean {
  return state === 'shutoff' || state === 'crashed';
}
