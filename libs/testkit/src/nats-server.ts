import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ManagedServer } from './managed-server.ts';
import { ServerProcess } from './server-process.ts';
import { type TempDir, tempDir } from './temp-dir.ts';
import { type NatsVersion, type Tool, natsTool } from './tool.ts';

export type NatsOptions = {
  /** Its folder (log, store); kept afterwards. Default: a temporary one, removed at the end. */
  dir?: string;
  /** Default: a free one of the server's choice. */
  port?: number;
  /** Default `true`. */
  jetstream?: boolean;
  /** JetStream's files; default `jetstream` below the folder. */
  storeDir?: string;
  /** Which line of nats-server; default what there is, 2.9 first. */
  version?: NatsVersion;
  /** Added to its environment. */
  env?: Readonly<Record<string, string>>;
  /** `true`: it goes on when this process ends. */
  outliveOwner?: boolean;
};

/** A private nats-server on 127.0.0.1. A restart keeps its port and its JetStream store. */
export class NatsServer extends ManagedServer {
  readonly #options: NatsOptions;
  readonly #tool: Tool;
  readonly #dir: string;
  readonly #ownDir: TempDir | undefined;
  #port: number;

  constructor(options: NatsOptions, tool: Tool, dir: string, ownDir: TempDir | undefined) {
    super();
    this.#options = options;
    this.#tool = tool;
    this.#dir = dir;
    this.#ownDir = ownDir;
    this.#port = options.port ?? -1; // -1: the server chooses
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  get storeDir(): string {
    return this.#options.storeDir ?? join(this.#dir, 'jetstream');
  }

  get logFile(): string {
    return join(this.#dir, 'nats-server.log');
  }

  /** The bus lost everything: killed, its store removed, started on the same port. */
  async restartEmpty(): Promise<void> {
    await this.kill();
    await rm(this.storeDir, { recursive: true, force: true });
    await this.start();
  }

  protected async launch(): Promise<ServerProcess> {
    const portsDir = join(this.#dir, 'ports');
    rmSync(portsDir, { recursive: true, force: true });
    mkdirSync(portsDir, { recursive: true });
    const server = await ServerProcess.start({
      what: 'nats-server',
      command: this.#tool.command,
      args: [
        '--addr',
        '127.0.0.1',
        '--port',
        String(this.#port),
        '--ports_file_dir',
        portsDir,
        ...(this.#options.jetstream === false ? [] : ['--config', this.#writeConfig()]),
      ],
      env: { ...this.#tool.env, ...this.#options.env },
      logFile: this.logFile,
      outliveOwner: this.#options.outliveOwner === true,
    });
    // It writes this file once it listens.
    const portsFile = join(portsDir, `nats-server_${server.pid}.ports`);
    this.#port = await server.ready(() => {
      const { nats } = JSON.parse(readFileSync(portsFile, 'utf8')) as { nats: string[] };
      return Number(new URL(nats[0] ?? '').port);
    });
    return server;
  }

  /**
   * By default the server takes three quarters of the free disk as its bound, and refuses a stream
   * that reserves more: whether a bus could be made would hang on what else fills this disk.
   */
  #writeConfig(): string {
    const file = join(this.#dir, 'nats-server.conf');
    const storeDir = JSON.stringify(this.storeDir);
    writeFileSync(
      file,
      `jetstream { store_dir: ${storeDir}, max_file_store: 64GB, max_memory_store: 4GB }\n`,
    );
    return file;
  }

  protected async cleanUp(): Promise<void> {
    await this.#ownDir?.[Symbol.asyncDispose]();
  }
}

/**
 * Starts a private nats-server.
 *
 * @throws {ToolMissingError} there is no nats-server (of that version)
 * @throws {ServerStartError} it did not start; the message shows its log
 */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const tool = natsTool(options.version);
  const ownDir = options.dir === undefined ? await tempDir('vs-nats-') : undefined;
  const dir = options.dir ?? (ownDir as TempDir).path;
  const server = new NatsServer(options, tool, dir, ownDir);
  try {
    await server.start();
  } catch (error) {
    await ownDir?.[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}
