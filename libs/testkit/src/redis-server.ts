import { connect } from 'node:net';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { ManagedServer } from './managed-server.ts';
import { ServerProcess, ServerStartError } from './server-process.ts';
import { type TempDir, tempDir } from './temp-dir.ts';
import { type Tool, redisTool } from './tool.ts';

export type RedisOptions = {
  /** Its folder (log); kept afterwards. Default: a temporary one, removed at the end. */
  dir?: string;
  /** Default: a free one. */
  port?: number;
  /** More arguments, for instance `['--notify-keyspace-events', 'KEA']`. */
  args?: readonly string[];
  /** Added to its environment. */
  env?: Readonly<Record<string, string>>;
  /** `true`: it goes on when this process ends. */
  outliveOwner?: boolean;
};

/**
 * A private redis-server on 127.0.0.1 that keeps nothing on disk: a restart or a crash empties
 * it, as it would a cache.
 */
export class RedisServer extends ManagedServer {
  readonly #options: RedisOptions;
  readonly #tool: Tool;
  readonly #dir: string;
  readonly #ownDir: TempDir | undefined;
  #port: number | undefined;

  constructor(options: RedisOptions, tool: Tool, dir: string, ownDir: TempDir | undefined) {
    super();
    this.#options = options;
    this.#tool = tool;
    this.#dir = dir;
    this.#ownDir = ownDir;
    this.#port = options.port;
  }

  get port(): number {
    if (this.#port === undefined) throw new Error('redis-server has no port before it started');
    return this.#port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Removes every key. */
  async flush(): Promise<void> {
    await this.command('FLUSHALL');
  }

  /** One command that is answered `OK`, such as `CONFIG SET maxmemory 1`. */
  async command(line: string): Promise<void> {
    const answer = await ask(this.port, line);
    if (answer !== '+OK') throw new Error(`redis-server refused ${line}: ${answer}`);
  }

  protected async launch(): Promise<ServerProcess> {
    if (this.#port !== undefined) return this.#launchOn(this.#port);
    // Another process may take the free port first: then it is another port's turn.
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort();
      try {
        const server = await this.#launchOn(port);
        this.#port = port;
        return server;
      } catch (error) {
        if (attempt === 3 || !(error instanceof ServerStartError)) throw error;
      }
    }
  }

  protected async cleanUp(): Promise<void> {
    await this.#ownDir?.[Symbol.asyncDispose]();
  }

  async #launchOn(port: number): Promise<ServerProcess> {
    const server = await ServerProcess.start({
      what: 'redis-server',
      command: this.#tool.command,
      args: [
        '--bind',
        '127.0.0.1',
        '--port',
        String(port),
        '--dir',
        this.#dir,
        '--save',
        '',
        '--appendonly',
        'no',
        '--daemonize',
        'no',
        ...(this.#options.args ?? []),
      ],
      env: { ...this.#tool.env, ...this.#options.env },
      logFile: join(this.#dir, 'redis-server.log'),
      outliveOwner: this.#options.outliveOwner === true,
    });
    await server.ready(async () => (await ask(port, 'PING')) === '+PONG');
    return server;
  }
}

/**
 * Starts a private redis-server.
 *
 * @throws {ToolMissingError} there is no redis-server
 * @throws {ServerStartError} it did not start; the message shows its log
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const tool = redisTool();
  const ownDir = options.dir === undefined ? await tempDir('vs-redis-') : undefined;
  const dir = options.dir ?? (ownDir as TempDir).path;
  const server = new RedisServer(options, tool, dir, ownDir);
  try {
    await server.start();
  } catch (error) {
    await ownDir?.[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

/** One inline command, one line of answer. */
async function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    let text = '';
    socket.setEncoding('utf8').setTimeout(5_000, () => {
      socket.destroy(new Error(`redis-server on port ${port} does not answer ${command}`));
    });
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\r\n');
      if (end === -1) return;
      resolve(text.slice(0, end));
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`redis-server on port ${port} hung up`)));
  });
}
