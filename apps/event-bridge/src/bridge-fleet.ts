import { HostTasks, Membership, inventoryOf, type WantedHost } from '@virtscope/fleet';
import {
  EventPublisher,
  Heart,
  StateWriter,
  connectNats,
  ensureBus,
  watchYamlFile,
  type Hands,
} from '@virtscope/runtime';
import { BusGuard } from './bus-guard.ts';
import { InventoryKeeper } from './inventory-keeper.ts';
import { watchHost } from './watch-host.ts';

/** How often the share of this replica is looked at again. */
const sharePeriodMs = 250;

/** Runs the service until `hands.signal` aborts and everything that was heard is on the bus. */
export async function bridgeFleet(hands: Hands): Promise<void> {
  const { clock, health, log, signal } = hands;
  health.set('inventory', false, `${hands.env.fleetFile} is not read yet`);
  const nc = await connectNats(hands);
  await ensureBus(nc, hands);
  const guard = await BusGuard.open(nc, hands);
  const membership = new Membership(hands.replica, clock.monotonicMs());
  const heart = new Heart(
    nc,
    {
      role: 'event-bridge',
      link: guard.link,
      onBeat: (replica, leaving) => {
        if (leaving) membership.left(replica);
        else if (membership.heard(replica, clock.monotonicMs())) heart.beatNow();
      },
      onSilence: () => {
        membership.reconnected(clock.monotonicMs(), Math.random());
        guard.look();
      },
    },
    hands,
  );
  guard.link.onChange((up) => up && membership.reconnected(clock.monotonicMs(), Math.random()));
  const passage = (): Promise<void> | undefined => guard.passage(heart.silentMs);
  const writer = new StateWriter(nc, hands, passage);
  const publisher = new EventPublisher(nc, hands, passage);
  const inventory = new InventoryKeeper(nc, hands, () => membership.isLowest(clock.monotonicMs()));
  const tasks = new HostTasks({
    run: async (host, hostSignal) => {
      try {
        await watchHost(host, { hands, nc, guard, heart, writer, publisher, signal: hostSignal });
      } finally {
        if (hostSignal.aborted) heart.release(host.id);
      }
    },
    onBroken: ({ id: host }, error) =>
      log.error({ host, err: error }, 'the watch of a host broke; it starts again'),
    clock,
    signal,
  });
  let wanted: readonly WantedHost[] = [];
  await watchYamlFile(hands.env.fleetFile, hands, (content) => {
    const { hosts, problems } = inventoryOf(content, wanted);
    for (const problem of problems) log.error(problem);
    if (hosts === undefined) return;
    wanted = hosts;
    log.info({ hosts: hosts.length }, 'the inventory is read');
    inventory.want(hosts);
  });
  health.set('inventory', true);

  /** Takes and gives up hosts as the members come and go. */
  async function share(): Promise<void> {
    while (!signal.aborted) {
      const held = new Set(tasks.hosts.map(({ id }) => id));
      const { added, removed } = tasks.apply(membership.mine(wanted, held, clock.monotonicMs()));
      if (added.length > 0 || removed.length > 0) {
        const members = membership.live(clock.monotonicMs());
        log.info({ members, took: added.map(({ id }) => id), gaveUp: removed }, 'hosts are shared');
      }
      await clock.sleep(sharePeriodMs, signal).catch(() => undefined);
    }
  }

  await Promise.all([
    heart.run(),
    share(),
    guard.run(
      () => inventory.applyAgain(),
      () => heart.beatNow(),
    ),
    inventory.run(),
  ]);
  await tasks.drained();
  heart.goodbye();
  await nc.drain();
}
