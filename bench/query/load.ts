/** HTTP load over kept connections: as fast as it goes, or at a rate. */
import { connect, type Socket } from 'node:net';

/** One kept connection, one request at a time. */
class Line {
  readonly #socket: Socket;
  readonly #host: string;
  #left = 0;
  #length = 0;
  #waiting: ((bytes: number) => void) | undefined;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.#host = `${hostname}:${port}`;
    this.#socket = connect(Number(port), hostname).setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  /** @returns the body's length */
  get(path: string): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#waiting = resolve;
    this.#socket.write(`GET ${path} HTTP/1.1\r\nhost: ${this.#host}\r\n\r\n`);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    if (this.#left > 0) {
      this.#left -= chunk.length;
    } else {
      // The head comes in one piece: it is small, and the first that is written.
      const head = chunk.indexOf('\r\n\r\n');
      const text = chunk.toString('latin1', 0, head);
      if (!text.startsWith('HTTP/1.1 200')) throw new Error(text.split('\r\n')[0]);
      this.#length = Number(/content-length: (\d+)/i.exec(text)?.[1]);
      this.#left = head + 4 + this.#length - chunk.length;
    }
    if (this.#left === 0) this.#waiting?.(this.#length);
  }
}

/** @returns requests a second */
export async function flatOut(
  url: string,
  path: (i: number) => string,
  { lines, ms }: { lines: number; ms: number },
): Promise<number> {
  let done = 0;
  const all = Array.from({ length: lines }, () => new Line(url));
  const startedMs = performance.now();
  await Promise.all(
    all.map(async (line) => {
      while (performance.now() - startedMs < ms) await line.get(path(done++));
    }),
  );
  const perSecond = (done * 1_000) / (performance.now() - startedMs);
  for (const line of all) line.close();
  return perSecond;
}

/** Latencies at a rate, from the moment at which each request was due. */
export async function atRate(
  url: string,
  path: (i: number) => string,
  { lines, ms, perSecond }: { lines: number; ms: number; perSecond: number },
): Promise<number[]> {
  const took: number[] = [];
  const all = Array.from({ length: lines }, () => new Line(url));
  const startedMs = performance.now();
  let due = 0;
  await Promise.all(
    all.map(async (line) => {
      for (;;) {
        const i = due++;
        const dueMs = startedMs + (i * 1_000) / perSecond;
        if (dueMs > startedMs + ms) return;
        const earlyMs = dueMs - performance.now();
        if (earlyMs > 0) await new Promise((resolve) => setTimeout(resolve, earlyMs));
        const from = Math.max(dueMs, earlyMs > 0 ? performance.now() : dueMs);
        await line.get(path(i));
        took.push(performance.now() - from);
      }
    }),
  );
  for (const line of all) line.close();
  return took;
}

/** Latencies one after the other. */
export async function oneByOne(url: string, path: string, times: number): Promise<number[]> {
  const line = new Line(url);
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const startedMs = performance.now();
    await line.get(path);
    took.push(performance.now() - startedMs);
  }
  line.close();
  return took;
}
