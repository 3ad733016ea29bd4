import { subjects, type Epoch, type HostId } from '@virtscope/contracts';
import { HostTasks, Share, inventoryOf, type WantedHost } from '@virtscope/fleet';
import {
  EventPublisher,
  Heart,
  LinkStatus,
  connectNats,
  takeEpoch,
  waitForBus,
  watchYamlFile,
  type Hands,
} from '@virtscope/runtime';
import { sampleHost } from './host-sampling.ts';
import { listenToJobs } from './job-events.ts';
import { MonitorEvents } from './monitor-events.ts';
import { PagePublisher } from './page-publisher.ts';
import { publishedEpoch, type Bus } from './published-epoch.ts';
import { SamplerMetrics } from './sampler-metrics.ts';
import type { SamplerSettings } from './settings.ts';

/** How often the bus is asked again. */
const busRetryMs = 1_000;

/** Samples this replica's share of the inventory, each host by itself, until the signal aborts. */
export async function sampleFleet(hands: Hands, settings: SamplerSettings): Promise<void> {
  const { clock, env, health, log, replica, signal } = hands;
  await using nc = await connectNats(hands);
  const metrics = new SamplerMetrics(hands.metrics);
  const publisher = new PagePublisher({
    bus: nc,
    nowMs: () => clock.monotonicMs(),
    onFate: (fate, pages) => metrics.pages(fate, pages),
  });
  const eventPublisher = new EventPublisher(nc, hands);
  health.set('bus', false, 'its streams and buckets are not there yet');
  await waitForBus(nc, hands);
  health.set('bus', true);
  const link = new LinkStatus(nc);
  const heart = new Heart(
    nc,
    {
      role: 'stats-sampler',
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
      let epoch: Epoch = 1;
      try {
        await share.untilFree(host.id, heart, hostSignal);
        // Readers judge samples by their own age; the beat tells the other samplers who has it.
        heart.tell(host.id, () => ({
          epoch,
          link: 'synced',
          verifiedAgeMs: null,
          seq: 0,
          upTo: 0,
        }));
        const events = await openEvents(
          nc,
          host.id,
          { ...hands, publisher: eventPublisher },
          hostSignal,
        );
        await sampleHost({
          host,
          events,
          listenToJobs: (onJob) => listenToJobs(nc, host.id, onJob),
          hint: (hint) => {
            if (link.up) nc.publish(subjects.hint(hint.host), JSON.stringify(hint));
          },
          ...settings,
          publisher,
          metrics,
          clock,
          log,
          takeEpoch: async (floor, until) => {
            epoch = await nextEpoch(nc, hands, host.id, floor, until);
            return epoch;
          },
          signal: hostSignal,
        });
      } finally {
        if (hostSignal.aborted) heart.release(host.id);
      }
    },
    onBroken: (host, error) => {
      log.error({ host: host.id, err: error }, 'sampling broke; it is started again');
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
  await Promise.all([heart.run(), share.run()]);
  await tasks.drained();
  heart.goodbye();
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
      await clock.sleep(busRetryMs, signal);
    }
  }
}

/** Tries until the bus says what was told last. */
async function openEvents(
  nc: Bus,
  host: HostId,
  hands: Hands & { publisher: EventPublisher },
  signal: AbortSignal,
): Promise<MonitorEvents> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await MonitorEvents.open(nc, host, hands, signal);
    } catch (error) {
      hands.log.warn({ host, err: error }, 'the bus does not say what was told; trying again');
      await hands.clock.sleep(busRetryMs, signal);
    }
  }
}
