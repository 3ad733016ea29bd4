import type { ProcessRef } from './process-ref.ts';
import type { ServerProcess } from './server-process.ts';

/**
 * What every launched server can do and suffer. It lives as one process at a time; a restarted
 * one keeps its address. Disposing stops it; disposing twice is harmless.
 */
export abstract class ManagedServer implements AsyncDisposable {
  #process: ServerProcess | undefined;

  /** Starts the process and waits until it serves. */
  protected abstract launch(): Promise<ServerProcess>;
  /** Removes what the server leaves on disk and nobody asked to keep. */
  protected abstract cleanUp(): Promise<void>;

  /** The server's process; fails when it is stopped. */
  get pid(): number {
    return this.ref.pid;
  }

  get ref(): ProcessRef {
    if (this.#process === undefined) throw new Error('the server is stopped');
    return this.#process.ref;
  }

  /** Starts it where it was; nothing happens when it runs. */
  async start(): Promise<void> {
    if (this.#process?.runs === true) return;
    this.#process = await this.launch();
  }

  /** Ends it in order (SIGTERM). */
  async stop(): Promise<void> {
    await this.#process?.end('SIGTERM');
    this.#process = undefined;
  }

  /** Crash: SIGKILL, and it stays away until `start` or `restart`. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
    this.#process = undefined;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** A hung server: connections stay open, nothing answers. */
  pause(): void {
    this.#process?.signal('SIGSTOP');
  }

  resume(): void {
    this.#process?.signal('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.cleanUp();
  }
}
