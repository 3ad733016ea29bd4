/**
 * What must be installed on the machine, because it finds its modules and firmware at fixed
 * places: libvirtd, QEMU and tini, and a few programs and modules that only tests use. None of these packages ships a service; should one of them (or of
 * what they need) ever do, it is refused to start and switched off.
 */
import { existsSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { ToolMissingError, systemTool } from '@virtscope/testkit';
import type { Progress } from '../progress.ts';
import { CannotError } from '../usage.ts';
import { aptExists, installPackages, systemApt, wouldInstall } from './apt.ts';
import { runCommand } from './run-command.ts';

/** What must be there, and the package that brings it. */
export type Requirement = { package: string; present: () => boolean };

const program =
  (name: string): (() => boolean) =>
  () => {
    try {
      systemTool(name);
      return true;
    } catch (error) {
      if (error instanceof ToolMissingError) return false;
      throw error;
    }
  };

const anyFile =
  (pattern: string): (() => boolean) =>
  () =>
    globSync(pattern).length > 0;

/** What `up` needs. */
export const upRequirements: readonly Requirement[] = [
  { package: 'libvirt-daemon', present: program('libvirtd') },
  {
    package: 'libvirt-daemon-driver-qemu',
    present: anyFile('/usr/lib{,64}/{*/,}libvirt/connection-driver/libvirt_driver_qemu.so'),
  },
  { package: 'libvirt-clients', present: program('virsh') },
  { package: 'qemu-system-x86', present: program('qemu-system-x86_64') },
  { package: 'tini', present: program('tini') },
  { package: 'mount', present: program('mount') },
  { package: 'util-linux', present: program('unshare') },
];

/** What tests need besides: certificates, ssh, SASL on libvirtd's side, and a link to a far host. */
export const testRequirements: readonly Requirement[] = [
  { package: 'openssl', present: program('openssl') },
  { package: 'openssh-client', present: program('ssh') },
  { package: 'libsasl2-modules', present: anyFile('/usr/lib{,64}/{*/,}sasl2/libscram.so*') },
  { package: 'libsasl2-modules-db', present: anyFile('/usr/lib{,64}/{*/,}sasl2/libsasldb.so*') },
  { package: 'python3', present: program('python3') },
];

function missingPackages(requirements: readonly Requirement[]): string[] {
  return requirements.filter(({ present }) => !present()).map((needed) => needed.package);
}

/** What a user without root types; `--no-install-recommends` keeps services out. */
export function installCommand(packages: readonly string[]): string {
  return `apt-get install --yes --no-install-recommends ${packages.join(' ')}`;
}

/** @throws {CannotError} there is no root, or no apt */
export async function getSystemPackages(
  requirements: readonly Requirement[],
  progress: Progress,
): Promise<void> {
  const missing = missingPackages(requirements);
  if (missing.length === 0) return;
  if (!aptExists()) {
    throw new CannotError(
      `missing: ${missing.join(', ')} (Debian's names). Install them with this machine's package manager, without starting their services.`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new CannotError(
      `missing: ${missing.join(', ')}. Run this, then try again:\n  sudo apt-get update && sudo ${installCommand(missing)}`,
    );
  }
  await progress.step(`installing ${missing.join(', ')}`, async () => {
    const arriving = await wouldInstall(systemApt, missing);
    await withoutStartingServices(() => installPackages(missing));
    // What is only upgraded was the user's before: its services stay as they are.
    const fresh = arriving.filter(({ upgrade }) => !upgrade).map(({ name }) => name);
    await switchOffServices(fresh, progress);
  });
}

const policyFile = '/usr/sbin/policy-rc.d';

/** Debian asks this script before a package may start its service; 101 means "no". */
async function withoutStartingServices(action: () => Promise<void>): Promise<void> {
  if (existsSync(policyFile)) return action(); // the machine has a policy: it stands
  writeFileSync(policyFile, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await action();
  } finally {
    rmSync(policyFile, { force: true });
  }
}

/** A unit that is enabled would start at the next boot. */
async function switchOffServices(packages: readonly string[], progress: Progress): Promise<void> {
  if (packages.length === 0 || !existsSync('/run/systemd/system')) return;
  const files = await runCommand('dpkg-query', ['--listfiles', ...packages]);
  for (const unit of systemUnits(files)) {
    await runCommand('systemctl', ['disable', '--now', unit]);
    progress.note(`switched off ${unit}, which came with the packages`);
  }
}

/** The units among a package's files that can be enabled (templates need an instance first). */
export function systemUnits(files: string): string[] {
  return files
    .split('\n')
    .filter((file) => /\/systemd\/system\/[^/@]+\.(service|socket|timer)$/.test(file))
    .map((file) => basename(file));
}
