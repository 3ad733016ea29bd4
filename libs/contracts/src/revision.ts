/**
 * A revision names a moment of the view that is the same in every replica: a stream sequence of
 * VIRT_STATE, with the identity of the stream that counts it. A token of another stream or
 * timeline is foreign, never merely old.
 */
export type Revision = {
  /** Creation time of VIRT_STATE, in milliseconds. */
  createdMs: number;
  timeline: number;
  seq: number;
};

export function formatRevision(r: Revision): string {
  return `${r.createdMs.toString(36)}-${r.timeline.toString(36)}-${r.seq}`;
}

/** @returns undefined when `token` is no revision */
export function parseRevision(token: string): Revision | undefined {
  const match = /^([0-9a-z]{1,10})-([0-9a-z]{1,10})-(\d{1,15})$/.exec(token);
  if (match === null) return undefined;
  return {
    createdMs: Number.parseInt(match[1] ?? '', 36),
    timeline: Number.parseInt(match[2] ?? '', 36),
    seq: Number(match[3]),
  };
}
