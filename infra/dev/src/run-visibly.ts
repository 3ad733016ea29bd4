import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { root } from './paths.ts';

/**
 * Runs a command at the repository's root, with our input and output, to its end.
 *
 * @returns its exit code; 128 and more when a signal ended it
 */
export async function runVisibly(
  command: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<number> {
  const child = spawn(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 128;
}
