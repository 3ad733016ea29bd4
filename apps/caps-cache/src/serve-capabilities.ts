import {
  capsHistoryReplySchema,
  capsReplySchema,
  factReplySchema,
  subjects,
  type CapsRefusal,
  type HostId,
  type HostPulse,
} from '@virtscope/contracts';
import { HostTasks, Share, hostSessions, inventoryOf, type WantedHost } from '@virtscope/fleet';
import {
  EventPublisher,
  Heart,
  LinkStatus,
  connectNats,
  NatsService,
  RedisCache,
  watchYamlFile,
  type Hands,
} from '@virtscope/runtime';
import type { z } from 'zod';
import { askReplica } from './ask-replica.ts';
import { ChangeEvents } from './change-events.ts';
import { CapsMetrics } from './caps-metrics.ts';
import { capsQuestion } from './caps-question.ts';
import { CommonCpu } from './common-cpu.ts';
import { factQuestion } from './fact-question.ts';
import { historyQuestion } from './history-question.ts';
import { HostDesk } from './host-desk.ts';
import { capsRefusal, hostEndpoint, passedEndpoint } from './host-endpoint.ts';
import { indexEndpoint } from './index-endpoint.ts';
import { Kinds } from './kinds.ts';
import { allowedCalls, type CapsSettings } from './settings.ts';

/** Of the service that NATS shows: it goes up when what it answers changes. */
const serviceVersion = '1.1.0';

/** Capabilities have no epochs: of two replicas that both have a host either may answer. */
const pulse: HostPulse = { epoch: 1, link: 'synced', verifiedAgeMs: null, seq: 0, upTo: 0 };

/**
 * Answers questions about every host of the inventory until the signal aborts: of its own share by
 * itself, of the others' by asking the replica that has the host.
 */
export async function serveCapabilities(
  hands: Hands,
  settings: CapsSettings = { domainCapabilities: false },
): Promise<void> {
  const { clock, env, health, log, replica, signal } = hands;
  health.set('capabilities', false, 'questions are not answered yet');
  const metrics = new CapsMetrics(hands.metrics);
  const desks = new Map<HostId, HostDesk>();
  await using nc = await connectNats(hands);
  await using cache = new RedisCache(hands);
  using kinds = new Kinds({ replica, cache, metrics, clock, log, ...settings });
  cache.onReady(() => {
    kinds.redisReturned();
    for (const desk of desks.values()) desk.redisReturned();
  });
  metrics.watchRedis(() => cache.isReady);

  const publisher = new EventPublisher(nc, { clock, log });
  const link = new LinkStatus(nc);
  const heart = new Heart(
    nc,
    {
      role: 'caps-cache',
      link,
      onBeat: (other, leaving) => share.heard(other, leaving, heart),
      onSilence: () => {
        share.missedBeats();
        heart.beatNow();
      },
    },
    hands,
  );
  link.onChange((up) => up && share.missedBeats());
  const tasks = new HostTasks({
    run: async (host, hostSignal) => {
      try {
        await share.untilFree(host.id, heart, hostSignal);
        using desk = new HostDesk({
          host: host.id,
          cache,
          metrics,
          clock,
          log,
          changes: new ChangeEvents({
            host: host.id,
            nc,
            publisher,
            clock,
            log,
            replica,
            metrics: hands.metrics,
            signal: hostSignal,
          }),
          onChange: (now) => kinds.is(host.id, now),
        });
        desks.set(host.id, desk);
        // The beat tells the other replicas whom to ask; nobody else listens to it.
        heart.tell(host.id, () => pulse);
        await serveHost(host, desk, metrics, { ...hands, signal: hostSignal }, settings);
      } finally {
        desks.delete(host.id);
        if (hostSignal.aborted) heart.release(host.id);
      }
    },
    onBroken: (host, error) => {
      log.error({ host: host.id, err: error }, 'watching broke; it is started again');
    },
    clock,
    signal,
  });
  const share: Share<WantedHost> = new Share({
    replica,
    tasks,
    clock,
    random: Math.random,
    signal,
    onMoved: (moved) => log.info(moved, 'hosts are shared'),
  });
  await watchYamlFile(env.fleetFile, hands, (file) => {
    const { hosts, problems } = inventoryOf(file, share.wanted);
    for (const problem of problems) log.error(`inventory: ${problem}`);
    if (hosts !== undefined) share.want(hosts);
  });

  const isWanted = (host: HostId): boolean => share.wanted.some(({ id }) => id === host);
  /** Passes a question about a host on to the replica that has it. */
  const passingOn =
    <Reply>(subjectOf: (replica: string, host: HostId) => string, schema: z.ZodType<Reply>) =>
    (host: HostId, body: object | undefined): Promise<Reply | CapsRefusal> | undefined => {
      const holder = heart.holderOf(host);
      if (holder === undefined) return undefined;
      const subject = subjectOf(holder, host);
      return askReplica(nc, { host, replica: holder, subject, body }, schema);
    };
  const askHolder = passingOn(subjects.capsOfReplica, capsReplySchema);
  const capabilities = capsQuestion({
    deskOf: (host) => desks.get(host),
    isWanted,
    passOn: askHolder,
    metrics,
  });
  const facts = factQuestion({
    kinds,
    isOurs: (host) => desks.has(host),
    isWanted,
    passOn: passingOn(subjects.factOfReplica, factReplySchema),
    metrics,
  });
  const history = historyQuestion({
    deskOf: (host) => desks.get(host),
    isWanted,
    passOn: passingOn(subjects.historyOfReplica, capsHistoryReplySchema),
  });
  const commonCpu = new CommonCpu({
    kinds,
    capabilitiesOf: async (host) =>
      (await (desks.get(host)?.ask() ?? askHolder(host, undefined))) ??
      capsRefusal(
        host,
        isWanted(host) ? 'unavailable' : 'unknown-host',
        isWanted(host) ? 'it is only now being watched' : 'it is not in the inventory',
      ),
  });
  await using service = new NatsService(
    nc,
    {
      name: 'virtscope-caps',
      version: serviceVersion,
      description: 'What each host can run',
      endpoints: [
        hostEndpoint(capabilities),
        passedEndpoint(replica, capabilities),
        hostEndpoint(facts),
        passedEndpoint(replica, facts),
        hostEndpoint(history),
        passedEndpoint(replica, history),
        indexEndpoint(replica, kinds),
        commonCpu.endpoint,
      ],
    },
    log,
  );
  await nc.flush();
  health.set('capabilities', true);
  log.info({ service: service.id }, 'answering');
  await Promise.all([heart.run(), share.run()]);
  await tasks.drained();
  heart.goodbye();
}

/** One session at a time, whose calls are on the bill as `caps` (L6: one low-priority call). */
async function serveHost(
  { id: host, uri }: WantedHost,
  desk: HostDesk,
  metrics: CapsMetrics,
  { clock, log, signal }: Pick<Hands, 'clock' | 'log' | 'signal'>,
  { domainCapabilities }: CapsSettings,
): Promise<void> {
  const sessions = hostSessions({
    uri,
    connect: {
      readOnly: !domainCapabilities,
      allow: allowedCalls,
      maxLowPriorityInFlight: 1,
      onCall: (bill) => metrics.bill(host, bill),
    },
    clock,
    random: Math.random,
    signal,
    onFailure: (error, retryInMs) => {
      desk.unreachable(error);
      log.warn({ host, err: error, retryInMs }, 'no session; trying again');
    },
  });
  for await (const session of sessions) await desk.serve(session);
}
