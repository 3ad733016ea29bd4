import { rmSync } from 'node:fs';
import { type ProcessRef, isAlive, signalProcess, waitFor } from '@virtscope/testkit';
import type { Paths } from '../paths.ts';
import { type Layer, type RunningProcess, type State, removeState } from './state.ts';
import { strayProcesses } from './strays.ts';

/** What a service gets to finish its work after SIGTERM. */
const graceMs = 10_000;

/**
 * Ends every process of a workbench, in order, and removes what goes with it. Nothing of it runs
 * afterwards, and its data is kept.
 *
 * @returns the names of what still ran
 */
export async function endWorkbench(paths: Paths, state: State | undefined): Promise<string[]> {
  const ended: string[] = [];
  for (const layer of ['service', 'host', 'server'] satisfies Layer[]) {
    const running = (state?.processes ?? []).filter((process) => process.layer === layer);
    const ends = running.map((process) => endProcess(process));
    for (const [index, wasAlive] of (await Promise.all(ends)).entries()) {
      if (wasAlive) ended.push(running[index]?.name ?? layer);
    }
  }
  const strays = strayProcesses(paths.state);
  if (strays.length > 0) {
    await kill(strays);
    ended.push(`${strays.length} that an earlier start left`);
  }
  for (const folder of state?.folders ?? []) rmSync(folder, { recursive: true, force: true });
  rmSync(paths.run, { recursive: true, force: true });
  removeState(paths.stateFile);
  return ended;
}

async function endProcess(running: RunningProcess): Promise<boolean> {
  const alive = running.refs.filter(isAlive);
  if (alive.length === 0) return false;
  if (running.layer === 'host') {
    // The namespace's first process goes first: the kernel takes all others along.
    await kill(alive.toReversed());
    return true;
  }
  for (const ref of alive) {
    signalProcess(ref, 'SIGTERM');
    signalProcess(ref, 'SIGCONT'); // a stopped one takes its signal only when it goes on
  }
  const gone = (): boolean => !alive.some(isAlive);
  await waitFor(gone, { what: `${running.name} to end`, timeoutMs: graceMs }).catch(() =>
    kill(alive),
  );
  return true;
}

async function kill(refs: readonly ProcessRef[]): Promise<void> {
  for (const ref of refs) signalProcess(ref, 'SIGKILL');
  await waitFor(() => !refs.some(isAlive), { what: 'killed processes to vanish' });
}
