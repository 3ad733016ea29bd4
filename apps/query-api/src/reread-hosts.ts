/** Reads a host's rows again when the view doubts that it has what was written (bus rule 6). */
import { readStateOfHost, type Hands, type NatsConnection } from '@virtscope/runtime';
import { describeMalformed, type View } from '@virtscope/view';
import type { Movement } from './movement.ts';
import type { ViewMetrics } from './view-metrics.ts';

export type RereadHands = Pick<Hands, 'clock' | 'log' | 'signal'> & {
  view: View;
  movement: Movement;
  viewMetrics: ViewMetrics;
};

const waitMs = 60_000;
const retryMs = 1_000;
const deadlineMs = 10_000;

/** One host at a time, until the signal aborts: of a doubted host nothing is called live. */
export async function rereadHosts(nc: NatsConnection, hands: RereadHands): Promise<void> {
  const { view, movement, clock, log, signal } = hands;
  while (!signal.aborted) {
    const [doubt] = view.doubts;
    if (doubt === undefined) {
      const moved = await movement.until(() => view.doubts.size > 0, waitMs, signal);
      if (moved === 'full') await clock.sleep(retryMs, signal).catch(() => undefined);
      continue;
    }
    const [host, reason] = doubt;
    try {
      await rereadHost(nc, hands, host);
      log.warn({ host, reason }, 'the rows of the host were read again');
    } catch (error) {
      if (isAborted(signal)) return;
      log.warn({ err: error, host, reason }, 'the rows of the host cannot be read again now');
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
}

async function rereadHost(
  nc: NatsConnection,
  { view, movement, viewMetrics, clock, log, signal }: RereadHands,
  host: string,
): Promise<void> {
  const { table } = view;
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
  const { asOf, messages } = await readStateOfHost(nc, host, deadline);
  const malformed = view.hostReread(host, { table, asOf }, messages, clock.monotonicMs());
  for (const each of malformed) log.warn(describeMalformed(each));
  viewMetrics.rereads.inc({ host });
  movement.moved();
}

// A function, as the compiler takes a property's first answer for ever.
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
