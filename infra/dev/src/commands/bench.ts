import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../paths.ts';
import { runVisibly } from '../run-visibly.ts';
import { UsageError } from '../usage.ts';

const suffix = '.bench.ts';

/** Runs a benchmark, which prints its table and writes its result; without a name, lists them. */
export async function bench(name: string | undefined, args: readonly string[]): Promise<number> {
  const folder = join(root, 'bench');
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length));
  if (name === undefined) {
    console.log(names.length === 0 ? 'there are no benchmarks' : names.join('\n'));
    return 0;
  }
  const file = join(folder, `${name}${suffix}`);
  if (!names.includes(name)) {
    throw new UsageError(`there is no benchmark ${name}; there are: ${names.join(', ')}`);
  }
  return runVisibly(process.execPath, [file, ...args]);
}
