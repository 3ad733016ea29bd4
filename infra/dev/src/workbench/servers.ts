import { join } from 'node:path';
import { startNats, startRedis } from '@virtscope/testkit';
import type { Paths } from '../paths.ts';
import type { RunningProcess } from './state.ts';
import { workbenchVariable } from './strays.ts';

export type StartedServers = { natsUrl: string; redisUrl: string; processes: RunningProcess[] };

/** Starts the private bus, whose streams outlive `down`, and the private cache. */
export async function startServers(paths: Paths, outliveOwner: boolean): Promise<StartedServers> {
  const env = { [workbenchVariable]: paths.state };
  const [nats, redis] = await Promise.all([
    startNats({ dir: paths.logs, storeDir: join(paths.data, 'nats'), env, outliveOwner }),
    startRedis({ dir: paths.logs, env, outliveOwner }),
  ]);
  return {
    natsUrl: nats.url,
    redisUrl: redis.url,
    processes: [
      { name: 'nats', layer: 'server', refs: [nats.ref], log: join(paths.logs, 'nats-server.log') },
      {
        name: 'redis',
        layer: 'server',
        refs: [redis.ref],
        log: join(paths.logs, 'redis-server.log'),
      },
    ],
  };
}
