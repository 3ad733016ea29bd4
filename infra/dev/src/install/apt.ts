import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CannotError } from '../usage.ts';
import { CommandError, runCommand } from './run-command.ts';

/** Another apt may be at work; it is given two minutes. As root apt would download as `_apt`, who
 * may not write into the state folder. */
const always = ['-o', 'DPkg::Lock::Timeout=120', '-o', 'APT::Sandbox::User=root'];

/** apt, with the machine's sources or (see `privateApt`) with others of its own. */
export type Apt = { readonly options: readonly string[]; readonly canUpdate: boolean };

export const systemApt: Apt = { options: [], canUpdate: process.getuid?.() === 0 };

export type Arrival = {
  name: string;
  /** The machine has it already, in an older version. */
  upgrade: boolean;
};

/**
 * What an installation of `packages` would bring: they, and what they need that the machine has
 * not, or has too old.
 */
export async function wouldInstall(apt: Apt, packages: readonly string[]): Promise<Arrival[]> {
  return withFreshLists(apt, async () => {
    const printed = await aptGet(apt, [
      '--simulate',
      '--no-install-recommends',
      'install',
      ...packages,
    ]);
    return simulatedPackages(printed);
  });
}

/** `apt-get --simulate` prints a line `Inst NAME [OLD VERSION] (...)` for each package. */
export function simulatedPackages(printed: string): Arrival[] {
  return [...printed.matchAll(/^Inst (\S+) (\[)?/gm)].map(([, name = '', old]) => ({
    name,
    upgrade: old !== undefined,
  }));
}

/** Downloads packages into a folder; gives the files. */
export async function download(
  apt: Apt,
  packages: readonly string[],
  dir: string,
): Promise<string[]> {
  mkdirSync(dir, { recursive: true });
  await withFreshLists(apt, () => aptGet(apt, ['download', ...packages], dir));
  return readdirSync(dir)
    .filter((file) => file.endsWith('.deb'))
    .map((file) => join(dir, file));
}

/** Installs packages on the machine. Needs root. */
export async function installPackages(packages: readonly string[]): Promise<void> {
  await withFreshLists(systemApt, () =>
    aptGet(systemApt, ['--yes', '--no-install-recommends', 'install', ...packages]),
  );
}

export async function updateLists(apt: Apt): Promise<void> {
  await aptGet(apt, ['update']);
}

export function aptExists(): boolean {
  return ['/usr/bin/apt-get', '/usr/bin/dpkg'].every((file) => existsSync(file));
}

/**
 * An apt with one source and lists of its own below `dir`, so that packages of another release
 * can be downloaded while the machine's own apt knows nothing of it.
 */
export function privateApt(dir: string, sourcesList: string): Apt {
  mkdirSync(join(dir, 'lists/partial'), { recursive: true });
  mkdirSync(join(dir, 'cache/archives/partial'), { recursive: true });
  const settings = {
    'Dir::Etc::SourceList': sourcesList,
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::State::Lists': join(dir, 'lists'),
    'Dir::State::Status': '/dev/null',
    'Dir::Cache': join(dir, 'cache'),
    'APT::Default-Release': '',
    'Acquire::Languages': 'none',
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  return { options, canUpdate: true };
}

/** Lists that are missing or old fail; then they are fetched, once, and it is tried again. */
async function withFreshLists<T>(apt: Apt, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (!apt.canUpdate) {
      throw new CannotError(
        `${error.message}\nIf apt's lists are missing or old, run this and try again:\n  sudo apt-get update`,
        { cause: error },
      );
    }
  }
  await updateLists(apt);
  return action();
}

async function aptGet(apt: Apt, args: readonly string[], cwd?: string): Promise<string> {
  return runCommand('apt-get', ['-q', ...always, ...apt.options, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  });
}
