import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type TempDir, tempDir } from '../temp-dir.ts';
import { type Bill, type Direction, billFrame, emptyBill } from './bill.ts';
import { FrameMeter } from './frame-meter.ts';

export type CountingProxyOptions = {
  /** The daemon's Unix socket. */
  target: string;
  /** Where the proxy listens. Default: a socket in a folder of its own. */
  listen?: string;
};

/** Bills of closed connections that are kept; of older ones, only the total remembers. */
export const maxClosedConnections = 1_000;

/** Clients that may wait to be accepted: a fleet's sessions come all at once. */
const backlog = 4_096;

/** One connection through the proxy. */
export type ProxiedConnection = {
  /** In order of arrival, from 1. */
  readonly number: number;
  readonly open: boolean;
  /** Since it began, or since the last `reset`. */
  readonly bill: Bill;
};

type Link = { number: number; open: boolean; bill: Bill; client: Socket; daemon: Socket };

/**
 * Stands between libvirt's clients and a daemon and bills what is called, without changing a byte.
 * It is the judge of what was *not* called: it counts on the wire, whatever the client says.
 *
 * File descriptors that a daemon passes with a frame do not get through.
 */
export class CountingProxy implements AsyncDisposable {
  readonly socket: string;
  readonly #target: string;
  readonly #server: Server;
  readonly #ownDir: TempDir | undefined;
  readonly #links = new Set<Link>();
  /** Those of them that are over, oldest first. */
  #closedLinks: Link[] = [];
  #total = emptyBill();
  #accepted = 0;

  private constructor(target: string, socket: string, ownDir: TempDir | undefined) {
    this.#target = target;
    this.socket = socket;
    this.#ownDir = ownDir;
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      this.#accept(client);
    });
  }

  static async start({ target, listen }: CountingProxyOptions): Promise<CountingProxy> {
    const ownDir = listen === undefined ? await tempDir('vs-bill-') : undefined;
    const socket = listen ?? join((ownDir as TempDir).path, 'libvirt-sock');
    const proxy = new CountingProxy(target, socket, ownDir);
    try {
      proxy.#server.listen({ path: socket, backlog });
      await once(proxy.#server, 'listening');
    } catch (error) {
      await ownDir?.[Symbol.asyncDispose]();
      throw error;
    }
    return proxy;
  }

  /** All connections together, since the start or the last `reset`; a copy. */
  bill(): Bill {
    return structuredClone(this.#total);
  }

  /** Each connection by itself, oldest first; copies. */
  connections(): ProxiedConnection[] {
    return [...this.#links].map(({ number, open, bill }) => ({
      number,
      open,
      bill: structuredClone(bill),
    }));
  }

  /** Counts from zero, on the open connections too. Forgets the closed ones. */
  reset(): void {
    this.#total = emptyBill();
    for (const link of this.#closedLinks) this.#links.delete(link);
    this.#closedLinks = [];
    for (const link of this.#links) link.bill = emptyBill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) hangUp(link);
    if (this.#server.listening) {
      const closed = once(this.#server, 'close');
      this.#server.close();
      await closed;
    }
    await this.#ownDir?.[Symbol.asyncDispose]();
  }

  #accept(client: Socket): void {
    const daemon = connect({ path: this.#target, allowHalfOpen: true });
    this.#accepted += 1;
    const link: Link = { number: this.#accepted, open: true, bill: emptyBill(), client, daemon };
    this.#links.add(link);
    this.#pass(link, 'fromClient', client, daemon);
    this.#pass(link, 'fromDaemon', daemon, client);
    for (const end of [client, daemon]) {
      // A daemon that refuses, hangs up or breaks does the same to the client, and the other way.
      end.on('error', () => {
        hangUp(link);
      });
      end.on('close', () => {
        if (client.destroyed && daemon.destroyed) this.#closed(link);
      });
    }
  }

  #pass(link: Link, direction: Direction, from: Socket, to: Socket): void {
    const meter = new FrameMeter((header) => {
      billFrame(link.bill, direction, header);
      billFrame(this.#total, direction, header);
    });
    from.on('data', (chunk: Buffer) => {
      // Counted before it is passed on: whoever has an answer finds it on the bill.
      for (const bill of [link.bill, this.#total]) bill.bytes[direction] += chunk.length;
      meter.push(chunk);
      if (!meter.readable) link.bill.unreadable = this.#total.unreadable = true;
    });
    from.pipe(to);
  }

  #closed(link: Link): void {
    if (!link.open) return;
    link.open = false;
    this.#closedLinks.push(link);
    if (this.#closedLinks.length <= maxClosedConnections) return;
    const oldest = this.#closedLinks.shift();
    if (oldest !== undefined) this.#links.delete(oldest);
  }
}

function hangUp({ client, daemon }: Link): void {
  client.destroy();
  daemon.destroy();
}

/** Starts a proxy that counts what passes between libvirt's clients and a daemon. */
export async function startCountingProxy(options: CountingProxyOptions): Promise<CountingProxy> {
  return CountingProxy.start(options);
}
