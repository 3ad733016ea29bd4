import { join } from 'node:path';
import { ServerProcess, freePort } from '@virtscope/testkit';
import { type Paths, root } from '../paths.ts';
import type { RunningProcess } from './state.ts';
import { workbenchVariable } from './strays.ts';

export const serviceNames = ['event-bridge', 'stats-sampler', 'caps-cache', 'query-api'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** What every service is told. */
export type Surroundings = {
  fleetFile: string;
  natsUrl: string;
  redisUrl: string;
  /** Where query-api listens. */
  httpPort: number;
};

export type StartedService = { server: ServerProcess; process: RunningProcess };

/** Starts a service; it does not serve yet when this returns. */
export async function startService(
  paths: Paths,
  name: ServiceName,
  surroundings: Surroundings,
  outliveOwner: boolean,
): Promise<StartedService> {
  const main = join(root, 'apps', name, 'src/main.ts');
  const log = join(paths.logs, `${name}.log`);
  const management = `127.0.0.1:${await freePort()}`;
  const server = await ServerProcess.start({
    what: name,
    command: process.execPath,
    args: [main],
    env: {
      ...serviceEnv(surroundings, management),
      [workbenchVariable]: paths.state,
    },
    logFile: log,
    outliveOwner,
  });
  const metrics = `http://${management}/metrics`;
  return { server, process: { name, layer: 'service', refs: [server.ref], log, metrics } };
}

export function serviceEnv(surroundings: Surroundings, management: string): Record<string, string> {
  return {
    VIRTSCOPE_FLEET: surroundings.fleetFile,
    VIRTSCOPE_NATS_URL: surroundings.natsUrl,
    VIRTSCOPE_REDIS_URL: surroundings.redisUrl,
    VIRTSCOPE_HTTP_LISTEN: `127.0.0.1:${surroundings.httpPort}`,
    VIRTSCOPE_MANAGEMENT_LISTEN: management,
    VIRTSCOPE_LOG_LEVEL: process.env['VIRTSCOPE_LOG_LEVEL'] ?? 'info',
  };
}
