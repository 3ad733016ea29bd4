import { z } from 'zod';

/** How far an answer about a host may be believed; computed when answering. */
export const trustLevels = ['live', 'syncing', 'gap', 'lost', 'identity-changed', 'never'] as const;
export type Trust = (typeof trustLevels)[number];

export const trustSchema = z.enum(trustLevels).meta({
  id: 'Trust',
  description:
    'live: verified within 15 s. syncing: a new session is reading the host. gap: events were missed. lost: nobody can reach the host, or its watcher is silent. identity-changed: another daemon answers. never: wanted, but not seen yet.',
});

/** Words for people; programs branch on the trust. */
export const trustReasonSchema = z.string().meta({ description: 'why the host is not live' });
