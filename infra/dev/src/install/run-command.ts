import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** A command failed; the message holds the command, as one would type it, and its last lines. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

/** Runs a command to its end and gives what it printed. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string>; timeoutMs?: number } = {},
): Promise<string> {
  try {
    const { stdout } = await execute(command, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...process.env, LC_ALL: 'C', ...options.env },
      timeout: options.timeoutMs ?? 15 * 60_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
    const tail = lines.slice(-12).map((line) => `  ${line}`);
    throw new CommandError([`failed: ${[command, ...args].join(' ')}`, ...tail].join('\n'), {
      cause: error,
    });
  }
}
