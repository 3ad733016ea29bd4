import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Paths } from '../paths.ts';
import { runVisibly } from '../run-visibly.ts';
import { CannotError, UsageError } from '../usage.ts';
import { readState } from '../workbench/state.ts';

/** Shows the end of one log, or of all; with `follow`, what comes too. */
export async function logs(
  paths: Paths,
  options: { service: string | undefined; follow: boolean },
): Promise<number> {
  const known = logFiles(paths);
  if (known.size === 0) throw new CannotError('there are no logs; ./dev up makes some');
  const { service } = options;
  if (service !== undefined && !known.has(service)) {
    throw new UsageError(`${service} has no log; there are: ${[...known.keys()].join(', ')}`);
  }
  const files = [...known].filter(([name]) => service === undefined || name === service);
  return runVisibly('tail', [
    ...(options.follow ? ['-F'] : []),
    `--lines=${service === undefined ? 10 : 100}`,
    ...files.map(([, file]) => file),
  ]);
}

/** By the process's name: of what runs, or of what ran last and kept its log. */
function logFiles(paths: Paths): Map<string, string> {
  const files = new Map<string, string>();
  if (existsSync(paths.logs)) {
    for (const file of readdirSync(paths.logs).filter((name) => name.endsWith('.log'))) {
      files.set(file.slice(0, -'.log'.length), join(paths.logs, file));
    }
  }
  for (const { name, log } of readState(paths.stateFile)?.processes ?? []) {
    if (existsSync(log)) files.set(name, log);
  }
  return files;
}
