import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type TempDir = AsyncDisposable & { readonly path: string };

/**
 * A fresh folder below the system's temporary folder, removed with all it holds when disposed.
 * Its path is short, because Unix sockets lie in it.
 */
export async function tempDir(prefix = 'vs-'): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  return {
    path,
    async [Symbol.asyncDispose]() {
      // A daemon that was just killed may still be writing its last file here.
      await rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
    },
  };
}
