import { join } from 'node:path';
import {
  defineAndStart,
  pulseGuest,
  startLibvirtd,
  tempDir,
  type Libvirtd,
  type PulseGuest,
} from '@virtscope/testkit';

export type GuestHost = AsyncDisposable & {
  dir: string;
  libvirtd: Libvirtd;
  guests: readonly PulseGuest[];
};

/** A private libvirtd with real QEMUs (plain emulation, one disk), all running. */
export async function startGuests(count: number): Promise<GuestHost> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await tempDir('vs-bench-'));
  const libvirtd = stack.use(await startLibvirtd());
  const guests = Array.from({ length: count }, (_, n) =>
    pulseGuest(join(folder.path, 'guests'), { name: `vm${n}` }),
  );
  const rest = [...guests];
  const start = async (): Promise<void> => {
    for (let guest = rest.pop(); guest !== undefined; guest = rest.pop()) {
      await defineAndStart(libvirtd, guest);
    }
  };
  await Promise.all([start(), start(), start(), start()]);
  const owned = stack.move();
  return {
    dir: folder.path,
    libvirtd,
    guests,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
