import { createHash } from 'node:crypto';

/**
 * JSON with every object's keys in order and no absent ones, so that equal values have one text.
 */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

/** SHA-256 in hexadecimal digits. A function of its input alone, as a mind may call. */
export function contentHash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
