/** `maxAge`: an answer older than the caller allows is refused, and the hosts named (T2). */
import type { HostId } from '@virtscope/contracts';
import type { Answer, Asking } from './asking.ts';
import type { FactsBook } from './facts.ts';
import type { Row } from './row.ts';

export type Shows = { stats: boolean; config: boolean };

/** How many refused hosts are named before the rest is only counted. */
const maxNamed = 1_000;

/** State is as old as its host's last verification: what cannot be met at all is told first. */
export function staleHosts(
  asking: Asking,
  hosts: Iterable<HostId>,
  maxAgeMs: number,
): Extract<Answer, { kind: 'too-old' }> | undefined {
  const { monotonicMs } = asking.now;
  const stale = [...hosts].filter((host) => {
    const { verifiedMs } = asking.host(host);
    return verifiedMs === null || monotonicMs - verifiedMs > maxAgeMs;
  });
  return refusal(stale, maxAgeMs, 'state was verified longer ago');
}

/** Stats and configuration are as old as the calls that read them. */
export function staleRows(
  book: FactsBook,
  rows: readonly Row[],
  { stats, config }: Shows,
  maxAgeMs: number,
): Extract<Answer, { kind: 'too-old' }> | undefined {
  const { wallMs } = book.asking.now;
  const stale = new Set<HostId>();
  let what = '';
  for (const row of rows) {
    if (
      config &&
      (row.config === undefined || wallMs - Date.parse(row.config.observedAt) > maxAgeMs)
    ) {
      stale.add(row.host);
      what = 'configuration was read longer ago: ask with `fields` for what need not be so new';
    } else if (stats && row.id !== null) {
      const oldest = book.of(row.host).pages.find(({ ageMs }) => ageMs > maxAgeMs);
      if (oldest === undefined && book.of(row.host).pages.length > 0) continue;
      stale.add(row.host);
      what = 'stats were read longer ago';
    }
  }
  return refusal([...stale], maxAgeMs, what);
}

function refusal(
  stale: readonly HostId[],
  maxAgeMs: number,
  what: string,
): Extract<Answer, { kind: 'too-old' }> | undefined {
  if (stale.length === 0) return undefined;
  const named = stale.toSorted().slice(0, maxNamed);
  const others = stale.length > named.length ? ` (${stale.length - named.length} more)` : '';
  return {
    kind: 'too-old',
    detail: `maxAge of ${maxAgeMs / 1000} s: on ${stale.length} hosts${others} ${what}`,
    unreachable: named,
  };
}
