/** Look-ups of one domain: Map gets, and honesty about what was not found (T3, T6). */
import type { DomainUuid, HostId } from '@virtscope/contracts';
import { Asking, hidesAny, hidesUuid, type Answer } from './asking.ts';
import type { Row } from './row.ts';
import type { HostSlot } from './state-table.ts';
import type { Moment, View } from './view.ts';
import { whereabouts } from './whereabouts.ts';

/** What is answered before the view was filled once. */
export function notReady(view: View, now: Moment): Answer | undefined {
  if (view.answers) return undefined;
  const reasons = Object.values(view.unready(now.monotonicMs)).join('; ');
  return { kind: 'not-ready', detail: reasons === '' ? 'the view is being filled' : reasons };
}

/** A domain wherever it is: the owner's fields, and every presence. */
export function findDomain(asking: Asking, uuid: DomainUuid): Answer {
  const found = whereabouts(asking, uuid);
  if (found.kind !== 'there') return found;
  const presences = found.presences
    .toSorted((a, b) => (a.host < b.host ? -1 : 1))
    .map((row) => asking.json(row));
  const json = `${asking.open(found.owner)},"presences":[${presences.join(',')}],${asking.revisionField}}`;
  return { kind: 'found', json };
}

/** The row of its owner, or why there is none. */
export function ownRow(asking: Asking, uuid: DomainUuid): Row | Exclude<Answer, { kind: 'found' }> {
  const found = whereabouts(asking, uuid);
  return found.kind === 'there' ? found.owner : found;
}

/**
 * What `findDomain` stands on, to tag its answer: the hosts, and what time alone changes in it.
 * Absence, and whether it may run elsewhere, are claims about every host.
 */
export function basisOf(
  asking: Asking,
  uuid: DomainUuid,
): { hosts: Iterable<HostId>; question: string } {
  const found = whereabouts(asking, uuid);
  if (found.kind !== 'there') return { hosts: asking.allHosts(), question: found.kind };
  const hosts = found.presences.map(({ host }) => host);
  if (!found.moving) return { hosts, question: '' };
  return { hosts: [...hosts, found.owner.host], question: found.owner.state };
}

/** How a domain is named on one host. */
export type OnHost = { uuid: DomainUuid } | { id: number } | { name: string };

/** A domain on one named host. By id only while the host is live: ids are given anew (T3). */
export function findOnHost(asking: Asking, host: HostId, by: OnHost): Answer {
  const found = rowOnHost(asking, host, by);
  if ('kind' in found) return found;
  return { kind: 'found', json: `${asking.open(found)},${asking.revisionField}}` };
}

/** The row that a look-up on one host means, or why there is none. */
export function rowOnHost(
  asking: Asking,
  host: HostId,
  by: OnHost,
): Row | Exclude<Answer, { kind: 'found' }> {
  const slot = asking.view.table.hosts.get(host);
  if ('uuid' in by) {
    const row = slot?.rows.get(by.uuid);
    if (row !== undefined && asking.sees(row)) return row;
    return asking.absence(`${by.uuid} on ${host}`, host, hidesUuid(by.uuid));
  }
  if ('name' in by) {
    const row = newest(asking.seen(slot?.byName.get(by.name) ?? []));
    return row ?? asking.absence(`named ${JSON.stringify(by.name)} on ${host}`, host, hidesAny);
  }
  const row = newest(asking.seen(slot?.byId.get(by.id) ?? []));
  if (row === undefined) {
    return asking.absence(`of id ${by.id} on ${host}`, host, (each) => {
      return hidesAny(each) ?? hidesId(asking, each);
    });
  }
  if (asking.trustOf(row) !== 'live') {
    const { trust, reason } = asking.host(host);
    const why = reason ?? `the row is ${asking.trustOf(row)}`;
    const detail = `an id means nothing unless its host is live; ${host} is ${trust}: ${why}`;
    return { kind: 'unknown', detail, unreachable: [host] };
  }
  return row;
}

/**
 * Until libvirt answered about a domain that runs, its id is not known: it may be any. (Its events
 * tell of a start, and came too fast for an answer between them to count.)
 */
function hidesId(asking: Asking, slot: HostSlot): string | undefined {
  for (const row of slot.awaitingId) {
    if (asking.sees(row)) return 'the id of one of its domains is not known yet';
  }
  return undefined;
}

/** Two rows may claim a name or id while a change is under way: the later word took it away. */
function newest(rows: readonly Row[]): Row | undefined {
  return rows.reduce<Row | undefined>(
    (best, row) => (best === undefined || row.seq > best.seq ? row : best),
    undefined,
  );
}
