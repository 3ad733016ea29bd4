/** The shell of simulated daemons: sockets, timers and the clock around the pure parts. */
import { once } from 'node:events';
import { type Server, type Socket, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { socketUri } from '../virsh.ts';
import { type AdmittedCall, Conversation } from './conversation.ts';
import type { SimulatedDisk, SimulatedDomain } from './domain.ts';
import type { HostEvent } from './host-event.ts';
import type { DomainRow } from './domain-row.ts';
import { type HostOptions, SimulatedHost } from './state.ts';

export type SimulatedDaemonOptions = HostOptions & {
  /** Where it listens for everybody. */
  socketPath: string;
  /** Where it listens for readers. Default: nowhere. */
  readOnlySocketPath?: string;
  /** Milliseconds that only grow; domains age by it. Default: since this process began. */
  clock?: () => number;
  /** KVM's own counters in bulk stats: five times the bytes. Default false. */
  kvmCounters?: boolean;
  /** As a driver that sends no events of domains. Default false. */
  withoutDomainEvents?: boolean;
  /** Calls that one client may have unanswered. Default 5. */
  maxClientRequests?: number;
  /** Default 5,000. */
  keepaliveIntervalMs?: number;
  /** Default 5. */
  keepaliveCount?: number;
};

/** What a client may leave unread: beyond, the daemon hangs up on it. */
export const maxUnsentBytes = 256 * 2 ** 20;

/** Clients that may wait to be accepted: a fleet's sessions come all at once. */
const backlog = 4_096;

type Hold = { procedure: string | undefined; calls: AdmittedCall[] };

/** One simulated libvirtd. Domains are named by uuid or name. */
export class SimulatedDaemon implements AsyncDisposable {
  readonly socketPath: string;
  readonly host: SimulatedHost;
  readonly #options: SimulatedDaemonOptions;
  readonly #clock: () => number;
  readonly #servers: Server[] = [];
  readonly #conversations = new Map<Duplex, Conversation>();
  readonly #holds = new Set<Hold>();
  #watch: NodeJS.Timeout | undefined;

  private constructor(options: SimulatedDaemonOptions) {
    this.#options = options;
    this.#clock = options.clock ?? (() => performance.now());
    this.socketPath = options.socketPath;
    this.host = new SimulatedHost(options, this.#clock());
  }

  static async start(options: SimulatedDaemonOptions): Promise<SimulatedDaemon> {
    const daemon = new SimulatedDaemon(options);
    try {
      await daemon.#listen(options.socketPath, false);
      if (options.readOnlySocketPath !== undefined) {
        await daemon.#listen(options.readOnlySocketPath, true);
      }
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
    const everyMs = (options.keepaliveIntervalMs ?? 5_000) / 5;
    daemon.#watch = setInterval(() => {
      const nowMs = performance.now();
      for (const conversation of daemon.#conversations.values()) conversation.watch(nowMs);
    }, everyMs).unref();
    return daemon;
  }

  /** For libvirt's clients, node-libvirt among them. */
  get uri(): string {
    return socketUri('qemu', this.socketPath);
  }

  get hostname(): string {
    return this.host.hostname;
  }

  get hostUuid(): string {
    return this.host.hostUuid;
  }

  /** Clients that are connected. */
  get connections(): number {
    return this.#conversations.size;
  }

  domain(uuidOrName: string): DomainRow {
    return this.host.find(uuidOrName);
  }

  /** Defines a domain that does not run, or changes one of the same uuid. */
  define(spec: SimulatedDomain): void {
    this.#tell(this.host.define(spec));
  }

  /** Starts a transient domain. */
  create(spec: SimulatedDomain): void {
    this.#tell(this.host.create(spec, this.#clock()));
  }

  start(domain: string, how: { paused?: boolean } = {}): void {
    this.#tell(this.host.start(this.domain(domain), this.#clock(), how));
  }

  suspend(domain: string): void {
    this.#tell(this.host.suspend(this.domain(domain), this.#clock()));
  }

  resume(domain: string): void {
    this.#tell(this.host.resume(this.domain(domain), this.#clock()));
  }

  /** The guest powers off. */
  shutdown(domain: string): void {
    this.#tell(this.host.shutdown(this.domain(domain)));
  }

  destroy(domain: string): void {
    this.#tell(this.host.destroy(this.domain(domain)));
  }

  /** QEMU is killed. */
  crash(domain: string): void {
    this.#tell(this.host.crash(this.domain(domain)));
  }

  /** The guest reboots. */
  reset(domain: string): void {
    this.#tell(this.host.reset(this.domain(domain)));
  }

  managedSave(domain: string): void {
    this.#tell(this.host.managedSave(this.domain(domain), this.#clock()));
  }

  undefine(domain: string): void {
    this.#tell(this.host.undefine(this.domain(domain)));
  }

  rename(domain: string, name: string): void {
    this.#tell(this.host.rename(this.domain(domain), name));
  }

  setAutostart(domain: string, autostart: boolean): void {
    this.#tell(this.host.setAutostart(this.domain(domain), autostart));
  }

  setTitle(domain: string, title: string | undefined): void {
    this.#tell(this.host.setMetadata(this.domain(domain), 1, title, undefined));
  }

  setDescription(domain: string, description: string | undefined): void {
    this.#tell(this.host.setMetadata(this.domain(domain), 0, description, undefined));
  }

  /** The metadata element of a namespace; without one it is removed. */
  setMetadata(domain: string, nsUri: string, element: string | undefined): void {
    this.#tell(this.host.setMetadata(this.domain(domain), 2, element, nsUri));
  }

  attachDisk(domain: string, disk: SimulatedDisk): void {
    this.#tell(this.host.attachDisk(this.domain(domain), disk));
  }

  detachDisk(domain: string, target: string): void {
    this.#tell(this.host.detachDisk(this.domain(domain), target));
  }

  /**
   * From now on calls are read but not answered, until the hold is disposed: of one procedure
   * (`connectGetAllDomainStats`), or of all. They hold their slots, as behind a stuck domain.
   */
  hold(procedure?: string): Disposable & { readonly held: number } {
    const hold: Hold = { procedure, calls: [] };
    this.#holds.add(hold);
    return {
      get held() {
        return hold.calls.length;
      },
      [Symbol.dispose]: () => {
        this.#holds.delete(hold);
        for (const call of hold.calls.splice(0)) this.#admit(call);
      },
    };
  }

  /** Hangs up on every client; new ones may come at once. */
  dropConnections(): void {
    for (const socket of this.#conversations.keys()) socket.destroy();
  }

  /**
   * Serves a client on any transport that is already up, such as a TLS socket after its handshake and
   * libvirt's status byte.
   */
  serve(socket: Duplex, { readOnly = false }: { readOnly?: boolean } = {}): void {
    const { maxClientRequests = 5, kvmCounters = false } = this.#options;
    const { keepaliveIntervalMs = 5_000, keepaliveCount = 5 } = this.#options;
    const { withoutDomainEvents = false } = this.#options;
    const conversation = new Conversation({
      host: this.host,
      readOnly,
      kvmCounters,
      maxClientRequests,
      withoutDomainEvents,
      keepalive: { intervalMs: keepaliveIntervalMs, count: keepaliveCount },
      nowMs: performance.now(),
      send: (frame, written) => {
        send(socket, frame, () => {
          written?.(performance.now());
          if (conversation.readsOn) socket.resume();
        });
      },
      end: () => socket.end(),
      destroy: () => socket.destroy(),
      tell: (events) => {
        this.#tell(events);
      },
      admit: (call) => {
        this.#admit(call);
      },
    });
    this.#conversations.set(socket, conversation);
    socket.on('data', (chunk: Buffer) => {
      conversation.receive(chunk, performance.now());
      if (!conversation.readsOn) socket.pause();
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      conversation.closed();
      this.#conversations.delete(socket);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#watch);
    this.dropConnections();
    for (const server of this.#servers.splice(0)) {
      if (!server.listening) continue;
      const closed = once(server, 'close');
      server.close();
      await closed;
    }
  }

  async #listen(path: string, readOnly: boolean): Promise<void> {
    const server = createServer((socket: Socket) => {
      this.serve(socket, { readOnly });
    });
    this.#servers.push(server);
    server.listen({ path, backlog });
    await once(server, 'listening');
  }

  #tell(events: readonly HostEvent[]): void {
    for (const event of events) {
      for (const conversation of this.#conversations.values()) conversation.deliver(event);
    }
  }

  #admit(call: AdmittedCall): void {
    for (const hold of this.#holds) {
      if (hold.procedure === undefined || hold.procedure === call.procedure) {
        hold.calls.push(call);
        return;
      }
    }
    call.answer(this.#clock());
  }
}

function send(socket: Duplex, frame: Buffer, written: () => void): void {
  if (socket.destroyed) return;
  socket.write(frame, (error) => {
    if (error === undefined || error === null) written();
  });
  if (socket.writableLength > maxUnsentBytes) socket.destroy();
}

/**
 * Starts a simulated libvirtd in this process. It serves when this returns, until it is disposed.
 *
 *     await using daemon = await startSimulatedDaemon({ socketPath, hostname: 'hv1', domains: 500 });
 *     await using session = await connect(daemon.uri);
 *     daemon.destroy('vm00001');
 */
export async function startSimulatedDaemon(
  options: SimulatedDaemonOptions,
): Promise<SimulatedDaemon> {
  return SimulatedDaemon.start(options);
}
