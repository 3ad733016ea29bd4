import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type ProcessRef, isAlive } from './process-ref.ts';
import { waitFor } from './wait-for.ts';

export type OwnerFixture = 'nats' | 'outliving-nats' | 'redis' | 'libvirtd' | 'far-libvirtd';

/** What a killed owner left behind. `started` says how many processes it had. */
export type Remains = { started: number; processes: ProcessRef[]; mounts: string[] };

/**
 * Lets another process start a server in `dir`, kills that process with SIGKILL, and gives what
 * is left of the server: at once when it is to stay, else when all of it has gone or 10 s passed.
 */
export async function remainsOfKilledOwner(what: OwnerFixture, dir: string): Promise<Remains> {
  const owner = spawn(
    process.execPath,
    [join(import.meta.dirname, 'owner.fixture.ts'), what, dir],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const [line] = (await once(createInterface(owner.stdout), 'line', {
    signal: AbortSignal.timeout(60_000),
  })) as [string];
  const refs = JSON.parse(line) as ProcessRef[];
  if (!refs.every(isAlive)) throw new Error(`the owner named processes that do not run: ${line}`);
  // The kernel signals the children while it ends the owner: before we hear of its exit.
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  const left = (): ProcessRef[] => refs.filter(isAlive);
  if (what !== 'outliving-nats') {
    await waitFor(() => left().length === 0, { what: 'the end' }).catch(() => undefined);
  }
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .filter((mount) => mount.includes(dir) || mount.includes('libvirt'));
  return { started: refs.length, processes: left(), mounts };
}
