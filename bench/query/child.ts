/** A process of the bench's own that is asked by messages. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;

  constructor(file: string, args: readonly (string | number)[], env: NodeJS.ProcessEnv = {}) {
    this.#process = fork(join(import.meta.dirname, file), args.map(String), {
      env: { ...process.env, ...env },
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Its next message, after `question` where one is given. */
  async ask<T>(question?: object, timeoutMs = 180_000): Promise<T> {
    const answer = once(this.#process, 'message', { signal: AbortSignal.timeout(timeoutMs) });
    if (question !== undefined) this.#process.send(question);
    const [message] = (await answer) as [T];
    return message;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}
