/**
 * Long questions are generators that yield at every place where they may be interrupted: the
 * shell has the clock and decides. What they answer stands for the revision at their start.
 */

/** How many rows are looked at between two places to stop. */
export const rowsPerStep = 64;

export type Sliced<T> = Generator<undefined, T, undefined>;

/** Runs to the end without a pause. */
export function runAll<T>(sliced: Sliced<T>): T {
  for (;;) {
    const step = sliced.next();
    if (step.done === true) return step.value;
  }
}
