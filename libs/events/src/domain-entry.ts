import type { DepartureKind } from '@virtscope/contracts';
import type { DomainBase, Settling } from './base.ts';
import type { Standing } from './net-effects.ts';
import type { Truth } from './row.ts';
import { newSlot, whatLies, type RowSlot } from './row-slot.ts';

/** A domain that one session knows, or once knew. */
export type DomainEntry = RowSlot & {
  uuid: string;
  name: string;
  /** Undefined when it is not there, or nothing is known of it yet. */
  truth: Truth | undefined;
  /** What subscribers were told before this session's sync. */
  told: Standing | undefined;
  /** Events of it heard in this session: a read during which it moves is void. */
  heard: number;
  /** The newest lifecycle event, for when libvirt cannot be asked. */
  lastLifecycle: { event: number; detail: number; wallMs: number } | undefined;
  /** An event of it was heard that no read has followed yet. */
  unread: boolean;
  reading: boolean;
  /** Reads in a row that an event voided. */
  voids: number;
  readingConfig: boolean;
  /** The id of the run that the configuration was read of. */
  configOf: number | null;
  /** An event said that the configuration changed while it was being read. */
  configStale: boolean;
  /** Samples in a row that differed from the row without an event between. */
  suspicions: number;
  /** The next read, or the one under way, was asked for by the audit and by no event. */
  auditsState: boolean;
  auditsConfig: boolean;
  /** The net effect of the unwatched time is still to be told, after the next read. */
  untold: boolean;
  /** In the bus's base but not in the list: gone only when proven. */
  missing: boolean;
  /** Should it be gone: whether it may run elsewhere. */
  departure: DepartureKind | undefined;
  /** The story that is still to be told; it is due at `dueMs` of the monotonic clock. */
  settling: (Settling & { dueMs: number }) | undefined;
  /** A wake for it is under way. */
  settleArmed: boolean;
};

export function newEntry(uuid: string, name: string): DomainEntry {
  return {
    ...newSlot(uuid),
    uuid,
    name,
    truth: undefined,
    told: undefined,
    heard: 0,
    lastLifecycle: undefined,
    unread: false,
    reading: false,
    voids: 0,
    readingConfig: false,
    configOf: null,
    configStale: false,
    suspicions: 0,
    auditsState: false,
    auditsConfig: false,
    untold: false,
    missing: false,
    departure: undefined,
    settling: undefined,
    settleArmed: false,
  };
}

export function entryOf(base: DomainBase): DomainEntry {
  return {
    ...newEntry(base.uuid, base.truth?.name ?? base.told?.name ?? ''),
    truth: base.truth,
    told: base.told,
    rowSeq: base.rowSeq,
    lies: whatLies(base),
    configOf: base.truth?.id ?? null,
    lastEvent: base.lastEvent,
    ended: base.ended,
    // Nobody has seen yet how it ended, should it have ended.
    departure: base.truth === undefined ? base.departure : 'unseen',
  };
}
