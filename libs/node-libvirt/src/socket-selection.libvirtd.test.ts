/**
 * Which of a host's sockets a URI without `socket=` means: the choice of libvirt's own client, in both
 * its versions, and ours, where the modular daemons' sockets lie beside libvirtd's. A counting proxy
 * behind each socket tells who came; one real daemon stands behind them all.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type Bill,
  type CountingProxy,
  type Libvirtd,
  startCountingProxy,
  startLibvirtd,
  virshCommand,
} from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const fixture = join(import.meta.dirname, 'testing/reach.fixture.ts');

let daemon: Libvirtd;
let folder: string;

beforeAll(async () => {
  daemon = await startLibvirtd({ name: 'pick', version: '11' });
  folder = join(daemon.dir, 'sockets');
});
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
});

/** Opens the sockets of these daemons, as a machine has them that runs them. */
async function machineWith(...daemons: readonly string[]): Promise<Machine> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const proxies = new Map<string, CountingProxy>();
  for (const name of daemons) {
    for (const [socket, target] of [
      [`${name}-sock`, daemon.socket],
      [`${name}-sock-ro`, daemon.socketRo],
    ] as const) {
      proxies.set(socket, await startCountingProxy({ target, listen: join(folder, socket) }));
    }
  }
  return new Machine(proxies);
}

/**
 * Arguments of unshare(1) before FOLDER COMMAND...: runs the command where the folder that libvirt's
 * client looks into is FOLDER.
 */
const enterScript = 'mount --bind "$1" /run/libvirt; shift; exec "$@"';
const privateSockets = ['--mount', '--propagation', 'private', 'sh', '-ec', enterScript, 'enter'];

class Machine implements AsyncDisposable {
  readonly #proxies: ReadonlyMap<string, CountingProxy>;

  constructor(proxies: ReadonlyMap<string, CountingProxy>) {
    this.#proxies = proxies;
  }

  /** The sockets on which the command opened a hypervisor connection. */
  async socketsOf(command: readonly string[]): Promise<string[]> {
    for (const proxy of this.#proxies.values()) proxy.reset();
    await run('unshare', [...privateSockets, folder, ...command])
      // A refused connection shows in what it opened: nothing.
      .catch(() => undefined);
    return [...this.#proxies]
      .filter(([, proxy]) => isOpened(proxy.bill()))
      .map(([socket]) => socket);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const proxy of this.#proxies.values()) await proxy[Symbol.asyncDispose]();
  }
}

function isOpened({ replies, refusals }: Bill): boolean {
  return (replies['connectOpen'] ?? 0) > (refusals['connectOpen'] ?? 0);
}

const clients: Readonly<Record<string, (uri: string, access: 'ro' | 'rw') => string[]>> = {
  'virsh, installed': (uri, access) => virshThat('installed', uri, access),
  'virsh 11': (uri, access) => virshThat('11', uri, access),
  'node-libvirt': (uri, access) => [process.execPath, fixture, uri, access],
};

function virshThat(version: 'installed' | '11', uri: string, access: 'ro' | 'rw'): string[] {
  const readOnly = access === 'ro' ? ['--readonly'] : [];
  return [...virshCommand(version), ...readOnly, '--connect', uri, 'version', '--daemon'];
}

const modular = ['virtqemud', 'virtsecretd', 'virtstoraged'];

test.each([
  ['qemu:///system', 'ro', [...modular, 'libvirt'], ['virtqemud-sock-ro']],
  ['qemu:///system', 'rw', [...modular, 'libvirt'], ['virtqemud-sock']],
  ['qemu:///system?mode=legacy', 'ro', [...modular, 'libvirt'], ['libvirt-sock-ro']],
  ['qemu:///system?mode=direct', 'ro', [...modular, 'libvirt'], ['virtqemud-sock-ro']],
  ['secret:///system', 'rw', [...modular, 'libvirt'], ['virtsecretd-sock']],
  ['storage:///system', 'ro', [...modular, 'libvirt'], ['virtstoraged-sock-ro']],
  ['qemu:///system', 'ro', modular, ['virtqemud-sock-ro']],
  ['qemu:///system?mode=legacy', 'ro', modular, []],
  ['qemu:///system', 'rw', ['virtsecretd', 'libvirt'], ['libvirt-sock']],
  ['qemu:///system?mode=direct', 'ro', ['virtsecretd', 'libvirt'], []],
  ['qemu:///system', 'ro', ['libvirt'], ['libvirt-sock-ro']],
] as const)(
  '%s (%s), where %j have sockets, opens %j, as the C client does',
  async (uri, access, daemons, expected) => {
    await using machine = await machineWith(...daemons);
    const opened: Record<string, string[]> = {};
    for (const [client, command] of Object.entries(clients)) {
      opened[client] = await machine.socketsOf(command(uri, access));
    }
    expect(opened).toEqual(
      Object.fromEntries(Object.keys(clients).map((client) => [client, expected])),
    );
  },
);
