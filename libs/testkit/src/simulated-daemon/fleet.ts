/** Simulated daemons in a process of their own: thousands, where a test or a newcomer wants a fleet. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ServerProcess } from '../server-process.ts';
import { socketUri } from '../virsh.ts';

export type SimulatedFleetOptions = {
  /** Where its sockets and its log are. */
  dir: string;
  hosts: number;
  /** Of each host, all running at first. */
  domains: number;
  /** Changes a second, of all hosts together. */
  churn: number;
  env?: Readonly<Record<string, string>>;
  outliveOwner?: boolean;
};

export type SimulatedFleet = {
  server: ServerProcess;
  logFile: string;
  hosts: readonly { id: string; uri: string }[];
};

/** @throws {ServerStartError} */
export async function simulatedFleet(options: SimulatedFleetOptions): Promise<SimulatedFleet> {
  const { dir, hosts, domains, churn, env = {}, outliveOwner = false } = options;
  const logFile = join(dir, 'simulated-fleet.log');
  const numbers = ['--hosts', hosts, '--domains', domains, '--churn', churn].map(String);
  const server = await ServerProcess.start({
    what: 'simulated-fleet',
    command: process.execPath,
    args: [resolve(import.meta.dirname, 'main.ts'), ...numbers, '--dir', dir],
    env,
    logFile,
    outliveOwner,
  });
  // A thousand hosts with a hundred domains take some seconds.
  await server.ready(() => readFileSync(logFile, 'utf8').includes('serving'), {
    timeoutMs: 120_000,
  });
  const ids = Array.from({ length: hosts }, (_, index) => `hv${index + 1}`);
  return {
    server,
    logFile,
    hosts: ids.map((id) => ({ id, uri: socketUri('qemu', join(dir, `${id}.sock`)) })),
  };
}
