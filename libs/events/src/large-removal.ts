import type { FeedEffect, ReadReason } from './feed-io.ts';
import type { HostFeed } from './feed-state.ts';

/** A list that lacks more than half of a host's presences, and so many, is asked again. */
const largeRemoval = 5;
export const relistAfterMs = 5_000;

export function isLargeRemoval(missing: number, known: number): boolean {
  return missing >= largeRemoval && missing * 2 > known;
}

/** Bus rule 5. @returns whether the domains are to be listed again before anything is believed gone */
export function asksAgain(
  feed: HostFeed,
  effects: FeedEffect[],
  { missing, known }: { missing: number; known: number },
  reason: ReadReason,
): boolean {
  if (!isLargeRemoval(missing, known) || feed.largeRemovalSeen) {
    feed.largeRemovalSeen = false;
    return false;
  }
  feed.largeRemovalSeen = true;
  const detail = `the list lacks ${missing} of ${known} presences; asking again`;
  effects.push({ type: 'note', note: 'large-removal', detail });
  effects.push({ type: 'list', afterMs: relistAfterMs, reason });
  return true;
}
