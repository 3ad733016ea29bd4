import type { Identity } from './feed-io.ts';

/**
 * Is the daemon that answers now the one that the host's rows came from? Only then may a missing
 * domain be called gone (bus rule 5).
 *
 * @returns `unknowable` when the identity that the inventory names is not to be had
 */
export function sameDaemon(
  by: 'uuid' | 'hostname',
  known: Identity,
  now: Identity | { failed: string } | undefined,
): 'same' | 'another' | 'unknowable' | 'unknown yet' {
  if (now === undefined) return 'unknown yet';
  if ('failed' in now) return 'unknowable';
  const key = by === 'uuid' ? 'hostUuid' : 'hostname';
  if (known[key] === undefined || now[key] === undefined) return 'unknowable';
  return known[key] === now[key] ? 'same' : 'another';
}
