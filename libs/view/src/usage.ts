/** Is this disk, MAC, address, device or name used by any domain anywhere? With an honest `unknown` (T6). */
import type { DomainConfig, HostId } from '@virtscope/contracts';
import { hidesAny, type Answer, type Asking } from './asking.ts';
import { disksOf, hostDevicesOf, macsOf } from './config-keys.ts';
import { FactsBook } from './facts.ts';
import { readFields } from './projection.ts';
import type { Row } from './row.ts';
import { everything } from './scope.ts';
import type { HostSlot } from './state-table.ts';
import { departureThat } from './whereabouts.ts';

/** How many users are named; `count` tells all of them. */
export const maxUsers = 100;

/** A device is one of a host; all else is of the fleet. */
export type Used =
  | { disk: string }
  | { mac: string }
  | { ip: string }
  | { name: string }
  | { hostDevice: string; host: HostId };

const brief = readFields('host,uuid,name,id,state,trust,verifiedAt');

export function findUsage(asking: Asking, used: Used): Answer {
  const users = asking.seen(usersOf(asking, used));
  const book = new FactsBook(asking);
  const { revisionField } = asking;
  const scope = 'host' in used ? used.host : undefined;
  if (users.length > 0) {
    const named = users
      .slice(0, maxUsers)
      .map((row) => (brief.ok ? brief.projection.json(row, book.of(row.host)) : ''));
    const unreachable = asking.unreachable(scope === undefined ? asking.allHosts() : [scope]);
    const json = `{"verdict":"used","usedBy":[${named.join(',')}],"count":${users.length},${revisionField},"unreachable":${JSON.stringify(unreachable)}}`;
    return { kind: 'found', json };
  }
  const what = JSON.stringify(Object.values(used)[0]);
  const claim =
    strangeLease(asking, used) ??
    departureThat(asking, (row) => mayUse(row, used)) ??
    asking.absence(
      `using ${what}`,
      scope,
      (slot) => hidesAny(slot) ?? hidesUser(asking, slot, used),
    );
  // Of a device the one host can tell; of all else any domain that the caller may not see is a user.
  const seesAll = asking.scope === everything || ('host' in used && asking.scope.wholeHosts);
  const told =
    claim.kind === 'absent' && !seesAll
      ? {
          verdict: 'unknown',
          usedBy: [],
          count: 0,
          detail: 'none of those that this caller may see, who sees a part of the fleet',
          unreachable: [],
        }
      : claim.kind === 'absent'
        ? { verdict: 'free', usedBy: [], count: 0, asOf: claim.asOf, unreachable: [] }
        : {
            verdict: 'unknown',
            usedBy: [],
            count: 0,
            detail: claim.detail,
            unreachable: claim.unreachable,
          };
  return { kind: 'found', json: `${JSON.stringify(told).slice(0, -1)},${revisionField}}` };
}

function usersOf(asking: Asking, used: Used): readonly Row[] {
  const { table } = asking.view;
  if ('disk' in used) return table.byDisk.get(used.disk);
  if ('mac' in used) return table.byMac.get(used.mac.toLowerCase());
  if ('name' in used) return table.byName.get(used.name);
  if ('ip' in used) return holdersOf(asking, used.ip);
  return [...table.byHostDevice.get(used.hostDevice)].filter(({ host }) => host === used.host);
}

/** Domains of the hosts that lent the address, with the interface that it was lent to. */
function holdersOf({ view, now }: Asking, ip: string): Row[] {
  return view
    .leasesOf(ip, now.monotonicMs)
    .flatMap(({ host, mac }) => [...view.table.byMac.get(mac)].filter((row) => row.host === host));
}

/** Lent to an interface that no domain of that host is known to have. */
function strangeLease(
  { view, now, scope }: Asking,
  used: Used,
): Extract<Answer, { kind: 'unknown' }> | undefined {
  if (!('ip' in used)) return undefined;
  const lease = view.leasesOf(used.ip, now.monotonicMs).find(({ host }) => scope.host(host));
  if (lease === undefined || !scope.wholeHosts) return undefined;
  const detail = `network ${lease.network} of ${lease.host} lent it to ${lease.mac}, which no domain there is known to have`;
  return { kind: 'unknown', detail, unreachable: [lease.host] };
}

/** The part of a configuration that tells of such use. */
function partOf(used: Used): 'disks' | 'interfaces' | 'hostDevices' | undefined {
  if ('disk' in used) return 'disks';
  if ('mac' in used) return 'interfaces';
  return 'hostDevice' in used ? 'hostDevices' : undefined;
}

/** Whether a presence that left took it along; what of it is not known may be this. */
function mayUse({ name, config }: Row, used: Used): boolean {
  if ('name' in used) return name === used.name;
  // An address stays lent where it was; a device stays where it is.
  if ('ip' in used || 'hostDevice' in used) return false;
  if (lacks(config, partOf(used))) return true;
  return 'disk' in used
    ? disksOf(config).includes(used.disk)
    : macsOf(config).includes(used.mac.toLowerCase());
}

/** Why a domain of the host may be the user all the same. */
function hidesUser(asking: Asking, slot: HostSlot, used: Used): string | undefined {
  if ('ip' in used) {
    return asking.view.knowsLeases(slot.host, asking.now.monotonicMs)
      ? undefined
      : 'what its networks lent is not known';
  }
  const part = partOf(used);
  const { unconfigured, shortened } = asking.view.table;
  const rows = slot.sorted;
  if (part === 'hostDevices' && rows.some(({ config }) => hasNamelessDevice(config))) {
    return 'which host device one of its domains would be given is not known';
  }
  if (part === undefined || (unconfigured.size === 0 && shortened.size === 0)) return undefined;
  return rows.some(({ config }) => lacks(config, part))
    ? `the ${part} of one of its domains are not known`
    : undefined;
}

function lacks(config: DomainConfig | undefined, part: string | undefined): boolean {
  return config === undefined || (part !== undefined && config.omitted?.includes(part) === true);
}

/** A USB device by vendor and product is any such one, until the domain runs. */
function hasNamelessDevice(config: DomainConfig | undefined): boolean {
  const devices = config?.hostDevices ?? [];
  return (
    devices.length > hostDevicesOf(config).length &&
    devices.some(({ source }) => source === undefined)
  );
}
