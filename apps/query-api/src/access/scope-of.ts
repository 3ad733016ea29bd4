import { createHash } from 'node:crypto';
import { everything, type Scope, type View } from '@virtscope/view';
import type { TokenEntry } from './token-file.ts';

type Labels = Readonly<Record<string, string>>;

/** What a token sees: the whole fleet, or the hosts and domains that have its labels. */
export function scopeOf(
  { hosts, domains }: Pick<TokenEntry, 'hosts' | 'domains'>,
  view: View,
): Scope {
  if (hosts === undefined && domains === undefined) return everything;
  const spec = JSON.stringify([inOrder(hosts), inOrder(domains)]);
  return {
    // Tokens that see the same share pages, tags and watches.
    key: createHash('sha256').update(spec).digest('base64url').slice(0, 16),
    wholeHosts: domains === undefined,
    host: (host) => hosts === undefined || has(view.hosts.wanted.get(host)?.labels, hosts),
    row: ({ config }) => domains === undefined || has(config?.labels, domains),
  };
}

const inOrder = (labels: Labels = {}): [string, string][] =>
  Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));

function has(labels: Labels | undefined, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels?.[name] === value);
}
