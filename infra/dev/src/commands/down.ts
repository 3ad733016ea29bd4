import { isAlive, signalProcess, waitFor } from '@virtscope/testkit';
import type { Paths } from '../paths.ts';
import type { Progress } from '../progress.ts';
import { CannotError } from '../usage.ts';
import { endWorkbench } from '../workbench/end.ts';
import { type State, readState, removeState } from '../workbench/state.ts';

/** Ends what `up` started, also what a crashed one left. Its data is kept. */
export async function down(paths: Paths, progress: Progress): Promise<void> {
  const state = readStateOrForget(paths, progress);
  if (state !== undefined && state.owner.pid !== process.pid && isAlive(state.owner)) {
    // An `up` in the foreground, or one that still starts: it ends its own, in order.
    signalProcess(state.owner, 'SIGTERM');
    await waitFor(() => !isAlive(state.owner), {
      what: 'the running ./dev up to end',
      timeoutMs: 60_000,
    });
  }
  const ended = await endWorkbench(paths, state);
  if (ended.length > 0) console.log(`ended ${ended.join(', ')}`);
  else console.log(state === undefined ? 'nothing runs' : 'ended');
}

/** A broken state file is no reason to leave processes behind: they carry a mark. */
function readStateOrForget(paths: Paths, progress: Progress): State | undefined {
  try {
    return readState(paths.stateFile);
  } catch (error) {
    if (!(error instanceof CannotError)) throw error;
    progress.note(error.message);
    removeState(paths.stateFile);
    return undefined;
  }
}
