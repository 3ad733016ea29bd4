import { mayRemove, parseInventory, type WantedHost } from './inventory.ts';

/** A parsed file that can say where in it a value stands; `runtime`'s YAML files fit. */
export type LocatedValue = {
  value: unknown;
  locate(path: readonly (string | number)[]): string;
};

/**
 * The wanted hosts of an inventory file, and each problem as `file:line:column: path: reason`.
 * A host that was wanted `before` and whose entry turned bad stays as it was: a slip of the pen
 * must not end its rows. `hosts` is undefined when the file is no inventory at all, or takes out
 * more hosts than {@link mayRemove} without saying `allowRemovals`: what was wanted before still
 * is.
 */
export function inventoryOf(
  file: LocatedValue,
  before: readonly WantedHost[],
): {
  hosts: WantedHost[] | undefined;
  problems: string[];
  allowRemovals: boolean;
} {
  const { hosts, problems, allowRemovals } = parseInventory(file.value);
  const bad = new Set(problems.map(({ id }) => id));
  const good = new Set(hosts?.map(({ id }) => id));
  const kept = before.filter(({ id }) => bad.has(id) && !good.has(id));
  const removed = before.length - before.filter(({ id }) => bad.has(id) || good.has(id)).length;
  const refused = hosts !== undefined && !allowRemovals && removed > mayRemove(before.length);
  if (refused) {
    problems.push({
      path: ['hosts'],
      reason: `takes out ${removed} of ${before.length} hosts at once, above ${mayRemove(before.length)}: not applied; say "allowRemovals: true" if it is meant`,
    });
  }
  return {
    allowRemovals,
    hosts: refused ? undefined : hosts && [...hosts, ...kept],
    problems: problems.map(
      ({ path, reason }) => `${file.locate(path)}: ${path.join('.') || 'file'}: ${reason}`,
    ),
  };
}
