/**
 * What only tests ask for and Debian 12 does not have: a newer nats-server and a newer libvirt, from
 * Debian 13. Where one of them cannot be had, the reason is said, the other tests go on, and those that
 * need it fail.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type NatsVersion,
  libvirt11Root,
  natsTool,
  toolsDir,
  unpackedCommand,
} from '@virtscope/testkit';
import type { Progress } from '../progress.ts';
import { type Apt, privateApt, wouldInstall } from './apt.ts';
import { runCommand } from './run-command.ts';
import { has, natsVersionOf, settle, unpack } from './unpacked-servers.ts';

/** Gets nats-server 2.10 beside the distribution's own 2.9. */
export async function getNatsServer210(progress: Progress): Promise<void> {
  const wanted: NatsVersion = '2.10';
  if (has(() => natsTool(wanted))) return;
  await fromDebian13(`nats-server ${wanted}`, progress, async (apt) => {
    const unpacked = await unpack(apt, 'nats-server-210', ['nats-server']);
    const version = await natsVersionOf(unpacked);
    settleIf(version.line === wanted, unpacked, `nats-server-${wanted}`, version.full);
    return version.full;
  });
}

/**
 * What a private host of libvirt 11 consists of. The driver of networks is left out: it would end the
 * daemon where it finds no firewall to write to, and the machine's is not its to write.
 */
const libvirt11Packages: readonly string[] = [
  'libvirt-daemon',
  'libvirt-daemon-driver-qemu',
  'libvirt-daemon-driver-secret',
  'libvirt-daemon-driver-storage',
  'libvirt-clients',
  'qemu-system-x86',
  'tini',
  // The commands of the scripts that start it.
  'dash',
  'coreutils',
  'mount',
];

/** Gets libvirt 11 and QEMU 10 with all that they need, down to the C library. */
export async function getLibvirt11(progress: Progress): Promise<void> {
  if (has(libvirt11Root)) return;
  await fromDebian13('libvirt 11', progress, async (apt) => {
    // That apt knows of nothing that is installed, so all of it arrives.
    const arrivals = await wouldInstall(apt, libvirt11Packages);
    const unpacked = await unpack(
      apt,
      'libvirt-11-new',
      arrivals.map(({ name }) => name),
    );
    const [loader = '', ...args] = unpackedCommand(unpacked, 'usr/sbin/libvirtd');
    const full = libvirtVersionIn(await runCommand(loader, [...args, '--version']));
    settleIf(full.startsWith('11.'), unpacked, 'libvirt-11', full);
    return full;
  });
}

/** Reads `libvirtd (libvirt) 11.3.0`. */
export function libvirtVersionIn(printed: string): string {
  const full = /(\d+\.\d+\.\d+)/.exec(printed)?.[1];
  if (full === undefined) throw new Error(`libvirtd says no version: ${printed.trim()}`);
  return full;
}

function settleIf(right: boolean, unpacked: string, name: string, version: string): void {
  if (right) return settle(unpacked, name);
  rmSync(unpacked, { recursive: true, force: true });
  throw new Error(`Debian 13 has version ${version} now, and ${name} was wanted`);
}

async function fromDebian13(
  what: string,
  progress: Progress,
  get: (apt: Apt) => Promise<string>,
): Promise<void> {
  const aptDir = join(toolsDir(), '.apt-trixie');
  try {
    await progress.step(`getting ${what} from Debian 13`, async () => {
      mkdirSync(aptDir, { recursive: true });
      const sources = join(aptDir, 'sources.list');
      writeFileSync(sources, trixieSource(await debianMirror()));
      return get(privateApt(aptDir, sources));
    });
  } catch (error) {
    progress.note(
      `going on without ${what}; the tests that need it will fail: ${(error as Error).message}`,
    );
  } finally {
    rmSync(aptDir, { recursive: true, force: true }); // its lists are large and soon old
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

function trixieSource(mirror: string): string {
  const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg';
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : '';
  return `deb ${signed}${mirror} trixie main\n`;
}
