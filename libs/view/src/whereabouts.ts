/** Where a domain is, of all hosts: its owner, or what can be said without one (T6). */
import { isInactive, settleMs, type DomainUuid, type HostId } from '@virtscope/contracts';
import { hidesUuid, type Answer, type Asking } from './asking.ts';
import { isMigratedAway, type Departure } from './departures.ts';
import { ownerOf } from './owner.ts';
import type { Row } from './row.ts';

export type Whereabouts =
  /** The owner's row; of a domain on its way its last one, as `migrating`. */
  | { kind: 'there'; owner: Row; presences: readonly Row[]; moving: boolean }
  | Extract<Answer, { kind: 'absent' | 'unknown' }>;

/** Worked out once for a question: its tag stands on it, and its answer. */
export function whereabouts(asking: Asking, uuid: DomainUuid): Whereabouts {
  if (asking.lastPlace?.uuid !== uuid) {
    asking.lastPlace = { uuid, place: locate(asking, uuid) };
  }
  return asking.lastPlace.place;
}

function locate(asking: Asking, uuid: DomainUuid): Whereabouts {
  const presences = asking.seen(asking.view.table.byUuid.get(uuid));
  const claims = presences.map((row) => {
    const { state, seq } = row;
    return { row, state, seq, trust: asking.trustOf(row) };
  });
  const owner = ownerOf(claims)?.row;
  if (owner !== undefined && !isInactive(owner.state)) {
    return { kind: 'there', owner, presences, moving: false };
  }
  const departure = asking.view.departures.get(uuid);
  const seen = departure !== undefined && mayTell(asking, departure) ? departure : undefined;
  if (seen?.migrated === true && seen.row !== undefined && isSettling(asking, seen)) {
    return { kind: 'there', owner: seen.row, presences, moving: true };
  }
  // Of a definition that was there when the view was filled nobody heard when its process left.
  const leftBefore = presences.some(isMigratedAway) ? asking.view.filledMs : undefined;
  const sinceMs = seen?.sinceMs ?? leftBefore;
  const unverified = sinceMs === undefined ? [] : asking.unverifiedSince(sinceMs);
  if (unverified.length > 0) return mayRunOn(`${uuid} left its host`, unverified);
  if (owner !== undefined) return { kind: 'there', owner, presences, moving: false };
  return asking.absence(uuid, undefined, hidesUuid(uuid));
}

/**
 * A claim that no domain does something is none while one that may do it has left its host, and a
 * host was not verified since: it may run there.
 *
 * @param may whether that domain could be the one that is meant
 */
export function departureThat(
  asking: Asking,
  may: (row: Row) => boolean,
): Extract<Answer, { kind: 'unknown' }> | undefined {
  for (const departure of asking.view.departures) {
    const { row, uuid, sinceMs } = departure;
    if (!mayTell(asking, departure) || (row !== undefined && !may(row))) continue;
    const unverified = asking.unverifiedSince(sinceMs);
    if (unverified.length > 0) return mayRunOn(`${uuid} left its host`, unverified);
  }
  return undefined;
}

function isSettling({ now }: Asking, { sinceMs }: Departure): boolean {
  return now.monotonicMs - sinceMs < settleMs;
}

function mayTell(asking: Asking, { host, row }: Departure): boolean {
  const { scope } = asking;
  return row === undefined ? scope.wholeHosts && scope.host(host) : asking.sees(row);
}

function mayRunOn(what: string, hosts: HostId[]): Extract<Answer, { kind: 'unknown' }> {
  const others = hosts.length > 1 ? ` and ${hosts.length - 1} more hosts were` : ' was';
  const detail = `domain ${what} and may run on another: ${hosts[0]}${others} not verified since`;
  return { kind: 'unknown', detail, unreachable: hosts };
}
