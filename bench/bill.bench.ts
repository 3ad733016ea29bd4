/**
 * What libvirtd is made to do for the same freshness: forty real QEMUs, sampled in turn by us, by
 * Debian's prometheus-libvirt-exporter (one scrape each 10 s), by collectd's virt plugin (each 10 s)
 * and by a loop as VDSM's: one bulk call for the same groups at the same times as ours. A counting
 * proxy between each and libvirtd bills the calls and bytes; the kernel tells libvirtd's CPU.
 *
 *     ./dev bench bill [SECONDS]
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { getUnpacked } from '@virtscope/dev/src/install/unpacked-servers.ts';
import { lineProgress } from '@virtscope/dev/src/progress.ts';
import {
  freePort,
  startCountingProxy,
  startService,
  sumOf,
  toolsDir,
  waitFor,
} from '@virtscope/testkit';
import { connect } from 'node-libvirt';
import { startGuests } from './guests.ts';
import { cpuSeconds } from './process-cpu.ts';
import { startBus } from './bus.ts';
import { publish, quantile, type Row } from './report.ts';

const seconds = Number(process.argv[2] ?? 60);
const intervalS = 10;
const domains = 40;
const fastGroups = 0x1 | 0x10 | 0x40 | 0x100;
const monitorGroups = 0x2 | 0x4 | 0x8 | 0x20 | 0x80 | 0x400;
const activeNowait = 0x2000_0001;

await using host = await startGuests(domains);
const { libvirtd, dir } = host;

type Client = (uri: string) => Promise<AsyncDisposable>;
type Cost = { calls: number; cpuSPerMin: number; bytes: number };

async function measure(client: Client): Promise<Cost> {
  await using proxy = await startCountingProxy({ target: libvirtd.socket });
  await using _ = await client(`qemu+unix:///system?socket=${proxy.socket}`);
  await waitFor(() => sumOf(proxy.bill().calls) > 10, { what: 'its calls', timeoutMs: 60_000 });
  // What it asks once, at its start, is not on the bill.
  await new Promise((done) => setTimeout(done, intervalS * 1_000));
  proxy.reset();
  const cpu = cpuSeconds(libvirtd.pid);
  const fromMs = performance.now();
  await new Promise((done) => setTimeout(done, seconds * 1_000));
  const elapsedS = (performance.now() - fromMs) / 1_000;
  const { calls, bytes } = proxy.bill();
  const per = domains * (elapsedS / intervalS);
  console.log(calls);
  return {
    calls: sumOf(calls) / per,
    cpuSPerMin: ((cpuSeconds(libvirtd.pid) - cpu) / elapsedS) * 60,
    bytes: (bytes.fromClient + bytes.fromDaemon) / per,
  };
}

/** A child process that ends with its owner's scope. */
function owned(child: ChildProcess): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/**
 * A program of Debian's, installed or unpacked among the tools, where it is got when it is missing:
 * it is never installed, as its package would start a service.
 *
 * @returns undefined when it cannot be had
 */
async function peer(folder: string, path: string): Promise<string | undefined> {
  try {
    await getUnpacked(folder, basename(path), lineProgress(console.error));
  } catch (error) {
    console.error(`${folder} cannot be had: ${(error as Error).message}`);
  }
  return [join(toolsDir(), folder, path), join('/', path)].find(existsSync);
}

const us: Client = async (uri) => {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startBus(dir));
  const fleetFile = join(dir, 'fleet.yaml');
  writeFileSync(fleetFile, `hosts:\n  - { id: hv1, uri: "${uri}" }\n`);
  stack.use(
    await startService({
      name: 'stats-sampler',
      dir,
      fleetFile,
      natsUrl: nats.url,
      redisUrl: 'redis://127.0.0.1:1',
    }),
  );
  return stack.move();
};

/** The bulk loop, at our tiers' times. */
const vdsmLike: Client = async (uri) => {
  const session = await connect(uri, { readOnly: true });
  const ask = (stats: number, flags: number): void => {
    void session.connectGetAllDomainStats({ stats, flags }).catch(() => undefined);
  };
  const fast = setInterval(() => ask(fastGroups, 0), 2_000);
  const monitor = setInterval(() => ask(monitorGroups, activeNowait), intervalS * 1_000);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(fast);
      clearInterval(monitor);
      await session.close();
    },
  };
};

const exporterPath = await peer(
  'prometheus-libvirt-exporter',
  'usr/bin/prometheus-libvirt-exporter',
);
const exporter: Client = async (uri) => {
  const listen = `127.0.0.1:${await freePort()}`;
  const child = spawn(
    exporterPath ?? '',
    [`--libvirt.uri=${uri}`, `--web.listen-address=${listen}`],
    { stdio: 'ignore' },
  );
  const scrape = async (): Promise<boolean> =>
    (await fetch(`http://${listen}/metrics`)).text().then((text) => text.includes('libvirt_up 1'));
  await waitFor(scrape, { what: 'the exporter', timeoutMs: 30_000 });
  const timer = setInterval(() => void scrape().catch(() => undefined), intervalS * 1_000);
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await owned(child)[Symbol.asyncDispose]();
    },
  };
};

const collectdPath = await peer('collectd-core', 'usr/sbin/collectd');
const collectd: Client = (uri) => {
  const root = (collectdPath ?? '').replace(/usr\/sbin\/collectd$/, '');
  const conf = join(dir, 'collectd.conf');
  writeFileSync(
    conf,
    `BaseDir "${dir}"
PIDFile "${dir}/collectd.pid"
PluginDir "${root}usr/lib/collectd"
TypesDB "${root}usr/share/collectd/types.db"
Interval ${intervalS}
LoadPlugin virt
<Plugin virt>
  Connection "${uri}"
  RefreshInterval 60
  HostnameFormat uuid
</Plugin>
`,
  );
  const child = spawn(collectdPath ?? '', ['-f', '-C', conf], { stdio: 'ignore' });
  return Promise.resolve(owned(child));
};

const costs = new Map<string, Cost>();
const clients: [string, Client, boolean][] = [
  ['us', us, true],
  ['vdsmlike', vdsmLike, true],
  ['exporter', exporter, exporterPath !== undefined],
  ['collectd', collectd, collectdPath !== undefined],
];
for (const [name, client, here] of clients) {
  if (!here) console.error(`left out: ${name} is not on this machine`);
  else costs.set(name, await measure(client));
}

const fastMs: number[] = [];
await using session = await connect(libvirtd.uri);
for (let i = 0; i < 50; i++) {
  const fromMs = performance.now();
  await session.connectGetAllDomainStats({ stats: fastGroups });
  fastMs.push(performance.now() - fromMs);
}

const ours = costs.get('us');
const bulk = costs.get('vdsmlike');
const exporters = ['exporter', 'collectd'].flatMap((name) => costs.get(name)?.calls ?? []);
const rows: Row[] = [];
for (const [name, { calls, cpuSPerMin, bytes }] of costs) {
  rows.push(
    {
      id: `calls_per_domain_interval.${name}`,
      value: calls,
      unit: 'calls',
      ...(name === 'us'
        ? {
            goal: '<= 0.25, and 1/20 of either exporter',
            met: calls <= 0.25 && exporters.every((theirs) => calls <= theirs / 20),
          }
        : {}),
    },
    {
      id: `libvirtd_cpu_s_per_min.${name}`,
      value: cpuSPerMin,
      unit: 's',
      ...(name === 'us' && bulk !== undefined
        ? {
            baseline: bulk.cpuSPerMin,
            ratio: cpuSPerMin / bulk.cpuSPerMin,
            goal: "<= 1.1 of the bulk loop's",
            met: cpuSPerMin <= 1.1 * bulk.cpuSPerMin,
          }
        : {}),
    },
    { id: `bytes_per_domain_interval.${name}`, value: bytes, unit: 'bytes' },
  );
}
if (ours === undefined) throw new Error('we were not measured');
const fastP50 = quantile(fastMs, 0.5);
rows.push({ id: 'fast_call_ms_p50', value: fastP50, unit: 'ms', goal: '< 2', met: fastP50 < 2 });
publish('bill', rows);
process.exit(0);
