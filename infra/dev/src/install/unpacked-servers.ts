/**
 * Servers that are unpacked from the distribution's packages into the tools folder. They are not
 * installed: their packages would start a service, now and at every boot.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ToolMissingError, natsTool, redisTool, systemTool, toolsDir } from '@virtscope/testkit';
import type { Progress } from '../progress.ts';
import { type Apt, download, systemApt, wouldInstall } from './apt.ts';
import { runCommand } from './run-command.ts';

/** Gets a nats-server of any version, if there is none. */
export async function getNatsServer(progress: Progress): Promise<void> {
  if (has(() => natsTool())) return;
  await progress.step('getting nats-server', async () => {
    const unpacked = await unpack(systemApt, 'nats-server', ['nats-server']);
    const version = await natsVersionOf(unpacked);
    settle(unpacked, `nats-server-${version.line}`);
    return version.full;
  });
}

/** Gets a redis-server, if there is none. */
export async function getRedisServer(progress: Progress): Promise<void> {
  if (has(redisTool)) return;
  await getPackage('redis-server', progress);
}

/** Gets the package of a program that only tests start, if the machine has no such program. */
export async function getUnpacked(
  packageName: string,
  program: string,
  progress: Progress,
): Promise<void> {
  if (has(() => systemTool(program)) || existsSync(join(toolsDir(), packageName))) return;
  await getPackage(packageName, progress);
}

/** Unpacks a package, with what it needs and the machine lacks, into a folder of its name. */
async function getPackage(name: string, progress: Progress): Promise<void> {
  await progress.step(`getting ${name}`, async () => {
    const arrivals = await wouldInstall(systemApt, [name]);
    const unpacked = await unpack(
      systemApt,
      name,
      arrivals.map((arrival) => arrival.name),
    );
    settle(unpacked, name);
  });
}

/** Unpacks packages into a folder that no launcher looks into; `settle` gives it its name. */
export async function unpack(apt: Apt, name: string, packages: readonly string[]): Promise<string> {
  const fresh = join(toolsDir(), `.${name}.${process.pid}`);
  const debs = join(fresh, 'debs');
  try {
    const files = await download(apt, packages, debs);
    const extractNext = async (): Promise<void> => {
      for (let deb = files.pop(); deb !== undefined; deb = files.pop()) {
        await runCommand('dpkg-deb', ['--extract', deb, fresh]);
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, extractNext));
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
  rmSync(debs, { recursive: true });
  return fresh;
}

/** Gives what is unpacked the name by which launchers find it. */
export function settle(unpacked: string, name: string): void {
  const place = join(toolsDir(), name);
  rmSync(place, { recursive: true, force: true });
  renameSync(unpacked, place);
}

export async function natsVersionOf(root: string): Promise<{ line: string; full: string }> {
  const command = ['usr/sbin', 'usr/bin']
    .map((bin) => join(root, bin, 'nats-server'))
    .find((file) => existsSync(file));
  if (command === undefined) throw new Error(`no nats-server in ${root}`);
  return natsVersionIn(await runCommand(command, ['--version']));
}

/** Reads `nats-server: v2.9.10`. */
export function natsVersionIn(printed: string): { line: string; full: string } {
  const match = /v?((\d+\.\d+)\.\d+)/.exec(printed);
  const [, full, line] = match ?? [];
  if (full === undefined || line === undefined) {
    throw new Error(`nats-server says no version: ${printed.trim()}`);
  }
  return { line, full };
}

/** Whether the tool is there. */
export function has(find: () => unknown): boolean {
  try {
    find();
    return true;
  } catch (error) {
    if (error instanceof ToolMissingError) return false;
    throw error;
  }
}
