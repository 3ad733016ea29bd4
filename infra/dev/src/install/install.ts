import type { Progress } from '../progress.ts';
import { getSystemPackages } from './system-packages.ts';
import { getNatsServer, getNatsServer210, getRedisServer } from './unpacked-servers.ts';

/** Gets every server that the workbench starts and the machine lacks. */
export async function installServers(progress: Progress): Promise<void> {
  await getSystemPackages(progress);
  await getNatsServer(progress);
  await getRedisServer(progress);
}

/** The same, and what only tests ask for. */
export async function installForTests(progress: Progress): Promise<void> {
  await installServers(progress);
  await getNatsServer210(progress);
}
