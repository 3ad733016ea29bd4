/** What a domain was at a time, out of what was told since then. */
import {
  fleetHost,
  settledKind,
  type DomainUuid,
  type EventData,
  type HostId,
  type StateBrief,
} from '@virtscope/contracts';
import type { Asking } from './asking.ts';

export type StateAt = {
  host: HostId;
  /** null: it was not there. */
  state: StateBrief | null;
  /** False: nobody watched the host then, and the state is the last one that was known before. */
  watched: boolean;
  /** What tells it: the first event since then, or that there was none. */
  by: 'event' | 'unchanged';
};

/** Hosts on which the domain is, or of which an event since then is. */
export function hostsSince(
  asking: Asking,
  uuid: DomainUuid,
  events: readonly EventData[],
): Set<HostId> {
  const rows = asking.seen(asking.view.table.byUuid.get(uuid));
  return new Set([...events.filter(tellsState), ...rows].map(({ host }) => host));
}

/**
 * @param events of the domain since then, in order
 * @param firstGaps by host the first `gap` event since then
 */
export function stateAt(
  asking: Asking,
  uuid: DomainUuid,
  events: readonly EventData[],
  firstGaps: ReadonlyMap<HostId, EventData>,
): StateAt[] {
  return [...hostsSince(asking, uuid, events)].toSorted().map((host) => {
    // A gap that ends before another begins had begun before.
    const watched = firstGaps.get(host)?.phase !== 'end';
    const first = events.find((event) => event.host === host && tellsState(event));
    if (first?.before !== undefined) return { host, state: first.before, watched, by: 'event' };
    const row = asking.view.table.hosts.get(host)?.rows.get(uuid);
    const now = row === undefined ? null : { state: row.state, id: row.id };
    return { host, state: now, watched, by: 'unchanged' };
  });
}

/** A settled story's `before` is of its beginning, which may lie further back. */
function tellsState({ role, host, kind, before }: EventData): boolean {
  return (
    role === 'event-bridge' && host !== fleetHost && kind !== settledKind && before !== undefined
  );
}
