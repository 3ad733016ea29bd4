import type { DomainUuid, RateName, StatsCell } from '@virtscope/contracts';
import type { StatsGroup } from './groups.ts';

/** A typed parameter's value as node-libvirt decodes it: exact, so a bigint above 2^53. */
export type StatsValue = number | bigint | string | boolean;

/** A domain as libvirt names it; node-libvirt's `Domain` fits. */
export type DomainRef = {
  readonly uuid: DomainUuid;
  /** -1 when the domain does not run. */
  readonly id: number;
  readonly name: string;
};

/**
 * One domain of an answer. node-libvirt's records fit: `names` is one array for all records that
 * came with the same names, which makes a sample of like domains cheap.
 */
export type StatsRecord = {
  readonly domain: DomainRef;
  readonly params: {
    readonly names: readonly string[];
    valueAt(index: number): StatsValue | undefined;
  };
};

/** When the call of a record began and ended, on the monotonic clock, and began on the wall's. */
export type CallTimes = {
  readonly startedMs: number;
  readonly startedWallMs: number;
  readonly answeredMs: number;
};

/** A record that is kept, with the times of its call, and what was derived when it came. */
export type Held = {
  readonly record: StatsRecord;
  readonly times: CallTimes;
  readonly rates?: Partial<Record<RateName, number>>;
  /** Last good values of the groups that the record lacks. */
  readonly kept?: readonly Kept[];
};

/** Some groups of an earlier record of the same run, with the times of that record's call. */
export type Kept = {
  readonly groups: readonly StatsGroup[];
  readonly record: StatsRecord;
  readonly times: CallTimes;
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
