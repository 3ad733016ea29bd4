/**
 * What libvirtd learns about the machine's QEMUs by starting each of them costs a second or two
 * of every fresh host. So it is kept beside the tools and lent to the next host, whose libvirtd
 * checks by itself whether it still holds.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
} from 'node:fs';
import { join } from 'node:path';
import { type LibvirtVersion, toolsDir } from './tool.ts';

/** libvirt's folder for it, below its cache folder. */
const cacheFolder = 'qemu/capabilities';

/** Gives a new host what earlier ones learnt. */
export function lendCapabilities(cacheDir: string, version: LibvirtVersion): void {
  const store = storeDir(version);
  const target = join(cacheDir, cacheFolder);
  mkdirSync(target, { recursive: true });
  for (const file of entries(store)) copyFileSync(join(store, file), join(target, file));
}

/** Keeps what a host learnt, where it is news. */
export function keepCapabilities(cacheDir: string, version: LibvirtVersion): void {
  const source = join(cacheDir, cacheFolder);
  const store = storeDir(version);
  for (const file of entries(source)) {
    const learnt = join(source, file);
    const kept = join(store, file);
    if (existsSync(kept) && readFileSync(kept).equals(readFileSync(learnt))) continue;
    mkdirSync(store, { recursive: true });
    // Another launcher may read or keep the same now: the file appears whole or not at all.
    const fresh = join(store, `.${file}.${process.pid}`);
    copyFileSync(learnt, fresh);
    renameSync(fresh, kept);
  }
}

/** libvirt names a file after the QEMU's path, which is the same for every version. */
function storeDir(version: LibvirtVersion): string {
  return join(toolsDir(), `qemu-capabilities${version === 'installed' ? '' : `-${version}`}`);
}

function entries(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir).filter((file) => /^[^.].*\.xml$/.test(file));
}
