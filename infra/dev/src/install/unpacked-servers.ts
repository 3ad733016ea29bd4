/**
 * Servers that are unpacked from the distribution's packages into the tools folder. They are not
 * installed: their packages would start a service, now and at every boot.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ToolMissingError, natsTool, redisTool, systemTool, toolsDir } from '@virtscope/testkit';
import type { NatsVersion } from '@virtscope/testkit';
import type { Progress } from '../progress.ts';
import { type Apt, download, privateApt, systemApt, wouldInstall } from './apt.ts';
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

/**
 * Gets nats-server 2.10 beside the distribution's own 2.9, from Debian 13, if it is missing. Only
 * tests ask for it: where it cannot be had, the reason is said and that is all.
 */
export async function getNatsServer210(progress: Progress): Promise<void> {
  const wanted: NatsVersion = '2.10';
  if (has(() => natsTool(wanted))) return;
  try {
    await progress.step(`getting nats-server ${wanted} from Debian 13`, async () => {
      const aptDir = join(toolsDir(), '.apt-trixie');
      mkdirSync(aptDir, { recursive: true });
      const sources = join(aptDir, 'sources.list');
      writeFileSync(sources, trixieSource(await debianMirror()));
      const unpacked = await unpack(privateApt(aptDir, sources), 'nats-server-210', [
        'nats-server',
      ]);
      rmSync(aptDir, { recursive: true, force: true }); // its lists are large and soon old
      const version = await natsVersionOf(unpacked);
      if (version.line !== wanted) {
        rmSync(unpacked, { recursive: true, force: true });
        throw new Error(`Debian 13 has nats-server ${version.full} now`);
      }
      settle(unpacked, `nats-server-${wanted}`);
      return version.full;
    });
  } catch (error) {
    progress.note(
      `going on without nats-server ${wanted}; the tests that need it will fail: ${(error as Error).message}`,
    );
  }
}

/** The mirror of Debian's main archive that the machine's own apt uses. */
async function debianMirror(): Promise<string> {
  const printed = await runCommand('apt-get', [
    'indextargets',
    '--format',
    '$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)',
    'Created-By: Packages',
  ]);
  const mirror = mirrorOf(printed);
  if (mirror === undefined) {
    throw new Error('apt knows no mirror of Debian on this machine');
  }
  return mirror;
}

/** Picks the archive itself, not its security or backports companions, from apt's targets. */
export function mirrorOf(indexTargets: string): string | undefined {
  return /^Debian Debian main (\S+)$/m.exec(indexTargets)?.[1];
}

export function trixieSource(mirror: string): string {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : '';
  return `deb ${signed}${mirror} trixie main\n`;
}

/** Unpacks packages into a folder that no launcher looks into; `settle` gives it its name. */
async function unpack(apt: Apt, name: string, packages: readonly string[]): Promise<string> {
  const fresh = join(toolsDir(), `.${name}.${process.pid}`);
  const debs = join(fresh, 'debs');
  try {
    for (const deb of await download(apt, packages, debs)) {
      await runCommand('dpkg-deb', ['--extract', deb, fresh]);
    }
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    throw error;
  }
  rmSync(debs, { recursive: true });
  return fresh;
}

function settle(unpacked: string, name: string): void {
  const place = join(toolsDir(), name);
  rmSync(place, { recursive: true, force: true });
  renameSync(unpacked, place);
}

async function natsVersionOf(root: string): Promise<{ line: string; full: string }> {
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

function has(find: () => unknown): boolean {
  try {
    find();
    return true;
  } catch (error) {
    if (error instanceof ToolMissingError) return false;
    throw error;
  }
}
