import type { NatsConnection } from '@nats-io/nats-core';
import type { FeedHands } from './stream-feed.ts';

/** How often the connection is tried. */
export const roundTripPeriodMs = 1_000;
const deadlineMs = 2_000;

/** Monotonic. */
export type RoundTripTimes = { startedMs: number; endedMs: number };

/**
 * Makes round trips to the server, one at a time, until `signal` aborts. The server answers in the
 * order of what it sends us, so whatever comes after an answer was sent after the question.
 */
export async function makeRoundTrips(
  nc: NatsConnection,
  { link, clock, signal }: FeedHands,
  on: (trip: RoundTripTimes) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await link.untilUp(signal);
      const startedMs = clock.monotonicMs();
      const answered = nc.flush().then(
        () => true,
        () => false,
      );
      const late = clock.sleep(deadlineMs, signal).then(() => false);
      if (await Promise.race([answered, late])) on({ startedMs, endedMs: clock.monotonicMs() });
      await clock.sleep(roundTripPeriodMs, signal);
    } catch {
      return; // nothing but the signal ends these waits
    }
  }
}
