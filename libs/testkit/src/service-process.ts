import { join, resolve } from 'node:path';
import { freePort } from './free-port.ts';
import { ManagedServer } from './managed-server.ts';
import { ServerProcess } from './server-process.ts';
import { waitFor } from './wait-for.ts';

export type ServiceName = 'event-bridge' | 'stats-sampler' | 'caps-cache' | 'query-api';

export type ServiceOptions = {
  name: ServiceName;
  /** Where its log goes: `<dir>/<name>.log`. */
  dir: string;
  fleetFile: string;
  natsUrl: string;
  redisUrl: string;
  /** Where query-api listens; default: a free port. */
  httpPort?: number;
  /** Added to its environment. */
  env?: Readonly<Record<string, string>>;
};

/** One metric's sample, as Prometheus' text has it. */
export type MetricSample = { labels: Record<string, string>; value: number };

/** One of our services as a process of its own, with the same ports after each restart. */
export class ServiceProcess extends ManagedServer {
  readonly name: ServiceName;
  /** query-api's address. */
  readonly url: string;
  readonly managementUrl: string;
  readonly logFile: string;
  readonly #options: ServiceOptions & { httpPort: number };
  readonly #managementPort: number;

  constructor(options: ServiceOptions & { httpPort: number }, managementPort: number) {
    super();
    this.name = options.name;
    this.url = `http://127.0.0.1:${options.httpPort}`;
    this.managementUrl = `http://127.0.0.1:${managementPort}`;
    this.logFile = join(options.dir, `${options.name}.log`);
    this.#options = options;
    this.#managementPort = managementPort;
  }

  protected async launch(): Promise<ServerProcess> {
    const { name, fleetFile, natsUrl, redisUrl, httpPort, env } = this.#options;
    const server = await ServerProcess.start({
      what: name,
      command: process.execPath,
      args: [resolve(import.meta.dirname, '../../../apps', name, 'src/main.ts')],
      env: {
        VIRTSCOPE_FLEET: fleetFile,
        VIRTSCOPE_NATS_URL: natsUrl,
        VIRTSCOPE_REDIS_URL: redisUrl,
        VIRTSCOPE_HTTP_LISTEN: `127.0.0.1:${httpPort}`,
        VIRTSCOPE_MANAGEMENT_LISTEN: `127.0.0.1:${this.#managementPort}`,
        ...env,
      },
      logFile: this.logFile,
    });
    await server.ready(async () => (await fetch(`${this.managementUrl}/healthz`)).ok);
    return server;
  }

  protected cleanUp(): Promise<void> {
    return Promise.resolve();
  }

  /** Waits until it says that it is ready. */
  async ready(): Promise<void> {
    const look = async (): Promise<true> => {
      const response = await fetch(`${this.managementUrl}/readyz`);
      if (!response.ok) throw new Error(await response.text());
      return true;
    };
    await waitFor(look, { what: `${this.name} to be ready`, timeoutMs: 45_000 });
  }

  /** The samples of one of its metrics; none when it has no such metric. */
  async metric(name: string): Promise<MetricSample[]> {
    const text = await (await fetch(`${this.managementUrl}/metrics`)).text();
    return text.split('\n').flatMap((line) => {
      const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (match?.[1] !== name) return [];
      const labels = [...(match[2] ?? '').matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)];
      return [
        {
          labels: Object.fromEntries(labels.map(([, key, value]) => [key ?? '', value ?? ''])),
          value: Number(match[3]),
        },
      ];
    });
  }
}

/** Starts a service and waits until it lives; it may not be ready yet. */
export async function startService(options: ServiceOptions): Promise<ServiceProcess> {
  const httpPort = options.httpPort ?? (await freePort());
  const service = new ServiceProcess({ ...options, httpPort }, await freePort());
  await service.start();
  return service;
}
