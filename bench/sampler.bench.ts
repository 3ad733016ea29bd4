/**
 * What one sampler process costs for a fleet: simulated daemons of 100 domains each, in a process of
 * their own whose CPU is told apart; the sampler with its default periods (fast 2 s, monitor 10 s)
 * publishes into a real NATS. First a thousand domains, then a hundred thousand.
 *
 *     ./dev bench sampler [HOSTS] [SECONDS]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connect as connectNats } from '@nats-io/transport-node';
import { statsRows, subjects, type StatsPage } from '@virtscope/contracts';
import { startService, tempDir, waitFor, type ServiceProcess } from '@virtscope/testkit';
import { cpuSeconds, residentBytes } from './process-cpu.ts';
import { historyBytesPerDomain } from '@virtscope/view';
import { startBus } from './bus.ts';
import { publish, type Row } from './report.ts';

const manyHosts = Number(process.argv[2] ?? 1_000);
const seconds = Number(process.argv[3] ?? 60);
const domainsPerHost = 100;
const fewHosts = 10;

type Cost = {
  domains: number;
  coreShare: number;
  simulatorShare: number;
  rssMiB: number;
  /** Pages that the broker took, of those that should have come. */
  completeness: number;
  /** Pages that the sampler did not publish, as the broker was too slow to take them. */
  dropped: number;
};

async function measure(hosts: number): Promise<Cost> {
  await using folder = await tempDir('vs-fleet-');
  const dir = folder.path;
  const main = 'libs/testkit/src/simulated-daemon/main.ts';
  const simulator = spawn(
    process.execPath,
    [
      resolve(import.meta.dirname, '..', main),
      '--hosts',
      String(hosts),
      '--domains',
      String(domainsPerHost),
      '--dir',
      dir,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const { pid } = simulator;
  if (pid === undefined) throw new Error('the simulator did not start');
  try {
    await waitFor(() => existsSync(join(dir, `hv${hosts}.sock`)), {
      what: 'the simulated daemons',
      timeoutMs: 120_000,
    });
    const fleetFile = join(dir, 'fleet.yaml');
    const lines = Array.from(
      { length: hosts },
      (_, n) =>
        `  - { id: hv${n + 1}, uri: "qemu+unix:///system?socket=${dir}/hv${n + 1}.sock" }\n`,
    );
    writeFileSync(fleetFile, `hosts:\n${lines.join('')}`);
    await using nats = await startBus(dir);
    await using sampler = await startService({
      name: 'stats-sampler',
      dir,
      fleetFile,
      natsUrl: nats.url,
      redisUrl: 'redis://127.0.0.1:1',
      env: { NODE_ENV: 'production' },
    });
    await using nc = await connectNats({ servers: nats.url });
    let monitorPages = 0;
    let fastPages = 0;
    const heard = new Set<string>();
    nc.subscribe(subjects.statsOfAll, {
      callback: (_, message) => {
        const [, , , host = '', tier] = message.subject.split('.');
        if (tier === 'monitor') {
          monitorPages += 1;
          if (heard.size < hosts) heard.add(host);
          if (monitorPages === hosts * 2) parametersOf(message.json<StatsPage>());
        } else fastPages += 1;
      },
    });
    await waitFor(() => heard.size === hosts, { what: 'every host', timeoutMs: 180_000 });
    // Epochs, sessions and first samples are behind it; then it runs as it will for months.
    await waitFor(() => monitorPages >= hosts * 2, { what: 'two rounds', timeoutMs: 180_000 });
    const from = {
      cpu: cpuSeconds(sampler.pid),
      simulator: cpuSeconds(pid),
      atMs: performance.now(),
      monitorPages,
      fastPages,
      dropped: await droppedBy(sampler),
    };
    await new Promise((done) => setTimeout(done, seconds * 1_000));
    const elapsed = (performance.now() - from.atMs) / 1_000;
    const expected = hosts * (elapsed / 10 + elapsed / 2);
    const came = monitorPages - from.monitorPages + (fastPages - from.fastPages);
    return {
      domains: hosts * domainsPerHost,
      coreShare: (cpuSeconds(sampler.pid) - from.cpu) / elapsed,
      simulatorShare: (cpuSeconds(pid) - from.simulator) / elapsed,
      rssMiB: residentBytes(sampler.pid) / 2 ** 20,
      completeness: came / expected,
      dropped: (await droppedBy(sampler)) - from.dropped,
    };
  } finally {
    simulator.kill('SIGTERM');
    await once(simulator, 'exit');
  }
}

async function droppedBy(sampler: ServiceProcess): Promise<number> {
  const samples = await sampler.metric('virtscope_stats_pages_total');
  return samples
    .filter(({ labels }) => labels['fate'] !== 'published')
    .reduce((sum, { value }) => sum + value, 0);
}

function parametersOf(page: StatsPage): void {
  const [row] = statsRows(page);
  console.log(`a record of the monitor tier: ${Object.keys(row?.fields ?? {}).length} fields`);
}

const few = await measure(fewHosts);
const many = await measure(manyHosts);
console.log(few, many);
const each = ({ coreShare, domains }: Cost): number => coreShare / domains;
const growth = each(many) / each(few);
const size = many.domains === 100_000 ? '100k' : String(many.domains);
const rows: Row[] = [
  {
    id: `core_share@${size}`,
    value: many.coreShare,
    unit: 'cores',
    goal: '< 0.6',
    met: many.coreShare < 0.6,
  },
  { id: 'core_share@1k', value: few.coreShare, unit: 'cores' },
  {
    id: `cost_growth_1k_${size}`,
    value: growth,
    unit: 'cost per domain / that at 1k',
    goal: '<= 1.3',
    met: growth <= 1.3,
  },
  { id: `simulator_core_share@${size}`, value: many.simulatorShare, unit: 'cores' },
  {
    id: `pages_of_expected@${size}`,
    value: many.completeness,
    unit: 'share',
    // Below, the machine was too busy: what was not sampled cost nothing.
    goal: '>= 0.95',
    met: many.completeness >= 0.95,
  },
  { id: `pages_dropped@${size}`, value: many.dropped, unit: 'pages' },
  { id: 'history_bytes_per_domain', value: historyBytesPerDomain, unit: 'bytes' },
  { id: `resident@${size}`, value: many.rssMiB, unit: 'MiB' },
];
publish('sampler', rows);
process.exit(0);
