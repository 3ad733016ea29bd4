import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerStartError } from './server-process.ts';

/** Linux's bound on a Unix socket's path, without the closing zero. */
const maxSocketPathBytes = 107;

/**
 * A folder for libvirtd's sockets: `run` below `dir`, or, when that path is too long for a
 * socket, a new one in the system's temporary folder.
 *
 * @throws {ServerStartError} that one is too deep as well
 */
export function runDirFor(dir: string): string {
  const inside = join(dir, 'run');
  if (holdsSockets(inside)) return inside;
  const prefix = join(tmpdir(), 'vs-run-');
  if (!holdsSockets(`${prefix}XXXXXX`)) {
    throw new ServerStartError(
      `a socket's path holds ${maxSocketPathBytes} bytes, and neither ${inside} nor ${tmpdir()} leaves room for one: use a shorter folder`,
    );
  }
  return mkdtempSync(prefix);
}

function holdsSockets(folder: string): boolean {
  return Buffer.byteLength(join(folder, 'libvirt-admin-sock')) <= maxSocketPathBytes;
}
