import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type ProcessRef, isAlive, processRef, signalProcess } from './process-ref.ts';
import { type WaitOptions, waitFor } from './wait-for.ts';

export type Launch = {
  /** The server's name in messages. */
  what: string;
  command: string;
  args: readonly string[];
  /** Added to this process's environment. */
  env?: Readonly<Record<string, string>>;
  /** Where its output goes; appended to. */
  logFile: string;
  /**
   * `true`: it goes on when this process ends. Otherwise the kernel kills it as soon as this
   * process is gone, also when that was by SIGKILL.
   */
  outliveOwner?: boolean;
};

/** A server did not start, or ended too early. The message carries the end of its log. */
export class ServerStartError extends Error {
  override readonly name = 'ServerStartError';
}

/** A child process with a log, that dies with its owner unless told otherwise. */
export class ServerProcess {
  readonly ref: ProcessRef;
  readonly #child: ChildProcess;
  readonly #launch: Launch;

  private constructor(child: ChildProcess, ref: ProcessRef, launch: Launch) {
    this.#child = child;
    this.ref = ref;
    this.#launch = launch;
  }

  static async start(launch: Launch): Promise<ServerProcess> {
    mkdirSync(dirname(launch.logFile), { recursive: true });
    const log = openSync(launch.logFile, 'a');
    const outlive = launch.outliveOwner === true;
    // setpriv asks the kernel for a signal at our death, then becomes the command: same pid.
    const [command, args] = outlive
      ? [launch.command, launch.args]
      : ['setpriv', ['--pdeathsig', 'KILL', '--', launch.command, ...launch.args]];
    let child: ChildProcess;
    try {
      child = spawn(command, args, {
        // A session of its own: Ctrl-C in a terminal is for the owner, who ends it in order.
        detached: true,
        stdio: ['ignore', log, log],
        env: { ...process.env, ...launch.env },
      });
    } finally {
      closeSync(log);
    }
    child.unref(); // a forgotten server must not keep its owner running
    const { pid } = child;
    if (pid === undefined) {
      const [error] = (await once(child, 'error')) as [Error];
      throw new ServerStartError(`${launch.what}: cannot run ${command}: ${error.message}`, {
        cause: error,
      });
    }
    const ref = processRef(pid);
    if (ref === undefined) throw new ServerStartError(`${launch.what}: ended at once`);
    return new ServerProcess(child, ref, launch);
  }

  get pid(): number {
    return this.ref.pid;
  }

  /** Has it not ended yet? */
  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null && isAlive(this.ref);
  }

  /**
   * Waits until it serves. If it ends instead, or the deadline passes, it is killed and the error
   * shows the end of its log.
   *
   * @throws {ServerStartError}
   */
  async ready<T>(
    condition: () => T | Promise<T>,
    options: Partial<WaitOptions> = {},
  ): Promise<Exclude<T, undefined | null | false | void>> {
    const ended = new AbortController();
    const { what } = this.#launch;
    const onExit = (code: number | null, signal: NodeJS.Signals | null): void => {
      ended.abort(new Error(`it ended with ${signal ?? `exit code ${code}`}`));
    };
    this.#child.once('exit', onExit);
    try {
      const { exitCode, signalCode } = this.#child;
      if (exitCode !== null || signalCode !== null) onExit(exitCode, signalCode);
      return await waitFor(condition, {
        what: `${what} to serve`,
        ...options,
        signal: ended.signal,
      });
    } catch (error) {
      await this.end('SIGKILL');
      const reason = ended.signal.aborted ? (ended.signal.reason as Error) : (error as Error);
      throw new ServerStartError(
        `${what} did not start: ${reason.message}\n${this.#launch.logFile}:\n${logTail(this.#launch.logFile)}`,
        { cause: error },
      );
    } finally {
      this.#child.off('exit', onExit);
    }
  }

  signal(signal: NodeJS.Signals): boolean {
    return signalProcess(this.ref, signal);
  }

  /** Sends the signal and waits for the end; after `graceMs` it is killed. */
  async end(signal: NodeJS.Signals, graceMs = 10_000): Promise<void> {
    if (!this.signal(signal)) return;
    const gone = (): boolean => !this.runs;
    if (signal !== 'SIGKILL') {
      // A stopped process takes its signal only when it goes on.
      this.signal('SIGCONT');
      try {
        await waitFor(gone, { what: `${this.#launch.what} to end`, timeoutMs: graceMs });
        return;
      } catch {
        this.signal('SIGKILL');
      }
    }
    await waitFor(gone, { what: `${this.#launch.what} to die`, timeoutMs: graceMs });
  }
}

const maxLogLine = 500;

/** The last lines of a log file, indented, for an error message. */
export function logTail(file: string, lines = 20): string {
  try {
    const all = readFileSync(file, 'utf8').trimEnd().split('\n');
    return all
      .slice(-lines)
      .map((line) => `  ${line.slice(0, maxLogLine)}`)
      .join('\n');
  } catch {
    return '  (no log)';
  }
}
