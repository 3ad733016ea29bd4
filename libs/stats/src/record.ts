import type { DomainUuid, StatsCell } from '@virtscope/contracts';

/** A typed parameter's value as node-libvirt decodes it: exact, so a bigint above 2^53. */
export type StatsValue = number | bigint | string | boolean;

/**
 * One domain of an answer. node-libvirt's records fit: `names` is one array for all records that
 * came with the same names, which makes a sample of like domains cheap.
 */
export type StatsRecord = {
  readonly domain: {
    readonly uuid: DomainUuid;
    /** -1 when the domain does not run. */
    readonly id: number;
  };
  readonly params: {
    readonly names: readonly string[];
    valueAt(index: number): StatsValue | undefined;
  };
};

/**
 * What stands in a page for a value. JSON's numbers are doubles: a 64-bit integer that a double
 * cannot hold exactly (above 2^53) becomes its decimal string, digit by digit as libvirt said it.
 * A double that JSON cannot say (NaN, infinite) is absent.
 */
export function cellOf(value: StatsValue | undefined): StatsCell {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value.toString();
  }
  return value ?? null;
}
