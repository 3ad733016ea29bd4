/** Is this disk, MAC or name used by any domain anywhere? With an honest `unknown` (T6). */
import { hidesAny, type Answer, type Asking } from './asking.ts';
import { disksOf, macsOf } from './config-keys.ts';
import { FactsBook } from './facts.ts';
import { readFields } from './projection.ts';
import type { Row } from './row.ts';
import type { HostSlot } from './state-table.ts';
import { departureThat } from './whereabouts.ts';

/** How many users are named; `count` tells all of them. */
export const maxUsers = 100;

export type Used = { disk: string } | { mac: string } | { name: string };

const brief = readFields('host,uuid,name,id,state,trust,verifiedAt');

export function findUsage(asking: Asking, used: Used): Answer {
  const { table } = asking.view;
  const [rows, parts] =
    'disk' in used
      ? [table.byDisk.get(used.disk), 'disks' as const]
      : 'mac' in used
        ? [table.byMac.get(used.mac.toLowerCase()), 'interfaces' as const]
        : [table.byName.get(used.name), undefined];
  const users = asking.seen(rows);
  const book = new FactsBook(asking);
  const { revisionField } = asking;
  const unreachable = asking.unreachable(asking.allHosts());
  if (users.length > 0) {
    const named = users
      .slice(0, maxUsers)
      .map((row) => (brief.ok ? brief.projection.json(row, book.of(row.host)) : ''));
    const json = `{"verdict":"used","usedBy":[${named.join(',')}],"count":${users.length},${revisionField},"unreachable":${JSON.stringify(unreachable)}}`;
    return { kind: 'found', json };
  }
  const what = JSON.stringify(Object.values(used)[0]);
  const hides = (slot: HostSlot): string | undefined =>
    hidesAny(slot) ?? (parts && hidesPart(asking, slot, parts));
  const claim =
    departureThat(asking, (row) => mayUse(row, used)) ??
    asking.absence(`using ${what}`, undefined, hides);
  const told =
    claim.kind === 'absent'
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

/** Whether a presence that left took it along; what of it is not known may be this. */
function mayUse({ name, config }: Row, used: Used): boolean {
  if ('name' in used) return name === used.name;
  if (config === undefined) return true;
  const part = 'disk' in used ? 'disks' : 'interfaces';
  if (config.omitted?.includes(part) === true) return true;
  return 'disk' in used
    ? disksOf(config).includes(used.disk)
    : macsOf(config).includes(used.mac.toLowerCase());
}

/** A domain whose configuration, or that part of it, nobody has read could be the user. */
function hidesPart(
  asking: Asking,
  slot: HostSlot,
  part: 'disks' | 'interfaces',
): string | undefined {
  const { unconfigured, shortened } = asking.view.table;
  if (unconfigured.size === 0 && shortened.size === 0) return undefined;
  const hiding = ({ config }: Row): boolean =>
    config === undefined || config.omitted?.includes(part) === true;
  return slot.sorted.some((row) => hiding(row))
    ? `the ${part} of one of its domains are not known`
    : undefined;
}
