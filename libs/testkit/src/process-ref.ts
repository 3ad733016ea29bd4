import { readFileSync, readdirSync } from 'node:fs';

/**
 * One process for ever: a pid alone is given to another process after the first one ended, the
 * pair with its start time (clock ticks since boot) is not.
 */
export type ProcessRef = { readonly pid: number; readonly startTime: string };

/** The reference of a running process; `undefined` when there is none with this pid. */
export function processRef(pid: number): ProcessRef | undefined {
  const stat = processStat(pid);
  return stat === undefined ? undefined : { pid, startTime: stat.startTime };
}

/** Whether this very process still runs. One that only waits to be reaped does not. */
export function isAlive(ref: ProcessRef): boolean {
  const stat = processStat(ref.pid);
  return stat !== undefined && stat.startTime === ref.startTime && !'ZX'.includes(stat.state);
}

/** Sends a signal to this very process; `false` when it has ended already. */
export function signalProcess(ref: ProcessRef, signal: NodeJS.Signals): boolean {
  if (!isAlive(ref)) return false;
  try {
    process.kill(ref.pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** The pids of a process's children, in the order they were born. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
        .split(' ')
        .filter((child) => child !== '')
        .map(Number),
    );
  } catch {
    return []; // it has ended
  }
}

/** The short name of a process's program (15 bytes at most), `undefined` when it has ended. */
export function programOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

/** The command line of a process, none when it has ended. */
export function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}

function processStat(pid: number): { state: string; startTime: string } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the program's name in parentheses and may hold spaces and parentheses.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startTime] = [fields[0], fields[19]];
  return state === undefined || startTime === undefined ? undefined : { state, startTime };
}
