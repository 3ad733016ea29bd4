import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  domainListSchema,
  eventDataSchema,
  hostListSchema,
  subjects,
  type EventData,
  type HttpDomain,
  type HttpHost,
} from '@virtscope/contracts';
import { type Libvirtd, startLibvirtd } from './libvirtd.ts';
import { type NatsServer, startNats } from './nats-server.ts';
import { type PulseGuest, defineAndStart, pulseGuest } from './pulse-guest.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { logTail } from './server-process.ts';
import { type ServiceName, type ServiceProcess, startService } from './service-process.ts';
import { tempDir } from './temp-dir.ts';
import { WaitTimeoutError, waitFor } from './wait-for.ts';

const serviceNames = ['event-bridge', 'stats-sampler', 'caps-cache', 'query-api'] as const;

/** A domain, by what `virsh list --all` shows of it. */
export type DomainLine = {
  host: string;
  uuid: string;
  name: string;
  id: number | null;
  state: string;
};

/**
 * The whole path as processes: a private libvirtd with QEMU domains (`hv1`) and its test driver
 * (`test1`), NATS, Redis, and the four services.
 */
export class Stack implements AsyncDisposable {
  readonly libvirtd: Libvirtd;
  readonly nats: NatsServer;
  readonly redis: RedisServer;
  readonly services: Record<ServiceName, ServiceProcess>;
  readonly nc: NatsConnection;
  /** Every event that came over NATS, in order of arrival. */
  readonly events: EventData[] = [];
  readonly fleetFile: string;
  readonly #guests: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    owned: AsyncDisposableStack,
    parts: Pick<Stack, 'libvirtd' | 'nats' | 'redis' | 'services' | 'nc' | 'fleetFile'> & {
      guests: string;
    },
  ) {
    this.#owned = owned;
    this.libvirtd = parts.libvirtd;
    this.nats = parts.nats;
    this.redis = parts.redis;
    this.services = parts.services;
    this.nc = parts.nc;
    this.fleetFile = parts.fleetFile;
    this.#guests = parts.guests;
    this.nc.subscribe(subjects.eventsOfAll, {
      callback: (_error, message) => {
        this.events.push(eventDataSchema.parse(message.json()));
      },
    });
  }

  /**
   * @param extraHosts lines of `fleet.yaml` after the two hosts that are there
   * @param env added to the environment of every service
   */
  static async start(
    extraHosts: (dir: string) => readonly string[] = () => [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Stack> {
    await using started = new AsyncDisposableStack();
    const dir = started.use(await tempDir('vs-e2e-'));
    const [libvirtd, nats, redis] = await Promise.all([startLibvirtd(), startNats(), startRedis()]);
    for (const server of [libvirtd, nats, redis]) started.use(server);
    const fleetFile = join(dir.path, 'fleet.yaml');
    writeFileSync(
      fleetFile,
      [
        'hosts:',
        `  - { id: hv1, uri: "${libvirtd.uri}", labels: { zone: a } }`,
        `  - { id: test1, uri: "${libvirtd.testUri}", identity: hostname }`,
        ...extraHosts(dir.path),
        '',
      ].join('\n'),
    );
    const launch = async (name: ServiceName): Promise<[ServiceName, ServiceProcess]> => {
      const service = await startService({
        name,
        dir: dir.path,
        fleetFile,
        natsUrl: nats.url,
        redisUrl: redis.url,
        env,
      });
      return [name, started.use(service)];
    };
    const services = Object.fromEntries(await Promise.all(serviceNames.map(launch))) as Record<
      ServiceName,
      ServiceProcess
    >;
    const nc = await connect({
      servers: nats.url,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    });
    started.defer(() => nc.close());
    const guests = join(dir.path, 'guests');
    const parts = { libvirtd, nats, redis, services, nc, fleetFile, guests };
    return new Stack(started.move(), parts);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }

  get url(): string {
    return this.services['query-api'].url;
  }

  guest(name: string): PulseGuest {
    return pulseGuest(this.#guests, { name });
  }

  async startGuest(name: string): Promise<PulseGuest> {
    const guest = this.guest(name);
    await defineAndStart(this.libvirtd, guest);
    return guest;
  }

  async get(path: string): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(10_000) });
    return { status: response.status, body: await response.json() };
  }

  async post(path: string, body: unknown): Promise<{ status: number; body: unknown }> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    return { status: response.status, body: await response.json() };
  }

  async domains(): Promise<HttpDomain[]> {
    return domainListSchema.parse(await this.#list('/v1/domains?pageSize=10000')).domains;
  }

  async hosts(): Promise<HttpHost[]> {
    return hostListSchema.parse(await this.#list('/v1/hosts')).hosts;
  }

  async #list(path: string): Promise<unknown> {
    const { status, body } = await this.get(path);
    if (status !== 200) throw new Error(`${path} answers ${status}: ${JSON.stringify(body)}`);
    return body;
  }

  async trust(host: string): Promise<string> {
    return (await this.hosts()).find((each) => each.host === host)?.trust ?? 'unlisted';
  }

  /** Waits until the hosts are live. */
  async live(...hosts: string[]): Promise<void> {
    const wanted = hosts.length > 0 ? hosts : ['hv1', 'test1'];
    await this.until(`${wanted.join(', ')} live`, async () => {
      const found = await this.hosts();
      return wanted.every((id) => found.some(({ host, trust }) => host === id && trust === 'live'));
    });
  }

  /** What virsh shows on the sockets of both hosts. */
  async virshSays(): Promise<DomainLine[]> {
    const read = async (
      host: string,
      virsh: (...args: string[]) => Promise<string>,
    ): Promise<DomainLine[]> => {
      const lines = (await virsh('list', '--all', '--uuid')).split(/\s+/).filter(Boolean);
      return Promise.all(
        lines.map(async (uuid) => {
          const info = await virsh('dominfo', uuid);
          const field = (name: string): string =>
            new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
          const id = field('Id');
          return {
            host,
            uuid,
            name: field('Name'),
            id: id === '-' ? null : Number(id),
            state: field('State').replace('shut off', 'shutoff'),
          };
        }),
      );
    };
    const hosts = await Promise.all([
      read('hv1', (...args) => this.libvirtd.virsh(...args)),
      read('test1', (...args) => this.libvirtd.virshTest(...args)),
    ]);
    return hosts.flat().toSorted(byUuid);
  }

  async httpSays(): Promise<DomainLine[]> {
    return (await this.domains())
      .map(({ host, uuid, name, id, state }) => ({ host, uuid, name, id, state }))
      .toSorted(byUuid);
  }

  /** What HTTP and virsh say, once they agree or the deadline has passed: for `toEqual`. */
  async settled(timeoutMs = 30_000): Promise<{ http: DomainLine[]; virsh: DomainLine[] }> {
    let last = { http: [] as DomainLine[], virsh: [] as DomainLine[] };
    await waitFor(
      async () => {
        const [virsh, http] = await Promise.all([this.virshSays(), this.httpSays()]);
        last = { http, virsh };
        return JSON.stringify(http) === JSON.stringify(virsh);
      },
      { what: 'HTTP to say what virsh says', timeoutMs },
    ).catch(() => undefined);
    return last;
  }

  /** Every call to libvirtd that the services were billed for, by tier and reason. */
  async bill(): Promise<Map<string, number>> {
    const bill = new Map<string, number>();
    for (const name of ['event-bridge', 'stats-sampler', 'caps-cache'] as const) {
      for (const { labels, value } of await this.services[name].metric(
        'virtscope_libvirt_calls_total',
      )) {
        const line = `${labels['tier']}/${labels['reason']}/${labels['procedure']}`;
        bill.set(line, (bill.get(line) ?? 0) + value);
      }
    }
    return bill;
  }

  /** @throws {WaitTimeoutError} with the ends of the logs */
  async until(
    what: string,
    look: () => boolean | Promise<boolean>,
    // Before a test's own last resort, so that the error tells more.
    timeoutMs = 45_000,
  ): Promise<true> {
    try {
      return await waitFor(look, { what, timeoutMs });
    } catch (error) {
      const logs = [...Object.values(this.services), this.nats].map(
        ({ logFile }) => `${logFile}:\n${logTail(logFile)}`,
      );
      throw new WaitTimeoutError([String(error), ...logs].join('\n'), { cause: error });
    }
  }
}

function byUuid(a: DomainLine, b: DomainLine): number {
  const left = `${a.host} ${a.uuid}`;
  const right = `${b.host} ${b.uuid}`;
  return left < right ? -1 : Number(left > right);
}
