import { type Domain, writeDomain } from '../protocol/identity.ts';
import type { Counter } from '../protocol/xdr-reader.ts';
import { procedure } from './procedure.ts';

/** Index = tag. */
const tags = [
  'swap_in',
  'swap_out',
  'major_fault',
  'minor_fault',
  'unused',
  'available',
  'actual',
  'rss',
  'usable',
  'last_update',
  'disk_caches',
  'hugetlb_pgalloc',
  'hugetlb_pgfail',
] as const;

const maxMemoryStats = 1_024;

/**
 * DOMAIN_MEMORY_STATS (159): dom, maxStats u, flags u → {tag i, val uh}<1024>. A tag of a later
 * libvirt is called `unknown-<n>`.
 */
export const domainMemoryStats = procedure<Domain, Map<string, Counter>>({
  name: 'domainMemoryStats',
  number: 159,
  priority: 'low',
  encode: (writer, domain) => {
    writeDomain(writer, domain);
    writer.uint(maxMemoryStats);
    writer.uint(0);
  },
  decode: (reader) => {
    const stats = new Map<string, Counter>();
    for (let left = reader.count(maxMemoryStats, 12); left > 0; left--) {
      const tag = reader.int();
      stats.set(tags[tag] ?? `unknown-${tag}`, reader.counter());
    }
    return stats;
  },
});
