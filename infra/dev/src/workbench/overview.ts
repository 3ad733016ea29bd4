import { domainListSchema, hostListSchema } from '@virtscope/contracts';
import type { HttpDomain, HttpHost } from '@virtscope/contracts';
import { formatTable } from '../table.ts';

/** The fleet as query-api tells it: every host, the first domains. */
export type Overview = { hosts: HttpHost[]; domains: HttpDomain[]; more: boolean };

/** How many domains the table shows. */
const shownDomains = 20;
/** And how many hosts, and how many of those that are not live a line names. */
const shownHosts = 20;
const namedHosts = 5;

export async function fetchOverview(queryApi: string, signal?: AbortSignal): Promise<Overview> {
  const hosts = hostListSchema.parse(await getJson(`${queryApi}/v1/hosts`, signal));
  const domains = domainListSchema.parse(
    await getJson(`${queryApi}/v1/domains?pageSize=${shownDomains}`, signal),
  );
  return {
    hosts: hosts.hosts,
    domains: domains.domains,
    more: domains.nextPageToken !== undefined,
  };
}

export function allLive({ hosts }: Overview): boolean {
  return hosts.length > 0 && hosts.every((host) => host.trust === 'live');
}

export function overviewTables({ hosts, domains, more }: Overview): string {
  const shown = hosts.slice(0, shownHosts);
  const hostRows = shown.map((host) => [host.host, host.trust, String(host.domains)]);
  const byPlace = (one: HttpDomain, other: HttpDomain): number =>
    one.host.localeCompare(other.host) || one.name.localeCompare(other.name);
  const domainRows = domains
    .toSorted(byPlace)
    .map((domain) => [
      domain.name,
      domain.host,
      domain.state,
      domain.id === null ? '-' : String(domain.id),
      domain.uuid,
    ]);
  return [
    formatTable([['HOST', 'TRUST', 'DOMAINS'], ...hostRows]),
    ...(shown.length < hosts.length ? [`... and more: ${summary(hosts)}`] : []),
    formatTable([['DOMAIN', 'HOST', 'STATE', 'ID', 'UUID'], ...domainRows]),
    ...(more ? ['... and more'] : []),
  ].join('\n\n');
}

/** The fleet in a line: `3 hosts live · 5 domains: 4 running, 1 shutoff`. */
export function summary(hosts: readonly Pick<HttpHost, 'host' | 'trust' | 'domains'>[]): string {
  const live = hosts.filter((host) => host.trust === 'live').length;
  const others = hosts
    .filter((host) => host.trust !== 'live')
    .map((host) => `${host.host} ${host.trust}`);
  const named = others.slice(0, namedHosts);
  if (named.length < others.length) named.push(`${others.length - named.length} more`);
  const domains = hosts.reduce((sum, host) => sum + host.domains, 0);
  return [`${live} of ${hosts.length} hosts live`, ...named, `${domains} domains`].join(', ');
}

export async function fetchHosts(queryApi: string, signal?: AbortSignal): Promise<HttpHost[]> {
  return hostListSchema.parse(await getJson(`${queryApi}/v1/hosts`, signal)).hosts;
}

async function getJson(url: string, signal?: AbortSignal): Promise<unknown> {
  const deadline = AbortSignal.timeout(5_000);
  const response = await fetch(url, {
    signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
  });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return response.json();
}
