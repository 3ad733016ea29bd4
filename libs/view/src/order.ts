/** The order of a list: keys that the caller names, and (host, uuid) behind them. */
import type { HostFacts } from './facts.ts';
import { readPath, valueAt, type Path } from './paths.ts';
import type { Row } from './row.ts';

export const maxOrderKeys = 4;

/** `null`: there is none. Such rows stand last, whatever the direction. */
export type OrderValue = string | number | boolean | null;

export type Order = {
  /** As it was asked; empty for (host, uuid) alone. */
  text: string;
  keys: readonly { path: Path; descending: boolean }[];
};

/** A row's place in an order. */
export type Place = { values: readonly OrderValue[]; host: string; uuid: string };

export const byIdentity: Order = { text: '', keys: [] };

/** Reads `stats.cpu.time desc, name`. */
export function readOrder(
  text: string,
): { ok: true; order: Order } | { ok: false; reason: string } {
  const keys: { path: Path; descending: boolean }[] = [];
  for (const part of text.split(',')) {
    const [field = '', direction = 'asc', ...rest] = part.trim().split(/ +/);
    if ((direction !== 'asc' && direction !== 'desc') || rest.length > 0) {
      return { ok: false, reason: `${JSON.stringify(part.trim())} is no "<field> [asc|desc]"` };
    }
    const path = readPath(field);
    if (typeof path === 'string') return { ok: false, reason: path };
    keys.push({ path, descending: direction === 'desc' });
  }
  if (keys.length > maxOrderKeys) return { ok: false, reason: `more than ${maxOrderKeys} keys` };
  return { ok: true, order: { text, keys } };
}

/** Writes the row's values under the order's keys into `values`. */
export function orderValues(order: Order, row: Row, facts: HostFacts, values: OrderValue[]): void {
  for (const [i, { path }] of order.keys.entries()) values[i] = valueAt(path, row, facts) ?? null;
}

/** Below 0 when `a` stands before `b`. */
export function comparePlaces({ keys }: Order, a: Place, b: Place): number {
  for (let i = 0; i < keys.length; i++) {
    const difference = compareValues(a.values[i] ?? null, b.values[i] ?? null, keys[i]?.descending);
    if (difference !== 0) return difference;
  }
  if (a.host !== b.host) return a.host < b.host ? -1 : 1;
  if (a.uuid !== b.uuid) return a.uuid < b.uuid ? -1 : 1;
  return 0;
}

function compareValues(a: OrderValue, b: OrderValue, descending: boolean | undefined): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  const rising = typeof a === typeof b ? (a < b ? -1 : 1) : typeof a < typeof b ? -1 : 1;
  return descending === true ? -rising : rising;
}
