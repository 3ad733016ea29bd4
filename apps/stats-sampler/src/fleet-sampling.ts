import type { Epoch, HostId } from '@virtscope/contracts';
import { HostTasks, inventoryOf } from '@virtscope/fleet';
import { connectNats, takeEpoch, waitForBus, watchYamlFile, type Hands } from '@virtscope/runtime';
import { sampleHost } from './host-sampling.ts';
import { PagePublisher } from './page-publisher.ts';
import { publishedEpoch, type Bus } from './published-epoch.ts';
import { SamplerMetrics } from './sampler-metrics.ts';
import type { SamplerSettings } from './settings.ts';

/** How often the bus is asked again for an epoch. */
const epochRetryMs = 1_000;

/** Samples every host of the inventory, each by itself, until the signal aborts. */
export async function sampleFleet(hands: Hands, settings: SamplerSettings): Promise<void> {
  const { clock, env, health, log, signal } = hands;
  await using nc = await connectNats(hands);
  const metrics = new SamplerMetrics(hands.metrics);
  const publisher = new PagePublisher({
    bus: nc,
    nowMs: () => clock.monotonicMs(),
    onFate: (fate, pages) => metrics.pages(fate, pages),
  });
  health.set('bus', false, 'its streams and buckets are not there yet');
  await waitForBus(nc, hands);
  health.set('bus', true);
  const tasks = new HostTasks({
    run: (host, hostSignal) =>
      sampleHost({
        host,
        ...settings,
        publisher,
        metrics,
        clock,
        log,
        takeEpoch: (floor, until) => nextEpoch(nc, hands, host.id, floor, until),
        signal: hostSignal,
      }),
    onBroken: (host, error) => {
      log.error({ host: host.id, err: error }, 'sampling broke; it is started again');
    },
    clock,
    signal,
  });
  await watchYamlFile(env.fleetFile, hands, (file) => {
    const { hosts, problems } = inventoryOf(file, tasks.hosts);
    for (const problem of problems) log.error(`inventory: ${problem}`);
    if (hosts !== undefined) tasks.apply(hosts);
  });
  await aborted(signal);
  await tasks.drained();
}

/** Tries until the bus gives one: samples without an epoch would be nobody's. */
async function nextEpoch(
  nc: Bus,
  { clock, log, replica }: Hands,
  host: HostId,
  floor: Epoch,
  signal: AbortSignal,
): Promise<Epoch> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const highest = Math.max(floor, await publishedEpoch(nc, host));
      const role = 'stats-sampler';
      return await takeEpoch(nc, { role, host, floor: highest, clock, holder: replica });
    } catch (error) {
      log.warn({ host, err: error }, 'the bus gives no epoch; trying again');
      await clock.sleep(epochRetryMs, signal);
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
