import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Libvirtd, type ServerProcess, processRef } from '@virtscope/testkit';
import type { UpOptions } from '../arguments.ts';
import type { Paths } from '../paths.ts';
import type { Progress } from '../progress.ts';
import { fleetYaml } from './fleet-file.ts';
import { type StartedHost, ownHost, populate, simulateFleet, startHost } from './hosts.ts';
import { type RunningProcess, type State, newState, writeState } from './state.ts';
import { startServers } from './servers.ts';
import { serviceNames, startService } from './services.ts';

/** A workbench whose processes all run; query-api may not be ready yet. */
export type Started = { state: State; queryApi: string; services: Map<string, ServerProcess> };

/**
 * Starts servers, hosts and services, and writes each down as soon as it runs. When it throws,
 * what was started still runs: the caller ends it with `endWorkbench` and `state.json`.
 */
export async function startWorkbench(
  paths: Paths,
  options: UpOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<Started> {
  const owner = processRef(process.pid);
  if (owner === undefined) throw new Error('this process has no /proc entry: Linux is needed');
  const state = newState(owner);
  rmSync(paths.logs, { recursive: true, force: true });
  for (const dir of [paths.run, paths.logs, paths.data]) mkdirSync(dir, { recursive: true });
  const record = (...processes: RunningProcess[]): void => {
    state.processes.push(...processes);
    writeState(paths.stateFile, state);
  };
  record();
  const outliveOwner = options.detach;

  await progress.step('starting NATS and Redis', async () => {
    const servers = await startServers(paths, outliveOwner);
    state.nats = servers.natsUrl;
    state.redis = servers.redisUrl;
    record(...servers.processes);
  });
  signal.throwIfAborted();

  if (options.fleet === undefined) {
    const hv1 = await progress.step('starting the private hosts hv1 and test1', () =>
      startHosts(paths, outliveOwner, state, record),
    );
    signal.throwIfAborted();
    await progress.step(`starting ${options.domains} tiny domains on hv1`, async () => {
      await populate(paths, hv1, options.domains);
      hv1.keepCapabilities();
    });
    const own = await ownHost();
    if (own !== undefined) {
      state.hosts.push(own);
      progress.note("this machine's own libvirt is attached, read-only, as host local");
    }
  } else {
    const { hosts, domains } = options.fleet;
    const wanted = options.fleet;
    await progress.step(`simulating ${hosts} hosts with ${domains} domains each`, async () => {
      const fleet = await simulateFleet(paths, wanted, outliveOwner);
      state.hosts.push(...fleet.hosts);
      record(fleet.process);
    });
  }
  signal.throwIfAborted();

  const fleetFile = join(paths.run, 'fleet.yaml');
  writeFileSync(fleetFile, fleetYaml(state.hosts));
  const queryApi = `http://127.0.0.1:${options.port}`;
  state.queryApi = queryApi;
  const services = new Map<string, ServerProcess>();
  await progress.step('starting the four services', async () => {
    const surroundings = {
      fleetFile,
      natsUrl: state.nats ?? '',
      redisUrl: state.redis ?? '',
      httpPort: options.port,
    };
    for (const name of serviceNames) {
      const service = await startService(paths, name, surroundings, outliveOwner);
      services.set(name, service.server);
      record(service.process);
    }
  });
  return { state, queryApi, services };
}

async function startHosts(
  paths: Paths,
  outliveOwner: boolean,
  state: State,
  record: (process: RunningProcess) => void,
): Promise<Libvirtd> {
  const start = async (id: string, driver: 'qemu' | 'test'): Promise<StartedHost> => {
    const started = await startHost(paths, id, driver, outliveOwner);
    state.folders.push(...started.libvirtd.foldersElsewhere);
    record(started.process);
    return started;
  };
  const [hv1, test1] = await Promise.all([start('hv1', 'qemu'), start('test1', 'test')]);
  state.hosts.push(hv1.host, test1.host);
  return hv1.libvirtd;
}
