import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { domainListSchema, eventListSchema } from '@virtscope/contracts';
import { type TempDir, tempDir, virsh, waitFor } from '@virtscope/testkit';
import { expect, test } from 'vitest';

const execute = promisify(execFile);
const dev = resolve(import.meta.dirname, '../dev');

type Status = {
  queryApi: string;
  nats: string;
  redis: string;
  hosts: { id: string; uri: string }[];
  services: { name: string; pid: number; metrics: string }[];
};

/** ./dev with a state folder of its own; disposing it ends what it started. */
class Bench implements AsyncDisposable {
  readonly dir: TempDir;
  readonly env: NodeJS.ProcessEnv;

  constructor(dir: TempDir) {
    this.dir = dir;
    this.env = { ...process.env, VIRTSCOPE_STATE_DIR: dir.path };
  }

  static async create(): Promise<Bench> {
    return new Bench(await tempDir());
  }

  /** @returns exit code and everything that it printed */
  async run(...args: string[]): Promise<{ code: number; text: string }> {
    try {
      const { stdout, stderr } = await execute(dev, args, { env: this.env });
      return { code: 0, text: stdout + stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, text: stdout + stderr };
    }
  }

  async status(): Promise<Status> {
    return JSON.parse((await this.run('status', '--json')).text) as Status;
  }

  /** Processes and mounts that speak of the state folder. */
  remains(): string[] {
    const processes = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .filter((pid) =>
        ['cmdline', 'environ'].some((file) =>
          contentOf(`/proc/${pid}/${file}`).includes(this.dir.path),
        ),
      );
    const mounts = contentOf('/proc/self/mounts')
      .split('\n')
      .filter((mount) => mount.includes(this.dir.path));
    return [...processes.map((pid) => `process ${pid}`), ...mounts];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run('down');
    await this.dir[Symbol.asyncDispose]();
  }
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // the process has ended
  }
}

/** `host uuid name id` of each domain, as query-api tells it. */
async function toldDomains(queryApi: string): Promise<string[]> {
  const response = await fetch(`${queryApi}/v1/domains?pageSize=1000`);
  const { domains } = domainListSchema.parse(await response.json());
  return domains
    .map(({ host, uuid, name, id }) => `${host} ${uuid} ${name} ${id ?? '-'}`)
    .toSorted();
}

/** The same, as virsh shows it on the very sockets that `status` names. */
async function shownDomains(hosts: Status['hosts']): Promise<string[]> {
  const lists = hosts.map(async ({ id: host, uri }) => {
    const uuids = (await virsh(uri, ['-r', 'list', '--all', '--uuid'])).trim().split('\n');
    return Promise.all(
      uuids
        .filter((uuid) => uuid !== '')
        .map(async (uuid) => {
          const name = (await virsh(uri, ['-r', 'domname', uuid])).trim();
          const id = (await virsh(uri, ['-r', 'domid', uuid])).trim();
          return `${host} ${uuid} ${name} ${id}`;
        }),
    );
  });
  return (await Promise.all(lists)).flat().toSorted();
}

test('up --detach shows the domains that virsh shows, and down leaves nothing', async () => {
  await using bench = await Bench.create();
  const started = await bench.run('up', '--detach', '--port', '0');
  expect(started.text).toContain('Worth trying:');
  expect(started.code).toBe(0);

  const status = await bench.status();
  expect(status.services.map(({ name }) => name).toSorted()).toEqual([
    'caps-cache',
    'event-bridge',
    'query-api',
    'stats-sampler',
  ]);
  expect((await fetch(`${status.queryApi}/readyz`)).status).toBe(200);
  for (const { metrics } of status.services) expect((await fetch(metrics)).status).toBe(200);
  const hosts = status.hosts.map(({ id }) => id);
  expect(hosts).toEqual(expect.arrayContaining(['hv1', 'test1']));
  expect(await toldDomains(status.queryApi)).toEqual(await shownDomains(status.hosts));

  const second = await bench.run('up', '--detach', '--port', '0');
  expect(second.code).toBe(1);
  expect(second.text).toContain(status.queryApi);

  expect((await bench.run('down')).code).toBe(0);
  expect(bench.remains()).toEqual([]);
  expect((await bench.run('status', '--json')).code).toBe(1);
  expect(await bench.run('down')).toEqual({ code: 0, text: 'nothing runs\n' });
});

test('a simulated fleet lives without a hypervisor, and goes as a whole', async () => {
  await using bench = await Bench.create();
  const size = ['--hosts', '12', '--domains', '5', '--churn', '50'];
  const started = await bench.run('fleet', '--detach', '--port', '0', ...size);
  expect(started.text).toContain('simulating 12 hosts with 5 domains each');
  expect(started.code).toBe(0);
  const { queryApi, hosts } = await bench.status();
  expect(hosts).toHaveLength(12);
  expect(await toldDomains(queryApi)).toHaveLength(60);
  // It lives: what is told changes by itself.
  const kinds = new Set<string>();
  await waitFor(
    async () => {
      const response = await fetch(`${queryApi}/v1/events?pageSize=1000`);
      const { events } = eventListSchema.parse(await response.json());
      for (const { kind, synthesised } of events) if (synthesised !== true) kinds.add(kind);
      return ['suspended', 'resumed', 'started', 'stopped'].every((kind) => kinds.has(kind));
    },
    { what: 'changes of every sort', timeoutMs: 30_000 },
  );
  expect((await bench.run('down')).code).toBe(0);
  expect(bench.remains()).toEqual([]);
});

test('an up in the foreground that is killed takes everything along, and can start again', async () => {
  await using bench = await Bench.create();
  for (const signal of ['SIGKILL', 'SIGINT'] as const) {
    const up = spawn(dev, ['up', '--port', '0', '--domains', '1'], { env: bench.env });
    let text = '';
    up.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    up.stderr.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const exited = once(up, 'exit');
    await waitFor(() => text.includes('Ctrl-C ends it') || up.exitCode !== null, {
      what: 'the workbench to be up',
      timeoutMs: 60_000,
    });
    expect(text).toContain('Ctrl-C ends it');
    expect(bench.remains()).not.toEqual([]);
    up.kill(signal);
    expect(await exited).toEqual(signal === 'SIGKILL' ? [null, signal] : [0, null]);
    await waitFor(() => bench.remains().length === 0, { what: `the end of it all by ${signal}` });
  }
});

test('a service that cannot start ends the start, shows its log, and leaves nothing', async () => {
  await using bench = await Bench.create();
  bench.env['VIRTSCOPE_LOG_LEVEL'] = 'shout';
  const started = await bench.run('up', '--detach', '--port', '0');
  expect(started.code).toBe(1);
  expect(started.text).toContain(join(bench.dir.path, 'logs'));
  expect(started.text).toContain('VIRTSCOPE_LOG_LEVEL');
  expect(bench.remains()).toEqual([]);
});
