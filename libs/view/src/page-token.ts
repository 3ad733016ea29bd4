/** Opaque page tokens: where the last page ended, bound to the filter that it was asked with. */
import { createHash } from 'node:crypto';
import { hostIdPattern, uuidPattern, type DomainUuid, type HostId } from '@virtscope/contracts';
import type { DomainFilter } from './filter.ts';

export type PagePosition = { host: HostId; uuid: DomainUuid };

export function writePageToken(filter: DomainFilter, { host, uuid }: PagePosition): string {
  return Buffer.from(JSON.stringify([1, digestOf(filter), host, uuid])).toString('base64url');
}

/** @returns why the token cannot be used with this filter, or where to go on */
export function readPageToken(
  filter: DomainFilter,
  token: string,
): { ok: true; after: PagePosition } | { ok: false; reason: string } {
  const parts = parse(token);
  if (parts === undefined) return { ok: false, reason: 'it is no token of this API' };
  const [version, digest, host, uuid] = parts;
  if (
    version !== 1 ||
    typeof host !== 'string' ||
    typeof uuid !== 'string' ||
    !hostIdPattern.test(host) ||
    !uuidPattern.test(uuid)
  ) {
    return { ok: false, reason: 'it is no token of this API' };
  }
  if (digest !== digestOf(filter)) {
    return { ok: false, reason: 'it belongs to a list with other filters' };
  }
  return { ok: true, after: { host, uuid } };
}

function parse(token: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function digestOf({ hosts, states, names }: DomainFilter): string {
  const text = JSON.stringify([hosts, states, names].map((set) => set && [...set].toSorted()));
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
