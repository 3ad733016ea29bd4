/**
 * The ETag of an answer: equal while nothing that the answer is made of has changed. It covers
 * the revision, the trust of the hosts in scope and, where shown, the stats. How long ago a live
 * host was verified moves all the time and changes no tag: a 304 tells it anew in a header.
 */
import { hash } from 'node:crypto';
import type { HostId } from '@virtscope/contracts';
import type { Asking } from './asking.ts';

export type Freshness = {
  etag: string;
  /** The oldest verification in scope; null when a host was never verified, or none is in scope. */
  verifiedAt: string | null;
};

/** @param question what tells this answer from others at the same address: its representation */
export function freshnessOf(
  asking: Asking,
  hosts: Iterable<HostId>,
  { stats, question }: { stats: boolean; question: string },
): Freshness {
  let trusts = '';
  let oldestMs = Number.POSITIVE_INFINITY;
  let last = '';
  let run = 0;
  for (const host of hosts) {
    const { trust, reason, verifiedMs } = asking.host(host);
    // A live host has no reason; most are live, and only how many is kept.
    if (trust === 'live') run++;
    else trusts += `${host} ${trust} ${reason ?? ''}\n`;
    oldestMs = Math.min(oldestMs, verifiedMs ?? Number.NEGATIVE_INFINITY);
    last = host;
  }
  const { view, scope } = asking;
  const inventory = view.inventoryProblem ?? '';
  const generation = stats ? view.stats.generation : 0;
  const verifiedAt =
    run === 1 && oldestMs > Number.NEGATIVE_INFINITY && trusts === ''
      ? asking.host(last).verifiedAt
      : Number.isFinite(oldestMs)
        ? asking.wallTime(oldestMs)
        : null;
  // Where all is well, as it mostly is, the words themselves are short enough.
  if (trusts === '' && inventory === '' && scope.key === '' && question === '') {
    return { etag: `W/"${view.revision}.${generation}.${run}.${last}"`, verifiedAt };
  }
  const text = `${view.revision}\n${generation}\n${run} ${last}\n${inventory}\n${scope.key}\n${question}\n${trusts}`;
  return { etag: `W/"${hash('sha1', text, 'base64url')}"`, verifiedAt };
}

/** Whether `If-None-Match` names this tag, by the weak comparison that it asks for. */
export function isTagged(ifNoneMatch: string, etag: string): boolean {
  const strong = etag.replace(/^W\//, '');
  return ifNoneMatch
    .split(',')
    .map((each) => each.trim())
    .some((each) => each === '*' || each.replace(/^W\//, '') === strong);
}
