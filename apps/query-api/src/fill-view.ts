import {
  LinkStatus,
  followEpochs,
  followHosts,
  followState,
  followStats,
  hearHeartbeats,
  makeRoundTrips,
  type FeedHands,
  type Hands,
} from '@virtscope/runtime';
import { BrokerClock, describeMalformed, type Malformed, type View } from '@virtscope/view';
import type { Movement } from './movement.ts';
import { rereadHosts } from './reread-hosts.ts';
import { Seldom } from './seldom.ts';
import type { ViewMetrics } from './view-metrics.ts';

type Connection = Parameters<typeof followState>[0];

export type FillHands = Pick<Hands, 'clock' | 'log' | 'health' | 'signal'> & {
  view: View;
  movement: Movement;
  viewMetrics: ViewMetrics;
};

const tickMs = 1_000;
const forgetTicks = 60;

/** Hands everything that comes from the bus to the view, until the signal aborts. */
export async function fillView(nc: Connection, hands: FillHands): Promise<void> {
  const { view, movement, clock, signal } = hands;
  const link = new LinkStatus(nc);
  const feedHands: FeedHands = { link, clock, signal };
  const told = new Telling(hands);
  view.connection(link.up);
  const stopListening = link.onChange((up) => {
    view.connection(up);
    movement.moved();
  });
  using _ = hearHeartbeats(nc, (subject, data) => {
    told.malformed('heartbeat', view.heartbeat(subject, data));
    movement.moved();
  });
  try {
    await Promise.all([
      makeRoundTrips(nc, feedHands, (trip) => view.roundTripEnded(trip)),
      fillRows(nc, feedHands, hands, told),
      fillHosts(nc, feedHands, hands, told),
      fillStats(nc, feedHands, hands, told),
      fillEpochs(nc, feedHands, hands, told),
      rereadHosts(nc, hands),
      showHealth(hands),
    ]);
  } finally {
    stopListening();
  }
}

function fillRows(
  nc: Connection,
  feedHands: FeedHands,
  { view, movement, viewMetrics, clock }: FillHands,
  told: Telling,
): Promise<void> {
  const brokerClock = new BrokerClock();
  const { messages, lag } = viewMetrics;
  // A replay tells old rows: their age is not the view's lag.
  let live = false;
  return followState(nc, feedHands, (event) => {
    const nowMs = clock.monotonicMs();
    switch (event.type) {
      case 'opened':
        live = false;
        told.state('rows', event.reason);
        view.stateOpened(event, event.reason);
        break;
      case 'message': {
        const { seq, subject, data, brokerMs } = event;
        const { outcome, malformed } = view.stateMessage(seq, subject, data, nowMs);
        messages.inc({ feed: 'state', outcome });
        told.malformed('state', malformed);
        const ageMs = live ? brokerClock.ageMs(brokerMs, nowMs) : undefined;
        if (ageMs !== undefined) lag.observe(ageMs / 1000);
        break;
      }
      case 'caughtUp':
        live = true;
        view.stateCaughtUp(event.seq, nowMs);
        told.state('rows', undefined);
        break;
      case 'checked':
        view.stateChecked(event.seq, event.startedMs, nowMs);
        break;
      case 'lost':
        live = false;
        view.stateLost(event.reason);
        told.state('rows', event.reason);
        break;
      case 'brokerTime':
        brokerClock.said(event.brokerMs, event.startedMs);
        break;
    }
    movement.moved();
  });
}

function fillHosts(
  nc: Connection,
  feedHands: FeedHands,
  { view, viewMetrics, clock }: FillHands,
  told: Telling,
): Promise<void> {
  const { messages } = viewMetrics;
  return followHosts(nc, feedHands, (event) => {
    const nowMs = clock.monotonicMs();
    if (event.type === 'opened') {
      view.hostsOpened();
    } else if (event.type === 'entry') {
      const malformed = view.hostsMessage(event, nowMs);
      messages.inc({ feed: 'hosts', outcome: malformed === undefined ? 'applied' : 'malformed' });
      told.malformed('hosts', malformed);
    } else if (event.type === 'caughtUp') {
      view.hostsCaughtUp(nowMs);
      told.state('inventory', undefined);
    } else if (event.type === 'lost') {
      view.hostsLost(event.reason);
      told.state('inventory', event.reason);
    }
  });
}

function fillStats(
  nc: Connection,
  feedHands: FeedHands,
  { view, viewMetrics, clock }: FillHands,
  told: Telling,
): Promise<void> {
  const { messages } = viewMetrics;
  return followStats(nc, feedHands, (event) => {
    if (event.type === 'opened') {
      view.statsOpened();
    } else if (event.type === 'message') {
      const { subject, data, brokerMs } = event;
      const { outcome, malformed } = view.statsMessage(
        subject,
        data,
        brokerMs,
        clock.monotonicMs(),
      );
      messages.inc({ feed: 'stats', outcome });
      told.malformed('stats', malformed);
    } else if (event.type === 'brokerTime') {
      view.statsBrokerTime(event.brokerMs, event.startedMs);
    } else if (event.type === 'lost') {
      told.state('stats', event.reason);
    } else if (event.type === 'caughtUp') {
      told.state('stats', undefined);
    }
  });
}

function fillEpochs(
  nc: Connection,
  feedHands: FeedHands,
  { view }: FillHands,
  told: Telling,
): Promise<void> {
  return followEpochs(nc, feedHands, (event) => {
    if (event.type === 'opened') view.epochsOpened();
    else if (event.type === 'entry') told.malformed('epochs', view.epochMessage(event));
  });
}

/** Keeps the readiness and the gauges near the truth. */
async function showHealth({ view, health, clock, signal, viewMetrics }: FillHands): Promise<void> {
  for (let tick = 1; !signal.aborted; tick++) {
    const now = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
    const reasons = Object.values(view.unready(now.monotonicMs));
    health.set('view', reasons.length === 0, reasons.join('; '));
    viewMetrics.snapshot(view, now);
    if (tick % forgetTicks === 0) view.forgetExpired(now.monotonicMs);
    await clock.sleep(tickMs, signal).catch(() => undefined);
  }
}

/** Says what people must know, once, and never floods the log. */
class Telling {
  readonly #hands: FillHands;
  readonly #seldom: Seldom;
  readonly #troubles = new Map<string, string>();

  constructor(hands: FillHands) {
    this.#hands = hands;
    this.#seldom = new Seldom(hands.clock);
  }

  malformed(feed: string, malformed: Malformed | undefined): void {
    if (malformed === undefined) return;
    const { log, viewMetrics } = this.#hands;
    viewMetrics.malformed.inc({ feed, kind: malformed.kind });
    this.#seldom.do((keptBack) => log.warn({ keptBack }, describeMalformed(malformed)));
  }

  /** A feed's trouble, or undefined when it flows: only changes are told. */
  state(feed: string, trouble: string | undefined): void {
    if (this.#troubles.get(feed) === trouble && trouble !== undefined) return;
    const { log, view } = this.#hands;
    if (trouble !== undefined) {
      this.#troubles.set(feed, trouble);
      log.warn({ feed }, trouble);
    } else if (this.#troubles.delete(feed)) {
      log.info({ feed, rows: view.table.rows, revision: view.revision }, 'the view is up to date');
    }
  }
}
