import type { LabelRule } from '@virtscope/domain-xml';
import { hostSessions, isAborted, type WantedHost } from '@virtscope/fleet';
import type {
  EventPublisher,
  Hands,
  Heart,
  NatsConnection,
  StateWriter,
  XmlStore,
} from '@virtscope/runtime';
import type { BusGuard } from './bus-guard.ts';
import { FeedSession } from './feed-session.ts';
import { LostReport } from './lost-report.ts';
import { Silence } from './silence.ts';

/** What the watch of a host works with: one of each per replica, but for the signal. */
export type BridgeHands = {
  hands: Hands;
  nc: NatsConnection;
  guard: BusGuard;
  heart: Heart;
  writer: StateWriter;
  publisher: EventPublisher;
  xmlStore: XmlStore;
  /** Which metadata of a domain become its labels. */
  labelRules: readonly LabelRule[];
  /** Resolves when no other living replica holds the host. */
  untilFree(): Promise<void>;
  /** Ends this host's watch. */
  signal: AbortSignal;
};

/** Watches one host until its signal aborts: one libvirt session after the other. */
export async function watchHost(host: WantedHost, bridge: BridgeHands): Promise<void> {
  const { hands, signal } = bridge;
  const log = hands.log.child({ host: host.id });
  const report = new LostReport(host, bridge);
  let cause = 'the watch of the host begins';
  const silence = new Silence(() => hands.clock.monotonicMs());
  const sessions = hostSessions({
    uri: host.uri,
    connect: {
      onCall: ({ procedure, reason, tookMs, outcome }) => {
        silence.ended(outcome);
        hands.metrics.libvirtCall({
          host: host.id,
          tier: 'events',
          reason,
          procedure,
          outcome,
          tookMs,
        });
      },
    },
    clock: hands.clock,
    random: Math.random,
    signal,
    onFailure: (error, retryInMs) => {
      cause = error instanceof Error ? error.message : String(error);
      log.warn({ err: error, retryInMs }, `no session with ${host.uri}`);
      report.tell(cause);
    },
  });
  for await (const session of sessions) {
    await bridge.untilFree();
    log.info('a session with libvirt is open');
    report.opened();
    for (let again = true; again && !isAborted(signal);) {
      const feed = new FeedSession(host, { session, silence, cause }, bridge, log);
      ({ cause, again } = await feed.run());
    }
  }
}
