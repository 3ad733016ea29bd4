import { readFileSync, readdirSync } from 'node:fs';
import { type ProcessRef, processRef } from '@virtscope/testkit';

/** Every process of a workbench carries this variable; its value is the state folder. */
export const workbenchVariable = 'VIRTSCOPE_WORKBENCH';

/**
 * The processes that carry a workbench's mark: what a start left behind that died before it
 * could write down what it had just started.
 */
export function strayProcesses(stateDir: string): ProcessRef[] {
  const mark = `${workbenchVariable}=${stateDir}`;
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(mark))
    .map((pid) => processRef(Number(pid)))
    .filter((ref) => ref !== undefined);
}

function environmentOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // it has ended, or is somebody else's
  }
}
