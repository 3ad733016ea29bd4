import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startNats, startService, type NatsServer } from '@virtscope/testkit';

/** A NATS with our streams and buckets: an event-bridge without hosts made them, and is gone. */
export async function startBus(dir: string): Promise<NatsServer> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const fleetFile = join(dir, 'no-hosts.yaml');
  writeFileSync(fleetFile, 'hosts: []\n');
  await using bridge = await startService({
    name: 'event-bridge',
    dir,
    fleetFile,
    natsUrl: nats.url,
    redisUrl: 'redis://127.0.0.1:1',
  });
  await bridge.ready();
  stack.move();
  return nats;
}
