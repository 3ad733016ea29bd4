import { fleetHost } from '@virtscope/contracts';
import { novaLabelRules, type LabelRule } from '@virtscope/domain-xml';
import { HostTasks, Share, inventoryOf, type WantedHost } from '@virtscope/fleet';
import {
  EventPublisher,
  Heart,
  StateWriter,
  XmlStore,
  connectNats,
  ensureBus,
  watchYamlFile,
  type Hands,
} from '@virtscope/runtime';
import { BusGuard } from './bus-guard.ts';
import { InventoryKeeper } from './inventory-keeper.ts';
import { watchFleet } from './watch-fleet.ts';
import { watchHost } from './watch-host.ts';

/** Runs the service until `hands.signal` aborts and everything that was heard is on the bus. */
export async function bridgeFleet(
  hands: Hands,
  labelRules: readonly LabelRule[] = novaLabelRules,
): Promise<void> {
  const { clock, health, log, replica, signal } = hands;
  health.set('inventory', false, `${hands.env.fleetFile} is not read yet`);
  const nc = await connectNats(hands);
  await ensureBus(nc, hands);
  const guard = await BusGuard.open(nc, hands);
  const heart = new Heart(
    nc,
    {
      role: 'event-bridge',
      link: guard.link,
      onBeat: (other, leaving) => share.heard(other, leaving, heart),
      onSilence: () => {
        share.missedBeats();
        guard.look();
      },
    },
    hands,
  );
  const passage = (): Promise<void> | undefined => guard.passage(heart.silentMs);
  const writer = new StateWriter(nc, hands, passage);
  const publisher = new EventPublisher(nc, hands, passage);
  const xmlStore = new XmlStore(nc, hands);
  // The fleet as a whole is shared like a host.
  let wanted: readonly WantedHost[] = [];
  const tasks = new HostTasks<WantedHost | { id: typeof fleetHost }>({
    run: async (host, hostSignal) => {
      const shared = { hands, nc, guard, heart, writer, publisher, signal: hostSignal };
      if (!('uri' in host)) {
        await watchFleet({ ...shared, wanted: () => wanted });
        return;
      }
      try {
        await watchHost(host, {
          ...shared,
          xmlStore,
          labelRules,
          untilFree: () => share.untilFree(host.id, heart, hostSignal),
        });
      } finally {
        if (hostSignal.aborted) heart.release(host.id);
      }
    },
    onBroken: ({ id: host }, error) =>
      log.error({ host, err: error }, 'the watch of a host broke; it starts again'),
    clock,
    signal,
  });
  const share: Share<WantedHost | { id: typeof fleetHost }> = new Share({
    replica,
    tasks,
    clock,
    random: Math.random,
    signal,
    onMoved: (moved) => log.info(moved, 'hosts are shared'),
  });
  guard.link.onChange((up) => up && share.missedBeats());
  const inventory = new InventoryKeeper(nc, hands, () => share.isLowest);
  await watchYamlFile(hands.env.fleetFile, hands, (content) => {
    const { hosts, problems, allowRemovals } = inventoryOf(content, wanted);
    for (const problem of problems) log.error(problem);
    if (hosts === undefined) return;
    log.info({ hosts: hosts.length }, 'the inventory is read');
    wanted = hosts;
    share.want([...hosts, { id: fleetHost }]);
    inventory.want(hosts, allowRemovals);
  });
  health.set('inventory', true);

  await Promise.all([
    heart.run(),
    share.run(),
    guard.run(
      () => {
        xmlStore.forget();
        inventory.applyAgain();
      },
      () => heart.beatNow(),
    ),
    inventory.run(),
  ]);
  await tasks.drained();
  heart.goodbye();
  await nc.drain();
}
