import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessRef } from '../process-ref.ts';
import { ServerProcess } from '../server-process.ts';
import { type TempDir, tempDir } from '../temp-dir.ts';
import { systemTool } from '../tool.ts';

export type FarLinkOptions = {
  /** One way; a round trip takes twice as long. */
  delayMs: number;
};

/**
 * A network namespace at the far end of a slow link. What runs in it (`startLibvirtd({ link })`) is
 * reached at `farAddress`, and its packets take `delayMs` each way.
 */
export class FarLink implements AsyncDisposable {
  /** Of this end: in 198.18.0.0/15, which is set aside for benchmarks. */
  readonly nearAddress: string;
  /** Of the namespace's end. */
  readonly farAddress: string;
  readonly #relay: ServerProcess;
  readonly #dir: TempDir;

  private constructor(relay: ServerProcess, dir: TempDir, addresses: Addresses) {
    this.#relay = relay;
    this.#dir = dir;
    this.nearAddress = addresses.near;
    this.farAddress = addresses.far;
  }

  static async start({ delayMs }: FarLinkOptions): Promise<FarLink> {
    const python = systemTool('python3');
    await using stack = new AsyncDisposableStack();
    const dir = stack.use(await tempDir('vs-far-'));
    const logFile = join(dir.path, 'relay.log');
    const relay = await ServerProcess.start({
      what: 'far link',
      command: python,
      args: [join(import.meta.dirname, 'relay.py'), String(delayMs)],
      logFile,
    });
    const addresses = await relay.ready(() => addressesIn(readFileSync(logFile, 'utf8')));
    stack.move();
    return new FarLink(relay, dir, addresses);
  }

  /** The relay: the link lives as long as it does. */
  get ref(): ProcessRef {
    return this.#relay.ref;
  }

  /** Command and arguments before a command that is to run in the namespace. */
  get enter(): readonly [string, string] {
    return [systemTool('nsenter'), `--net=/proc/${this.#relay.pid}/ns/net`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay.end('SIGKILL');
    await this.#dir[Symbol.asyncDispose]();
  }
}

type Addresses = { near: string; far: string };

/** The relay's one line, once it is whole. */
function addressesIn(log: string): Addresses | undefined {
  const line = log.split('\n').find((text) => text.startsWith('{') && text.endsWith('}'));
  return line === undefined ? undefined : (JSON.parse(line) as Addresses);
}

/**
 * Makes a slow link with a network namespace behind it. Needs root, python3 and /dev/net/tun. It dies
 * with its owner; the namespace goes when the last process in it is gone too.
 *
 *     await using link = await startFarLink({ delayMs: 40 });
 *     await using host = await startLibvirtd({ link, listen: { tcp: true } });
 *     await using session = await connect(`test+tcp://${link.farAddress}:${host.tcpPort}/default`);
 *
 * @throws {ToolMissingError} python3 is not installed
 * @throws {ServerStartError} the kernel does not let us; the message shows what it said
 */
export async function startFarLink(options: FarLinkOptions): Promise<FarLink> {
  return FarLink.start(options);
}
