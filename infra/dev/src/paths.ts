import { join, resolve } from 'node:path';

/** The repository's root. */
export const root = resolve(import.meta.dirname, '../../..');

/** Where a workbench keeps its state. */
export type Paths = {
  /** The one folder of all that follows. */
  readonly state: string;
  /** What runs now. */
  readonly stateFile: string;
  /** What is made anew by every `up`: sockets, domains, fleet.yaml. */
  readonly run: string;
  /** One log per process. */
  readonly logs: string;
  /** What outlives `down`: the bus. */
  readonly data: string;
};

export function pathsOf(env: Record<string, string | undefined>): Paths {
  const moved = env['VIRTSCOPE_STATE_DIR'];
  const state = moved === undefined || moved === '' ? join(root, '.virtscope') : resolve(moved);
  return {
    state,
    stateFile: join(state, 'state.json'),
    run: join(state, 'run'),
    logs: join(state, 'logs'),
    data: join(state, 'data'),
  };
}
