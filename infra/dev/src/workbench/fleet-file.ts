import { stringify } from 'yaml';
import type { HostUri } from './state.ts';

/** The inventory of a workbench's hosts, as the services read it. */
export function fleetYaml(hosts: readonly HostUri[]): string {
  const entries = hosts.map(({ id, uri }) => ({
    id,
    uri,
    // libvirt's test driver has no host UUID: its host name says who it is.
    ...(uri.startsWith('test') ? { identity: 'hostname' } : {}),
    labels: { zone: id === 'local' ? 'local' : 'demo' },
  }));
  return stringify({ hosts: entries }, { lineWidth: 0 });
}
