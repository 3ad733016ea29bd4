/** "Answer me nothing older than this" (bus rule 7). */
import { parseEventId, parseRevision } from '@virtscope/contracts';
import type { StreamIdentity, View } from './view.ts';

export type Reached =
  | { kind: 'reached' }
  /** Not yet; ask again when the view has moved. */
  | { kind: 'waiting'; detail: string }
  /** It never will: another stream's token, or one that lies ahead of the stream. */
  | { kind: 'gone'; detail: string }
  | { kind: 'invalid'; detail: string };

/**
 * Whether an answer given now is at least as new as `token`: a revision, or an event's id.
 *
 * @param askedMs when the question came in: a revision ahead of the stream is refused only by
 *   what the broker said since, as another replica may have seen a newer one than this view
 */
export function reached(view: View, token: string, askedMs: number): Reached {
  const revision = parseRevision(token);
  if (revision !== undefined) {
    const { identity, lastSeq } = view;
    const checkedSince = lastSeq !== undefined && lastSeq.startedMs >= askedMs;
    if (identity !== undefined && !isSame(revision, identity)) {
      // Another replica may have seen a new stream, or a raised timeline, before this one did.
      const ahead = isNewer(revision, identity) && !checkedSince;
      if (ahead || (view.replaying !== undefined && isSame(revision, view.replaying))) {
        return { kind: 'waiting', detail: 'the view does not read that stream yet' };
      }
      return { kind: 'gone', detail: 'it is of another stream or timeline: read anew without it' };
    }
    if (identity !== undefined && view.table.appliedSeq >= revision.seq) return { kind: 'reached' };
    if (checkedSince && lastSeq.seq < revision.seq) {
      const detail = `it lies ahead of the stream, which ends at ${lastSeq.seq}: read anew without it`;
      return { kind: 'gone', detail };
    }
    const detail = `the view is at ${view.table.appliedSeq}, asked for ${revision.seq}`;
    return { kind: 'waiting', detail };
  }
  const event = parseEventId(token);
  if (event === undefined) return { kind: 'invalid', detail: 'neither a revision nor an event id' };
  if (event.role !== 'event-bridge') {
    return { kind: 'invalid', detail: `events of ${event.role} change no rows` };
  }
  const slot = view.table.hosts.get(event.host);
  // A later session that has synced the host covers every event of the ones before it.
  if (slot !== undefined && slot.syncedEpoch > event.epoch) return { kind: 'reached' };
  if (view.inventoryProblem === undefined && !view.hosts.wanted.has(event.host)) {
    return { kind: 'gone', detail: `its host ${event.host} is not in the inventory` };
  }
  const pulse = view.pulses.believed(event.host, view.table.appliedSeq);
  if (pulse?.epoch === event.epoch && pulse.seq >= event.seq) return { kind: 'reached' };
  return { kind: 'waiting', detail: `event-bridge has not vouched for ${token} yet` };
}

function isSame(a: StreamIdentity, b: StreamIdentity): boolean {
  return a.createdMs === b.createdMs && a.timeline === b.timeline;
}

function isNewer(a: StreamIdentity, b: StreamIdentity): boolean {
  return a.createdMs > b.createdMs || (a.createdMs === b.createdMs && a.timeline > b.timeline);
}
