/** What subscribers were told of the fleet last: the base of a new watch (bus rule 2). */
import {
  isBefore,
  type DomainUuid,
  type EventData,
  type HostId,
  type Position,
  type Trust,
} from '@virtscope/contracts';

export type ConflictKind = 'split-brain' | 'ambiguous';

export type FleetBase = {
  /** Domains that an event called in conflict and none cleared. */
  conflicts: Map<DomainUuid, ConflictKind>;
  /** Hosts that were called the same daemon as another, and which. */
  aliases: Map<HostId, HostId>;
  trusts: Map<HostId, Trust>;
  /** The last event about each domain or host. */
  last: Map<string, Position>;
  /** The highest epoch that spoke. */
  epoch: number;
};

/** @param events the last of every subject under `_fleet` */
export function fleetBase(events: readonly EventData[]): FleetBase {
  const base: FleetBase = {
    conflicts: new Map(),
    aliases: new Map(),
    trusts: new Map(),
    last: new Map(),
    epoch: 0,
  };
  for (const event of events.toSorted((a, b) => (isBefore(a, b) ? -1 : 1))) {
    const { epoch, seq, kind, uuid, about, payload = {} } = event;
    base.epoch = Math.max(base.epoch, epoch);
    base.last.set(uuid ?? about ?? '', { epoch, seq });
    if (uuid !== undefined) {
      if (kind === 'split-brain' || kind === 'ambiguous') base.conflicts.set(uuid, kind);
      else if (kind === `${base.conflicts.get(uuid)}-cleared`) base.conflicts.delete(uuid);
    } else if (about !== undefined) {
      if (kind === 'alias') base.aliases.set(about, String(payload['of']));
      else if (kind === 'alias-cleared') base.aliases.delete(about);
      else if (kind === 'trust') base.trusts.set(about, payload['after'] as Trust);
    }
  }
  return base;
}
