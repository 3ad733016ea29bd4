import { parseInventory, type WantedHost } from './inventory.ts';

/** A parsed file that can say where in it a value stands; `runtime`'s YAML files fit. */
export type LocatedValue = {
  value: unknown;
  locate(path: readonly (string | number)[]): string;
};

/**
 * The wanted hosts of an inventory file, and each problem as `file:line:column: path: reason`.
 * A host that was wanted `before` and whose entry turned bad stays as it was: a slip of the pen
 * must not end its rows. `hosts` is undefined when the file is no inventory at all: what was
 * wanted before still is.
 */
export function inventoryOf(
  file: LocatedValue,
  before: readonly WantedHost[],
): {
  hosts: WantedHost[] | undefined;
  problems: string[];
} {
  const { hosts, problems } = parseInventory(file.value);
  const bad = new Set(problems.map(({ id }) => id));
  const good = new Set(hosts?.map(({ id }) => id));
  return {
    hosts: hosts && [...hosts, ...before.filter(({ id }) => bad.has(id) && !good.has(id))],
    problems: problems.map(
      ({ path, reason }) => `${file.locate(path)}: ${path.join('.') || 'file'}: ${reason}`,
    ),
  };
}
