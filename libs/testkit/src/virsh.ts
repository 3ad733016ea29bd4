import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type LibvirtVersion, virshCommand } from './tool.ts';

const run = promisify(execFile);

/**
 * Runs virsh on a URI; gives what it prints. Fails with what virsh complains about, or after a
 * minute: a paused daemon never answers. `version` says whose virsh it is.
 */
export async function virsh(
  uri: string,
  args: readonly string[],
  version: LibvirtVersion = 'installed',
): Promise<string> {
  const [command = '', ...before] = virshCommand(version);
  const { stdout } = await run(command, [...before, '-c', uri, ...args], {
    timeout: 60_000,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, LC_ALL: 'C' },
  });
  return stdout;
}

/** A libvirt URI for what a daemon's Unix socket offers. */
export function socketUri(driver: 'qemu' | 'test', socket: string): string {
  const path = driver === 'qemu' ? 'system' : 'default';
  const escaped = encodeURIComponent(socket).replaceAll('%2F', '/');
  return `${driver}+unix:///${path}?socket=${escaped}`;
}
