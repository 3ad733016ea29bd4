import { inventoryOf, HostTasks, type WantedHost } from '@virtscope/fleet';
import {
  EventPublisher,
  StateWriter,
  connectNats,
  ensureBus,
  watchYamlFile,
  type Hands,
} from '@virtscope/runtime';
import { BusGuard } from './bus-guard.ts';
import { Heart } from './heart.ts';
import { InventoryKeeper } from './inventory-keeper.ts';
import { watchHost } from './watch-host.ts';

/** Runs the service until `hands.signal` aborts and everything that was heard is on the bus. */
export async function bridgeFleet(hands: Hands): Promise<void> {
  const { health, log, signal } = hands;
  health.set('inventory', false, `${hands.env.fleetFile} is not read yet`);
  const nc = await connectNats(hands);
  await ensureBus(nc, hands);
  const guard = await BusGuard.open(nc, hands);
  const heart = new Heart(nc, guard, hands);
  const writer = new StateWriter(nc, hands);
  const publisher = new EventPublisher(nc, hands);
  const inventory = new InventoryKeeper(nc, hands);
  const tasks = new HostTasks({
    run: (host, hostSignal) =>
      watchHost(host, { hands, nc, guard, heart, writer, publisher, signal: hostSignal }),
    onBroken: ({ id: host }, error) =>
      log.error({ host, err: error }, 'the watch of a host broke; it starts again'),
    clock: hands.clock,
    signal,
  });
  await watchYamlFile(hands.env.fleetFile, hands, (content) => {
    const { hosts, problems } = inventoryOf(content);
    for (const problem of problems) log.error(problem);
    if (hosts !== undefined) adopt(hosts);
  });

  health.set('inventory', true);

  function adopt(hosts: WantedHost[]): void {
    const { added, removed, changed } = tasks.apply(hosts);
    log.info(
      { hosts: hosts.length, added: added.length, removed, changed: changed.length },
      'the inventory is read',
    );
    for (const host of removed) heart.forget(host);
    inventory.want(hosts);
  }

  await Promise.all([heart.run(), guard.run(() => inventory.applyAgain()), inventory.run()]);
  await tasks.drained();
  await nc.drain();
}
