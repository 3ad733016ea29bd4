import type { Position, Tombstone } from '@virtscope/contracts';

/** What an entry of a feed, a domain's or another thing's, has to do with its row on the bus. */
export type RowSlot = {
  /** Unique in the feed: a domain's UUID; of other things see `thingKey`. */
  readonly key: string;
  /** Why its row, if any, is to end. */
  ended: Tombstone['tombstone']['reason'] | undefined;
  /** The last sequence known on its subject: what a write must find there. */
  rowSeq: number;
  /** What lies there; `unknown` until what somebody else wrote is overwritten. */
  lies: 'nothing' | 'presence' | 'end' | 'unknown';
  lastEvent: Position | null;
  /** Its published events that the broker has not acked yet. */
  unacked: number;
  /** During a sync a domain's row waits for its configuration, so that it is written once. */
  awaitsConfig: boolean;
  /** Its row does not say what is known, and is to be written. */
  wantsRow: boolean;
  /** The write under way. */
  storing: { writeId: string; ends: boolean } | undefined;
};

export function newSlot(key: string): RowSlot {
  return {
    key,
    ended: undefined,
    rowSeq: 0,
    lies: 'nothing',
    lastEvent: null,
    unacked: 0,
    awaitsConfig: false,
    wantsRow: false,
    storing: undefined,
  };
}

/** Of a subject, as the bus had it when the session began. */
export function whatLies(base: { rowSeq: number; truth: object | undefined }): RowSlot['lies'] {
  if (base.rowSeq === 0) return 'nothing';
  return base.truth === undefined ? 'end' : 'presence';
}
