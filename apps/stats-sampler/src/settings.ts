import { parseVariables } from '@virtscope/runtime';
import { defaultPeriods, type SamplerPeriods } from '@virtscope/stats';
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
};

/** @throws {EnvError} naming the variable and why */
export function readPeriods(env: Record<string, string | undefined>): SamplerPeriods {
  const { VIRTSCOPE_FAST_PERIOD_MS: fast, VIRTSCOPE_MONITOR_PERIOD_MS: monitor } = parseVariables(
    env,
    variables,
  );
  return { fast, monitor };
}
