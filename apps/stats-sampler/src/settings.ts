import { parseVariables } from '@virtscope/runtime';
import {
  defaultPeriods,
  statsExtras,
  type SamplerPeriods,
  type StatsExtra,
} from '@virtscope/stats';
import { z } from 'zod';

/** A whole number of milliseconds, as the grid of turns has whole milliseconds. */
function periodMs(min: number, max: number, byDefault: number): z.ZodType<number> {
  return z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number of milliseconds')
    .transform(Number)
    .refine((ms) => ms >= min && ms <= max, `must be from ${min} to ${max} milliseconds`)
    .prefault(String(byDefault));
}

const variables = {
  VIRTSCOPE_FAST_PERIOD_MS: periodMs(100, 60_000, defaultPeriods.fast),
  VIRTSCOPE_MONITOR_PERIOD_MS: periodMs(500, 600_000, defaultPeriods.monitor),
  VIRTSCOPE_HOST_PERIOD_MS: periodMs(1_000, 3_600_000, defaultPeriods.host),
  VIRTSCOPE_STATS_EXTRAS: z
    .string()
    .transform((text) => text.split(',').filter((each) => each !== ''))
    .pipe(z.array(z.enum(statsExtras)))
    .prefault(''),
};

export type SamplerSettings = { periods: SamplerPeriods; extras: readonly StatsExtra[] };

/** @throws {EnvError} naming the variable and why */
export function readSettings(env: Record<string, string | undefined>): SamplerSettings {
  const read = parseVariables(env, variables);
  return {
    periods: {
      fast: read.VIRTSCOPE_FAST_PERIOD_MS,
      monitor: read.VIRTSCOPE_MONITOR_PERIOD_MS,
      host: read.VIRTSCOPE_HOST_PERIOD_MS,
    },
    extras: read.VIRTSCOPE_STATS_EXTRAS,
  };
}
