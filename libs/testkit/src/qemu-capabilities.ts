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
import { toolsDir } from './tool.ts';

/** libvirt's folder for it, below its cache folder. */
const cacheFolder = 'qemu/capabilities';

/** Gives a new host what earlier ones learnt. */
export function lendCapabilities(cacheDir: string): void {
  const target = join(cacheDir, cacheFolder);
  mkdirSync(target, { recursive: true });
  for (const file of entries(storeDir())) copyFileSync(join(storeDir(), file), join(target, file));
}

/** Keeps what a host learnt, where it is news. */
export function keepCapabilities(cacheDir: string): void {
  const source = join(cacheDir, cacheFolder);
  const store = storeDir();
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

function storeDir(): string {
  return join(toolsDir(), 'qemu-capabilities');
}

function entries(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir).filter((file) => /^[^.].*\.xml$/.test(file));
}
