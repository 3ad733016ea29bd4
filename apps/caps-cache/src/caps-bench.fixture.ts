/** Two equal libvirtds, NATS and Redis as processes, and caps-cache in this one. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentKey, pointerKey } from '@virtscope/caps';
import {
  capsReplySchema,
  factReplySchema,
  subjects,
  type CapsReply,
  type FactQuestion,
  type FactReply,
  type HostId,
} from '@virtscope/contracts';
import {
  connectNats,
  createLogger,
  Health,
  Metrics,
  readEnv,
  RedisCache,
  systemClock,
  type Hands,
  type NatsConnection,
} from '@virtscope/runtime';
import {
  startLibvirtd,
  startNats,
  startRedis,
  tempDir,
  waitFor,
  type Libvirtd,
  type NatsServer,
  type RedisServer,
} from '@virtscope/testkit';
import { serveCapabilities } from './serve-capabilities.ts';
import type { CapsSettings } from './settings.ts';

type Answered<T extends { ok: boolean }> = Extract<T, { ok: true }>;

const log = createLogger('caps-cache', 'test', 'silent');

export class CapsBench implements AsyncDisposable {
  readonly libvirtd: Libvirtd;
  readonly twin: Libvirtd;
  readonly nats: NatsServer;
  readonly redis: RedisServer;
  readonly nc: NatsConnection;
  readonly store: RedisCache;
  readonly #fleetFile: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    owned: AsyncDisposableStack,
    parts: Pick<CapsBench, 'libvirtd' | 'twin' | 'nats' | 'redis' | 'nc' | 'store'>,
    fleetFile: string,
  ) {
    this.#owned = owned;
    this.libvirtd = parts.libvirtd;
    this.twin = parts.twin;
    this.nats = parts.nats;
    this.redis = parts.redis;
    this.nc = parts.nc;
    this.store = parts.store;
    this.#fleetFile = fleetFile;
  }

  /**
   * Hosts `hv1`, `hv2` (equal), `tested` (libvirt's test driver), and `nowhere`.
   *
   * @param extraHosts more lines of the fleet file
   */
  static async start(
    extraHosts: (dir: string) => readonly string[] = () => [],
  ): Promise<CapsBench> {
    await using owned = new AsyncDisposableStack();
    const [libvirtd, twin, nats, redis] = await Promise.all([
      startLibvirtd(),
      startLibvirtd({ name: 'hv2' }),
      startNats(),
      startRedis(),
    ]);
    for (const server of [libvirtd, twin, nats, redis]) owned.use(server);
    const dir = owned.use(await tempDir('vs-caps-'));
    const fleetFile = join(dir.path, 'fleet.yaml');
    writeFileSync(
      fleetFile,
      `hosts:
  - { id: hv1, uri: "${libvirtd.uriRw}" }
  - { id: hv2, uri: "${twin.uriRw}" }
  - { id: tested, uri: "${libvirtd.testUri}" }
  - { id: nowhere, uri: "qemu+unix:///system?socket=${dir.path}/none" }
  - { id: "bad id", uri: "qemu:///system" }
${extraHosts(dir.path).join('\n')}
`,
    );
    const hands = handsOf('reader', { natsUrl: nats.url, redisUrl: redis.url, fleetFile });
    const nc = owned.use(await connectNats(hands));
    const store = owned.use(new RedisCache(hands));
    return new CapsBench(owned.move(), { libvirtd, twin, nats, redis, nc, store }, fleetFile);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }

  /** Redis is there, and empty. */
  async emptyRedis(): Promise<void> {
    await this.redis.start();
    await waitFor(() => this.store.isReady, { what: 'Redis' });
    await this.redis.flush();
  }

  async service(replica = 'test', settings?: CapsSettings): Promise<CapsService> {
    const places = {
      natsUrl: this.nats.url,
      redisUrl: this.redis.url,
      fleetFile: this.#fleetFile,
    };
    const service = new CapsService(replica, places, settings);
    await service.ready();
    return service;
  }

  async ask(host: HostId): Promise<CapsReply> {
    const reply = await this.nc.request(subjects.capsOfHost(host), '', { timeout: 10_000 });
    return capsReplySchema.parse(reply.json());
  }

  /** Asks as long as the host is unavailable, as a caller would. */
  answer(host: HostId): Promise<Answered<CapsReply>> {
    return untilAnswered(() => this.ask(host), `the capabilities of ${host}`);
  }

  async askFact(host: HostId, question: FactQuestion): Promise<FactReply> {
    const subject = subjects.factOfHost(host);
    const reply = await this.nc.request(subject, JSON.stringify(question), { timeout: 10_000 });
    return factReplySchema.parse(reply.json());
  }

  fact(host: HostId, question: FactQuestion): Promise<Answered<FactReply>> {
    return untilAnswered(() => this.askFact(host, question), `a fact of ${host}`);
  }

  /** The host's pointer, once its document is there as well. */
  async stored(host: HostId): Promise<{ hash: string; fingerprint: object } | undefined> {
    const text = await this.store.get(pointerKey(host)).catch(() => undefined);
    if (text === undefined) return undefined;
    const pointer = JSON.parse(text) as { hash: string; fingerprint: object };
    return (await this.store.has(documentKey(pointer.hash))) ? pointer : undefined;
  }

  async untilStored(host: HostId): Promise<void> {
    await waitFor(() => this.stored(host), { what: `${host} to be in Redis` });
  }
}

/** caps-cache in this process: as often started and stopped as a test wants. */
export class CapsService {
  readonly metrics = new Metrics('caps-cache');
  readonly health = new Health();
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(replica: string, places: Places, settings?: CapsSettings) {
    const { metrics, health } = this;
    const hands = handsOf('caps-cache', places);
    const own = { ...hands, replica, metrics, health, signal: this.#stop.signal };
    this.#done = serveCapabilities(own, settings);
  }

  async ready(): Promise<void> {
    await waitFor(() => this.health.ready, { what: 'caps-cache to be ready' });
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    await this.#done;
  }

  async value(name: string, labels: Record<string, string>): Promise<number> {
    const values = (await this.metrics.registry.getSingleMetric(`virtscope_${name}`)?.get())
      ?.values;
    return (values ?? [])
      .filter((each) => Object.entries(labels).every(([key, text]) => each.labels[key] === text))
      .reduce((sum, { value }) => sum + value, 0);
  }

  /** Calls for the capabilities document. */
  calls(host: HostId, reason?: string): Promise<number> {
    const procedure = 'connectGetCapabilities';
    const labels = { host, tier: 'caps', procedure, ...(reason === undefined ? {} : { reason }) };
    return this.value('libvirt_calls_total', labels);
  }

  probes(reason: 'infer' | 'confirm'): Promise<number> {
    return this.value('caps_probes_total', { reason });
  }
}

type Places = { natsUrl: string; redisUrl: string; fleetFile: string };

function handsOf(name: string, { natsUrl, redisUrl, fleetFile }: Places): Hands {
  const env = readEnv({
    VIRTSCOPE_FLEET: fleetFile,
    VIRTSCOPE_NATS_URL: natsUrl,
    VIRTSCOPE_REDIS_URL: redisUrl,
  });
  return {
    name,
    replica: 'test',
    env,
    log,
    metrics: new Metrics(name),
    clock: systemClock,
    health: new Health(),
    signal: new AbortController().signal,
  };
}

function untilAnswered<T extends { ok: true } | { ok: false; message: string }>(
  ask: () => Promise<T>,
  what: string,
): Promise<Answered<T>> {
  return waitFor(
    async () => {
      const reply = await ask();
      if (!reply.ok) throw new Error(reply.message);
      return reply as Answered<T>;
    },
    { what, timeoutMs: 60_000 },
  ) as Promise<Answered<T>>;
}
