import { setTimeout as sleepFor } from 'node:timers/promises';

/** Time as a value. Ages are judged by the monotonic reading, people are told the wall's. */
export type Clock = {
  /** Milliseconds since some moment of this process; never goes back. */
  monotonicMs(): number;
  /** Milliseconds since 1970, as the machine believes; may jump. */
  wallMs(): number;
  /** @throws the signal's reason when it aborts first */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
};

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await sleepFor(ms, undefined, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};
