/** How far what the view says about a host may be believed, now (T2). Pure. */
import { heartbeatTtlMs, type Epoch, type HostRecord, type Trust } from '@virtscope/contracts';
import type { Pulse } from './pulses.ts';

/** `live` means verified at most this long ago. */
export const maxVerifiedAgeMs = 15_000;

export type HostTrust = {
  trust: Trust;
  /** Words for people; absent for `live` alone. */
  reason?: string;
  /** Monotonic; null when the view never heard of a verification. */
  verifiedMs: number | null;
};

export type TrustInput = {
  nowMs: number;
  /** The bucket is whole, and the host is not in it. */
  unwanted: boolean;
  /** Why the reader itself cannot vouch for anything. */
  reader: { trust: Trust; reason: string } | undefined;
  record: HostRecord | undefined;
  recordUnreadable: boolean;
  /** The highest epoch that the record was seen synced at; 0 for none. */
  syncedEpoch: Epoch;
  rows: number;
  /** Why the rows may not be what was written. */
  doubt: string | undefined;
  pulse: Pulse | undefined;
  verifiedMs: number | null;
};

export function judgeHost(input: TrustInput): HostTrust {
  const doubt = doubtOf(input);
  const { verifiedMs } = input;
  return doubt === undefined ? { trust: 'live', verifiedMs } : { ...doubt, verifiedMs };
}

/** The first reason not to call the host live; the reader's own troubles come first. */
function doubtOf(input: TrustInput): { trust: Trust; reason: string } | undefined {
  const { nowMs, record, pulse, verifiedMs } = input;
  if (input.unwanted) return { trust: 'lost', reason: 'the host is not in the inventory' };
  if (record === undefined || neverSynced(input)) return neverSeen(input);
  if (input.reader !== undefined) return input.reader;
  if (input.recordUnreadable) {
    return { trust: 'gap', reason: "the newest message on the host's record is malformed" };
  }
  if (input.doubt !== undefined) {
    return { trust: 'syncing', reason: `${input.doubt}; they are read again` };
  }
  if (record.sync !== 'synced') {
    return { trust: record.sync, reason: record.problem ?? recordWords[record.sync] };
  }
  if (pulse === undefined) {
    return { trust: 'lost', reason: 'no heartbeat of its event-bridge was heard yet' };
  }
  const silentMs = nowMs - pulse.boundMs;
  if (silentMs > heartbeatTtlMs) {
    return { trust: 'lost', reason: `its event-bridge is silent for ${seconds(silentMs)}` };
  }
  if (pulse.epoch !== record.epoch) {
    const reason = `its event-bridge beats under epoch ${pulse.epoch}, the host's record stands at ${record.epoch}`;
    return { trust: 'syncing', reason };
  }
  if (pulse.link !== 'synced') return { trust: pulse.link, reason: linkWords[pulse.link] };
  if (verifiedMs === null) {
    return { trust: 'lost', reason: 'its session has not been verified yet' };
  }
  const ageMs = nowMs - verifiedMs;
  if (ageMs > maxVerifiedAgeMs) {
    const reason = `last verified ${seconds(ageMs)} ago, above ${seconds(maxVerifiedAgeMs)}`;
    return { trust: 'lost', reason };
  }
  return undefined;
}

const recordWords = {
  syncing: 'a new session is reading the host',
  lost: 'the session to the host broke',
  'identity-changed': "another daemon answers at the host's address",
} as const;

const linkWords = { ...recordWords, gap: 'events were missed; the host is read again' } as const;

/** Rows are proof that a sync wrote once, though its record was replaced since. */
function neverSynced({ record, syncedEpoch, rows }: TrustInput): boolean {
  return record !== undefined && record.sync !== 'synced' && syncedEpoch === 0 && rows === 0;
}

function neverSeen({ record, rows }: TrustInput): { trust: Trust; reason: string } {
  if (rows > 0) {
    const reason =
      'the bus was lost; what is shown is from before, and no session has read it anew';
    return { trust: 'lost', reason };
  }
  if (record === undefined) {
    return { trust: 'never', reason: 'no event-bridge has written about this host yet' };
  }
  const words = record.sync === 'synced' ? 'not read yet' : recordWords[record.sync];
  return { trust: 'never', reason: record.problem ?? words };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
