import { z } from 'zod';
import { parseVariables } from '@virtscope/runtime';
import { defaultHistoryBudgetMiB, type HistoryOptions } from '@virtscope/view';

/** Memory for the short history: 0 turns it off. */
export function readHistoryOptions(env: Record<string, string | undefined>): HistoryOptions {
  const { VIRTSCOPE_HISTORY_BUDGET_MIB: budgetMiB } = parseVariables(env, variables);
  return { budgetMiB };
}

const variables = {
  VIRTSCOPE_HISTORY_BUDGET_MIB: z
    .string()
    .regex(/^\d{1,5}$/, 'must be a whole number of MiB')
    .transform(Number)
    .prefault(String(defaultHistoryBudgetMiB)),
};
