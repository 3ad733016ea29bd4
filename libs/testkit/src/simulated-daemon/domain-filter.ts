import { type DomainRow, paused, running, shutoff } from './domain-row.ts';

/** Bits of one pair are ORed, different pairs are ANDed; a pair without a bit lets all pass. */
const pairs: readonly (readonly [bit: number, passes: (row: DomainRow) => boolean][])[] = [
  [
    [0x1, (row) => row.live !== undefined],
    [0x2, (row) => row.live === undefined],
  ],
  [
    [0x4, (row) => row.persistent],
    [0x8, (row) => !row.persistent],
  ],
  [
    [0x10, (row) => row.state === running],
    [0x20, (row) => row.state === paused],
    [0x40, (row) => row.state === shutoff],
    [0x80, (row) => ![running, paused, shutoff].includes(row.state)],
  ],
  [
    [0x100, (row) => row.managedSave],
    [0x200, (row) => !row.managedSave],
  ],
  [
    [0x400, (row) => row.autostart],
    [0x800, (row) => !row.autostart],
  ],
  // Snapshots and checkpoints: there are none.
  [
    [0x1000, () => false],
    [0x2000, () => true],
  ],
  [
    [0x4000, () => false],
    [0x8000, () => true],
  ],
];

/** The flags of CONNECT_LIST_ALL_DOMAINS, and those that the stats call takes of them. */
export const listFlags = 0xffff;
export const statsFilterFlags = 0xff;

/** The domains that pass `VIR_CONNECT_LIST_DOMAINS_*` flags. */
export function domainsPassing(rows: Iterable<DomainRow>, flags: number): DomainRow[] {
  if (flags === 0) return [...rows];
  const asked = pairs
    .map((pair) => pair.filter(([bit]) => (flags & bit) !== 0))
    .filter((pair) => pair.length > 0);
  return [...rows].filter((row) => asked.every((pair) => pair.some(([, passes]) => passes(row))));
}
