/**
 * Opaque page tokens: where the last page ended, bound to the filter, order and scope that it was
 * asked with. A place is made of values, not of a row, so that it stays right when the row goes.
 */
import { createHash } from 'node:crypto';
import { hostIdPattern, uuidPattern } from '@virtscope/contracts';
import { filterKey, type DomainFilter } from './filter.ts';
import type { Order, OrderValue, Place } from './order.ts';
import type { Scope } from './scope.ts';

const version = 2;
const foreign = 'it is no token of this API';

export function bindingOf(filter: DomainFilter, order: Order, scope: Scope): string {
  const text = JSON.stringify([filterKey(filter), order.text, scope.key]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

export function writePageToken(binding: string, { values, host, uuid }: Place): string {
  return Buffer.from(JSON.stringify([version, binding, values, host, uuid])).toString('base64url');
}

/** @returns why the token cannot be used here, or where to go on */
export function readPageToken(
  binding: string,
  order: Order,
  token: string,
): { ok: true; after: Place } | { ok: false; reason: string } {
  const [told, bound, values, host, uuid] = parse(token) ?? [];
  if (
    told !== version ||
    typeof host !== 'string' ||
    typeof uuid !== 'string' ||
    !hostIdPattern.test(host) ||
    !uuidPattern.test(uuid) ||
    !isValues(values)
  ) {
    return { ok: false, reason: foreign };
  }
  if (bound !== binding) {
    return { ok: false, reason: 'it belongs to a list with other filters or another order' };
  }
  if (values.length !== order.keys.length) return { ok: false, reason: foreign };
  return { ok: true, after: { values, host, uuid } };
}

function isValues(values: unknown): values is OrderValue[] {
  return (
    Array.isArray(values) &&
    values.every(
      (value) => value === null || ['string', 'number', 'boolean'].includes(typeof value),
    )
  );
}

function parse(token: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
