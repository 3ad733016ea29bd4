/** Domains that run twice: since when, and what was said of them (F1 to F3). */
import type { DomainUuid, FleetKind, HostId } from '@virtscope/contracts';
import type { HostTrust } from '@virtscope/trust';
import type { ConflictKind } from './fleet-base.ts';
import type { FleetHost } from './fleet-io.ts';
import type { Running, RunningDomains } from './running.ts';

/**
 * For so long both sides of a migration may seem to run: the source's end comes up to 1.5 s after
 * its target's start, and either may be told late.
 */
export const conflictBoundMs = 5_000;

/** libvirt's test driver keeps its domains in its own memory: each daemon has the same ones. */
const exemptDriver = 'TEST';

export type Verdict = { uuid: DomainUuid; kind: FleetKind; places: readonly Running[] };

export type ConflictInput = {
  running: RunningDomains;
  hosts: ReadonlyMap<HostId, FleetHost>;
  aliases: ReadonlyMap<HostId, HostId>;
  trusts: ReadonlyMap<HostId, HostTrust>;
  nowMs: number;
};

type Conflict = {
  /** Where it runs, in words: another set begins the bound anew. */
  places: string;
  sinceMs: number;
  said: ConflictKind | undefined;
};

export class Conflicts {
  readonly #conflicts = new Map<DomainUuid, Conflict>();

  /** @param said what an earlier watch said and nobody cleared */
  constructor(said: ReadonlyMap<DomainUuid, ConflictKind>) {
    for (const [uuid, kind] of said) {
      this.#conflicts.set(uuid, { places: '', sinceMs: Number.NEGATIVE_INFINITY, said: kind });
    }
  }

  /** Everything that changed since the last judgement, and every conflict that is open. */
  judge(input: ConflictInput): Verdict[] {
    const open = new Set(this.#conflicts.keys());
    for (const uuid of input.running.takeMoved()) open.add(uuid);
    return [...open].flatMap((uuid) => this.#judgeOne(uuid, input));
  }

  #judgeOne(uuid: DomainUuid, input: ConflictInput): Verdict[] {
    const places = placesOf(uuid, input);
    const before = this.#conflicts.get(uuid);
    if (places.length < 2) {
      this.#conflicts.delete(uuid);
      return before?.said === undefined ? [] : [{ uuid, kind: `${before.said}-cleared`, places }];
    }
    const text = places.map(({ host, id }) => `${host}:${id ?? ''}`).join();
    const conflict =
      before?.places === text ? before : { places: text, sinceMs: input.nowMs, said: before?.said };
    this.#conflicts.set(uuid, conflict);
    const kind = kindOf(places, conflict.sinceMs, input);
    const { said } = conflict;
    // A split brain of which one side is lost is still one, as far as anybody knows.
    if (kind === undefined || kind === said || said === 'split-brain') return [];
    conflict.said = kind;
    const verdict: Verdict = { uuid, kind, places };
    return said === undefined ? [verdict] : [verdict, { uuid, kind: `${said}-cleared`, places }];
  }
}

/** The places of which two would be one too many. */
function placesOf(
  uuid: DomainUuid,
  { running, hosts, aliases }: Pick<ConflictInput, 'running' | 'hosts' | 'aliases'>,
): Running[] {
  const places = running
    .of(uuid)
    .filter(({ host }) => {
      const driver = running.hosts.get(host)?.record?.driver;
      // A daemon's second name adds nothing.
      return hosts.has(host) && !aliases.has(host) && driver !== exemptDriver;
    })
    .toSorted((a, b) => (a.host < b.host ? -1 : 1));
  const rivals = places.filter((place) =>
    places.some((other) => other !== place && isOneWorld(place.host, other.host, running, hosts)),
  );
  return rivals;
}

/** Hosts of one cluster and driver: elsewhere the same UUID may be another machine's copy. */
function isOneWorld(
  a: HostId,
  b: HostId,
  running: RunningDomains,
  hosts: ReadonlyMap<HostId, FleetHost>,
): boolean {
  const cluster = (host: HostId): string | undefined => hosts.get(host)?.labels['cluster'];
  const driver = (host: HostId): string | undefined => running.hosts.get(host)?.record?.driver;
  return cluster(a) === cluster(b) && driver(a) === driver(b);
}

function kindOf(
  places: readonly Running[],
  sinceMs: number,
  { trusts, nowMs }: Pick<ConflictInput, 'trusts' | 'nowMs'>,
): ConflictKind | undefined {
  if (nowMs - sinceMs < conflictBoundMs) return undefined;
  const isLive = ({ host }: Running): boolean => trusts.get(host)?.trust === 'live';
  const verified = ({ host }: Running): boolean =>
    (trusts.get(host)?.verifiedMs ?? Number.NEGATIVE_INFINITY) >= sinceMs + conflictBoundMs;
  const live = places.filter(isLive);
  if (live.length === 0 || !live.every(verified)) return undefined;
  if (live.length >= 2) return 'split-brain';
  // The other is not believed now; while its host is only being read again, that will tell.
  const others = places.filter((place) => !isLive(place));
  return others.some(({ host }) => trusts.get(host)?.trust === 'syncing') ? undefined : 'ambiguous';
}
