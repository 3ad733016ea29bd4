/**
 * One who watches. Frames carry a revision only once all that was there has been told: whoever
 * loses the connection before that begins anew, and misses nothing.
 */
import type { HostId } from '@virtscope/contracts';
import type { Group } from './group.ts';

/** Where frames go. */
export type Sink = {
  /** @returns false when it is full: the frame was taken, and the next should wait */
  push: (text: string) => boolean;
};

export type Watcher = {
  readonly group: Group;
  readonly sink: Sink;
  /** Hosts whose rows it has not been told yet: their changes are in what will be told. */
  pending: Set<HostId> | undefined;
  phase:
    | { is: 'telling' }
    | { is: 'following' }
    /** Slow: all after this sequence is told at once when it can take more. */
    | { is: 'behind'; seq: number };
};

/** Gives a frame to a watcher that may take it now. */
export function give(
  watcher: Watcher,
  host: HostId,
  plain: string,
  withRevision: string,
  seq: number,
): void {
  const { phase, pending, sink } = watcher;
  if (phase.is === 'behind' || pending?.has(host) === true) return;
  if (phase.is === 'telling') {
    sink.push(plain);
    return;
  }
  if (!sink.push(withRevision)) watcher.phase = { is: 'behind', seq };
}
