/**
 * What runs, as `state.json` keeps it: enough to end every process and to say where things are.
 * It is rewritten after each start, so that a start that was cut short can be cleaned up.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ProcessRef, isAlive } from '@virtscope/testkit';
import { CannotError } from '../usage.ts';

/** How a process is ended: services first, then hosts (at once, like a power cut), then servers. */
export type Layer = 'service' | 'host' | 'server';

export type RunningProcess = {
  name: string;
  layer: Layer;
  /** A private host has two: the outer process and its namespace's first one. */
  refs: ProcessRef[];
  log: string;
  /** Where a service's metrics are. */
  metrics?: string;
};

export type HostUri = { id: string; uri: string };

export type State = {
  version: 1;
  /** The `up` that starts or, in the foreground, keeps it. */
  owner: ProcessRef;
  queryApi?: string;
  nats?: string;
  redis?: string;
  hosts: HostUri[];
  processes: RunningProcess[];
  /** Folders outside the state folder that go with it. */
  folders: string[];
};

export function newState(owner: ProcessRef): State {
  return { version: 1, owner, hosts: [], processes: [], folders: [] };
}

/** @returns undefined when nothing was started, or all was ended */
export function readState(file: string): State | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return parseState(text);
  } catch (error) {
    throw new CannotError(
      `${file} cannot be read: ${(error as Error).message}. Remove it; ./dev down then finds what runs by itself.`,
      { cause: error },
    );
  }
}

export function parseState(text: string): State {
  const state = JSON.parse(text) as Partial<State> | null;
  if (state?.version !== 1) throw new Error('it is not of version 1');
  if (state.owner === undefined || !Array.isArray(state.processes)) {
    throw new Error('it lacks the owner or the processes');
  }
  return { hosts: [], folders: [], ...state } as State;
}

/** Written whole or not at all: a reader never sees half of it. */
export function writeState(file: string, state: State): void {
  mkdirSync(dirname(file), { recursive: true });
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, `${JSON.stringify(state, undefined, 2)}\n`);
  renameSync(fresh, file);
}

export function removeState(file: string): void {
  rmSync(file, { force: true });
}

/** Does anything of it run still (or start right now)? */
export function isUp(state: State): boolean {
  return isAlive(state.owner) || state.processes.some(processRuns);
}

export function processRuns(running: RunningProcess): boolean {
  return running.refs.every(isAlive);
}
