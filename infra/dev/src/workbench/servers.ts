import { join } from 'node:path';
import { type ProcessRef, startNats, startRedis } from '@virtscope/testkit';
import type { Paths } from '../paths.ts';
import type { RunningProcess } from './state.ts';
import { workbenchVariable } from './strays.ts';

export type StartedServers = { natsUrl: string; redisUrl: string; processes: RunningProcess[] };

/** Starts the private bus, whose streams outlive `down`, and the private cache. */
export async function startServers(paths: Paths, outliveOwner: boolean): Promise<StartedServers> {
  const server = (name: string, ref: ProcessRef): RunningProcess => ({
    name,
    layer: 'server',
    refs: [ref],
    log: join(paths.logs, `${name}.log`),
  });
  const env = { [workbenchVariable]: paths.state };
  const [nats, redis] = await Promise.all([
    startNats({ dir: paths.logs, storeDir: join(paths.data, 'nats'), env, outliveOwner }),
    startRedis({ dir: paths.logs, env, outliveOwner }),
  ]);
  return {
    natsUrl: nats.url,
    redisUrl: redis.url,
    processes: [server('nats-server', nats.ref), server('redis-server', redis.ref)],
  };
}
