/**
 * One question's moment: trust is judged once per host, and every row of the answer gets the
 * ready text of its host's trust, so that a list is mostly joining strings.
 */
import type { DomainUuid, HostId, Trust } from '@virtscope/contracts';
import type { HostTrust } from '@virtscope/trust';
import { rowJson, type Row } from './row.ts';
import { everything, includes, type Scope } from './scope.ts';
import type { HostSlot } from './state-table.ts';
import type { Moment, View } from './view.ts';
import type { Whereabouts } from './whereabouts.ts';

/** The answer to a question, before HTTP gives it a status. */
export type Answer =
  | { kind: 'found'; json: string }
  /** Proven absent: every host in scope is live. `asOf` is their oldest verification. */
  | { kind: 'absent'; detail: string; asOf?: string }
  /** Neither there nor absent. */
  | { kind: 'unknown'; detail: string; unreachable: HostId[] }
  /** There, but older than the caller allows. */
  | { kind: 'too-old'; detail: string; unreachable: HostId[] }
  | { kind: 'invalid'; detail: string }
  | { kind: 'not-ready'; detail: string };

/** No host has this id. */
const nobody = '';

type AskedHost = HostTrust & {
  slot: HostSlot | undefined;
  verifiedAt: string | null;
  /** By kind of row: bit 0 of an older epoch than the record, bit 1 unreadable. */
  tails: (Tail | undefined)[];
};

/** Ready text of one kind of row of a host: its trust, and whether its ids still mean something. */
type Tail = { trust: Trust; text: string; idKnown: boolean };

export class Asking {
  readonly view: View;
  readonly now: Moment;
  readonly scope: Scope;
  readonly #hosts = new Map<HostId, AskedHost>();
  /** The domain that was looked for last. */
  lastPlace: { uuid: DomainUuid; place: Whereabouts } | undefined;

  constructor(view: View, now: Moment, scope: Scope = everything) {
    this.view = view;
    this.now = now;
    this.scope = scope;
  }

  /** Whether the answer may speak of this row. */
  sees(row: Row): boolean {
    return includes(this.scope, row);
  }

  /** The rows of these that the answer may speak of. */
  seen(rows: readonly Row[]): readonly Row[] {
    return this.scope === everything ? rows : rows.filter((row) => this.sees(row));
  }

  host(host: HostId): AskedHost {
    let asked = this.#hosts.get(host);
    if (asked === undefined) {
      // One that may not be seen is as one that is not there: whether it is, is not said.
      const seen = this.scope.host(host) ? host : nobody;
      const trust = this.view.trustOf(seen, this.now.monotonicMs);
      const slot = this.view.table.hosts.get(seen);
      asked = { ...trust, slot, verifiedAt: this.wallTime(trust.verifiedMs), tails: [] };
      this.#hosts.set(host, asked);
    }
    return asked;
  }

  /** In the reader's wall clock: now, less the monotonic age. */
  wallTime(monotonicMs: number | null): string | null {
    if (monotonicMs === null) return null;
    return new Date(this.now.wallMs - (this.now.monotonicMs - monotonicMs)).toISOString();
  }

  trustOf(row: Row): Trust {
    return this.#tailOf(row).trust;
  }

  /** The id that may be shown: one of a lost session names nothing any more (T3). */
  idOf(row: Row): number | null {
    return this.#tailOf(row).idKnown ? row.id : null;
  }

  /** The fields of trust, as every answer about this row carries them. */
  trustFields(row: Row): string {
    return this.#tailOf(row).text;
  }

  /** The row as an open JSON object: the caller may add fields, and closes it. */
  open(row: Row): string {
    const tail = this.#tailOf(row);
    return `${rowJson(row)},"id":${tail.idKnown ? row.id : null},${tail.text}`;
  }

  json(row: Row): string {
    return `${this.open(row)}}`;
  }

  get revisionField(): string {
    return `"revision":${JSON.stringify(this.view.revision)}`;
  }

  /** Of these hosts, those that the answer cannot vouch for. */
  unreachable(hosts: Iterable<HostId>): HostId[] {
    const out: HostId[] = [];
    for (const host of hosts) {
      const { trust, slot } = this.host(host);
      if (trust !== 'live' || (slot?.unreadable.size ?? 0) > 0) out.push(host);
    }
    return out.toSorted();
  }

  /** Of the wanted hosts, those whose last verification began no later than this. */
  unverifiedSince(sinceMs: number): HostId[] {
    const out: HostId[] = [];
    for (const host of this.view.hosts.wanted.keys()) {
      if (!this.scope.host(host)) continue;
      if ((this.host(host).verifiedMs ?? Number.NEGATIVE_INFINITY) <= sinceMs) out.push(host);
    }
    return out.toSorted();
  }

  /** Every host that an unfiltered answer speaks of: the known, and those that still have rows. */
  allHosts(): Set<HostId> {
    const all = this.view.hosts.known;
    for (const [host, slot] of this.view.table.hosts) if (slot.rows.size > 0) all.add(host);
    if (this.scope === everything) return all;
    return new Set([...all].filter((host) => this.scope.host(host)));
  }

  /**
   * Nothing was found in this scope: is that a proof (T6)?
   *
   * @param what as in "no domain <what>"
   * @param hides why something on the host could be what was asked for; undefined: nothing can
   */
  absence(
    what: string,
    scope: HostId | undefined,
    hides: (slot: HostSlot) => string | undefined,
  ): Extract<Answer, { kind: 'absent' | 'unknown' }> {
    const { view, now } = this;
    const wanted = new Set([...view.hosts.wanted.keys()].filter((host) => this.scope.host(host)));
    const hosts = scope === undefined ? [...wanted] : [scope];
    const removed =
      scope === undefined
        ? view.recentlyRemoved(now.monotonicMs).filter((host) => this.scope.host(host))
        : [];
    const unreachable = hosts.filter((host) => {
      const { trust, slot } = this.host(host);
      return trust !== 'live' || (slot !== undefined && hides(slot) !== undefined);
    });
    const unknown = (detail: string, also: HostId[] = []): Answer & { kind: 'unknown' } => ({
      kind: 'unknown',
      detail: `no domain ${what} is in the view, but ${detail}`,
      unreachable: [...unreachable, ...also].toSorted(),
    });
    if (view.inventoryProblem !== undefined) return unknown(view.inventoryProblem);
    if (hosts.length === 0) return unknown('the inventory has no hosts');
    if (scope !== undefined && !wanted.has(scope)) {
      return unknown(`nobody watches ${scope}: it is not in the inventory`);
    }
    const first = unreachable[0];
    if (first !== undefined) {
      const { reason: distrust, slot } = this.host(first);
      const reason = distrust ?? (slot && hides(slot)) ?? 'it is not live';
      const others = unreachable.length > 1 ? ` (and ${unreachable.length - 1} more hosts)` : '';
      return unknown(`${first} cannot be vouched for: ${reason}${others}`, removed);
    }
    if (removed.length > 0) {
      return unknown('hosts were taken out of the inventory within the last hour', removed);
    }
    const oldestMs = Math.min(...hosts.map((host) => this.host(host).verifiedMs ?? 0));
    const asOf = this.wallTime(oldestMs);
    return {
      kind: 'absent',
      detail: `no domain ${what}`,
      ...(asOf === null ? {} : { asOf }),
    };
  }

  #tailOf(row: Row): Tail {
    const asked = this.host(row.host);
    const { slot } = asked;
    const older = row.epoch < (slot?.record?.epoch ?? 0);
    const unreadable =
      slot !== undefined && slot.unreadable.size > 0 && slot.unreadable.has(row.uuid);
    const kind = (older ? 1 : 0) + (unreadable ? 2 : 0);
    const tail = (asked.tails[kind] ??= makeTail(asked, older, unreadable));
    return tail;
  }
}

function makeTail(asked: AskedHost, older: boolean, unreadable: boolean): Tail {
  let { trust, reason } = asked as { trust: Trust; reason?: string };
  if (trust === 'live' && unreadable) {
    trust = 'gap';
    reason = 'the newest message about this domain is malformed; this is the one before';
  } else if (trust === 'live' && older) {
    trust = 'syncing';
    reason = 'the new session has not written this domain yet';
  }
  const cut = trust === 'lost' || trust === 'never' || trust === 'identity-changed';
  const fields = {
    trust,
    ...(reason === undefined ? {} : { trustReason: reason }),
    verifiedAt: asked.verifiedAt,
  };
  return { trust, text: JSON.stringify(fields).slice(1, -1), idKnown: !cut && !older };
}

const unreadable = 'a message about one of its domains is malformed';

/** A row of this UUID could lie under a message that nobody can read. */
export const hidesUuid =
  (uuid: DomainUuid) =>
  (slot: HostSlot): string | undefined =>
    slot.unreadable.has(uuid) ? unreadable : undefined;

/** Any unreadable message could be the one that was asked for. */
export const hidesAny = (slot: HostSlot): string | undefined =>
  slot.unreadable.size > 0 ? unreadable : undefined;
