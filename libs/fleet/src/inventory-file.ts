import { parseInventory, type WantedHost } from './inventory.ts';

/** A parsed file that can say where in it a value stands; `runtime`'s YAML files fit. */
export type LocatedValue = {
  value: unknown;
  locate(path: readonly (string | number)[]): string;
};

/**
 * The wanted hosts of an inventory file, and each problem as `file:line:column: path: reason`.
 * `hosts` is undefined when the file is no inventory at all: what was wanted before still is.
 */
export function inventoryOf(file: LocatedValue): {
  hosts: WantedHost[] | undefined;
  problems: string[];
} {
  const { hosts, problems } = parseInventory(file.value);
  return {
    hosts,
    problems: problems.map(
      ({ path, reason }) => `${file.locate(path)}: ${path.join('.') || 'file'}: ${reason}`,
    ),
  };
}
