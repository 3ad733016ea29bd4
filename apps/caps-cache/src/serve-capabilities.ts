import type { HostId } from '@virtscope/contracts';
import { HostTasks, hostSessions, inventoryOf, type WantedHost } from '@virtscope/fleet';
import {
  connectNats,
  NatsService,
  RedisCache,
  watchYamlFile,
  type Hands,
} from '@virtscope/runtime';
import { hostEndpoint } from './caps-endpoint.ts';
import { CapsMetrics } from './caps-metrics.ts';
import { HostDesk } from './host-desk.ts';

/** Of the service that NATS shows: it goes up when what it answers changes. */
const serviceVersion = '1.0.0';

/** Answers questions about every host of the inventory until the signal aborts. */
export async function serveCapabilities(hands: Hands): Promise<void> {
  const { clock, env, health, log, signal } = hands;
  health.set('capabilities', false, 'questions are not answered yet');
  const metrics = new CapsMetrics(hands.metrics);
  const desks = new Map<HostId, HostDesk>();
  await using nc = await connectNats(hands);
  await using cache = new RedisCache(hands);
  cache.onReady(() => {
    for (const desk of desks.values()) desk.redisReturned();
  });
  metrics.watchRedis(() => cache.isReady);

  const tasks = new HostTasks({
    run: async (host, hostSignal) => {
      using desk = new HostDesk({ host: host.id, cache, metrics, clock, log });
      desks.set(host.id, desk);
      try {
        await serveHost(host, desk, metrics, { ...hands, signal: hostSignal });
      } finally {
        desks.delete(host.id);
      }
    },
    onBroken: (host, error) => {
      log.error({ host: host.id, err: error }, 'watching broke; it is started again');
    },
    clock,
    signal,
  });
  await watchYamlFile(env.fleetFile, hands, (file) => {
    const { hosts, problems } = inventoryOf(file, tasks.hosts);
    for (const problem of problems) log.error(`inventory: ${problem}`);
    if (hosts !== undefined) tasks.apply(hosts);
  });

  const isWanted = (host: HostId): boolean => tasks.hosts.some(({ id }) => id === host);
  await using service = new NatsService(
    nc,
    {
      name: 'virtscope-caps',
      version: serviceVersion,
      description: 'What each host can run',
      endpoints: [hostEndpoint({ deskOf: (host) => desks.get(host), isWanted, metrics })],
    },
    log,
  );
  await nc.flush();
  health.set('capabilities', true);
  log.info({ service: service.id }, 'answering');
  await aborted(signal);
  await tasks.drained();
}

/** One session at a time, whose calls are on the bill as `caps` (L6: one low-priority call). */
async function serveHost(
  { id: host, uri }: WantedHost,
  desk: HostDesk,
  metrics: CapsMetrics,
  { clock, log, signal }: Pick<Hands, 'clock' | 'log' | 'signal'>,
): Promise<void> {
  const sessions = hostSessions({
    uri,
    connect: { maxLowPriorityInFlight: 1, onCall: (bill) => metrics.bill(host, bill) },
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

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
