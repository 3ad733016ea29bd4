/**
 * Capabilities: what a cold libvirtd takes to tell them, what our answer takes, and how many answers a
 * second one caps-cache gives; beside them what asking the emulator by hand costs each time. And how
 * many probes a cold fleet of 1,000 hosts of three kinds costs.
 *
 *     ./dev bench caps [SECONDS]
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connect as connectNats, type NatsConnection } from '@nats-io/transport-node';
import { capsReplySchema, factReplySchema, subjects, type HostId } from '@virtscope/contracts';
import {
  startLibvirtd,
  startNats,
  startRedis,
  startService,
  startSimulatedDaemon,
  tempDir,
  waitFor,
  type ServiceProcess,
} from '@virtscope/testkit';
import { connect } from 'node-libvirt';
import { publish, quantile, type Row } from './report.ts';

const seconds = Number(process.argv[2] ?? 5);
const hostCount = 1_000;
const versions = [6_002_000, 7_002_022, 8_002_000];
const run = promisify(execFile);

await using owned = new AsyncDisposableStack();
const dir = owned.use(await tempDir('vs-bench-caps-')).path;
const nats = owned.use(await startNats());
const nc = owned.use(await connectNats({ servers: nats.url }));

async function service(hosts: readonly string[], redisUrl: string): Promise<ServiceProcess> {
  const fleetFile = join(dir, `fleet-${hosts.length}.yaml`);
  writeFileSync(fleetFile, ['hosts:', ...hosts, ''].join('\n'));
  const env = { VIRTSCOPE_DOMAIN_CAPABILITIES: 'on' };
  const caps = await startService({
    name: 'caps-cache',
    dir,
    fleetFile,
    natsUrl: nats.url,
    redisUrl,
    env,
  });
  await caps.ready();
  return caps;
}

/** A cold daemon: nobody lends it what another one learnt of the emulators. */
async function coldProbe(): Promise<number> {
  await using cold = await startLibvirtd({ coldCapabilities: true });
  await using session = await connect(cold.uri);
  const fromMs = performance.now();
  await session.connectGetCapabilities({ timeoutMs: 120_000 });
  return performance.now() - fromMs;
}

/** Three runs of the emulator for each question, as managers did that asked nobody else. */
async function byHand(): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round < 5; round++) {
    const fromMs = performance.now();
    await run('qemu-system-x86_64', ['-version']);
    await run('qemu-system-x86_64', ['-machine', 'help']);
    await run('qemu-system-x86_64', ['-cpu', 'help']);
    samples.push(performance.now() - fromMs);
  }
  return quantile(samples, 0.5);
}

async function answered(to: NatsConnection, host: HostId): Promise<boolean> {
  const reply = await to.request(subjects.capsOfHost(host), '', { timeout: 10_000 });
  return capsReplySchema.parse(reply.json()).ok;
}

/** One question after the other, and then as many as 64 askers have answered. */
async function warmAnswers(): Promise<{ p50Ms: number; perSecond: number }> {
  await using redis = await startRedis();
  await using libvirtd = await startLibvirtd();
  await using _ = await service([`  - { id: hv1, uri: "${libvirtd.uriRw}" }`], redis.url);
  await waitFor(() => answered(nc, 'hv1'), { what: 'the first answer', timeoutMs: 60_000 });
  const samples: number[] = [];
  for (let n = 0; n < 1_000; n++) {
    const fromMs = performance.now();
    await nc.request(subjects.capsOfHost('hv1'), '', { timeout: 10_000 });
    if (n >= 200) samples.push(performance.now() - fromMs);
  }
  const fromMs = performance.now();
  let answers = 0;
  const asker = async (): Promise<void> => {
    while (performance.now() - fromMs < seconds * 1_000) {
      await nc.request(subjects.capsOfHost('hv1'), '', { timeout: 10_000 });
      answers++;
    }
  };
  await Promise.all(Array.from({ length: 64 }, asker));
  const perSecond = (answers * 1_000) / (performance.now() - fromMs);
  return { p50Ms: quantile(samples, 0.5), perSecond };
}

/** A cold fleet: every host's domain capabilities of one tuple. */
async function coldFleet(): Promise<{ probes: number; tookMs: number }> {
  await using stack = new AsyncDisposableStack();
  const redis = stack.use(await startRedis());
  const hosts: string[] = [];
  for (let n = 0; n < hostCount; n++) {
    const daemon = await startSimulatedDaemon({
      socketPath: join(dir, `s${n}`),
      hostname: `h${n}.test`,
      qemuVersion: versions[n % versions.length] ?? 0,
    });
    stack.use(daemon);
    hosts.push(`  - { id: h${n}, uri: "${daemon.uri}" }`);
  }
  const caps = stack.use(await service(hosts, redis.url));
  const question = { type: 'domain', emulator: { machine: 'q35', virtType: 'kvm' } };
  const ask = async (host: HostId): Promise<boolean> => {
    if (!(await answered(nc, host))) return false;
    const body = JSON.stringify(question);
    const reply = await nc.request(subjects.factOfHost(host), body, { timeout: 10_000 });
    return factReplySchema.parse(reply.json()).ok;
  };
  const fromMs = performance.now();
  const left = Array.from({ length: hostCount }, (_, n) => `h${n}`);
  const asker = async (): Promise<void> => {
    for (let host = left.pop(); host !== undefined; host = left.pop()) {
      const of = host;
      await waitFor(() => ask(of), { what: `an answer of ${of}`, timeoutMs: 60_000 });
    }
  };
  await Promise.all(Array.from({ length: 32 }, asker));
  const tookMs = performance.now() - fromMs;
  const samples = await caps.metric('virtscope_caps_probes_total');
  const probes = samples
    .filter(({ labels }) => labels['reason'] === 'infer')
    .reduce((sum, { value }) => sum + value, 0);
  return { probes, tookMs };
}

const fleet = await coldFleet();
const coldMs = await coldProbe();
const handMs = await byHand();
const { p50Ms, perSecond } = await warmAnswers();

const ratio = p50Ms / coldMs;
const rows: Row[] = [
  {
    id: 'probes.1000hosts3kinds',
    value: fleet.probes,
    unit: 'probes',
    baseline: hostCount,
    ratio: fleet.probes / hostCount,
    goal: '= 3',
    met: fleet.probes === versions.length,
  },
  { id: 'cold_fleet_ms', value: fleet.tookMs, unit: 'ms until all were answered' },
  { id: 'cold_probe_ms', value: coldMs, unit: 'ms' },
  { id: 'old_way_ms', value: handMs, unit: 'ms for three runs of the emulator' },
  { id: 'warm_answer_ms_p50', value: p50Ms, unit: 'ms', baseline: handMs, ratio: p50Ms / handMs },
  {
    id: 'warm_over_cold',
    value: ratio,
    unit: 'of a cold probe',
    baseline: coldMs,
    ratio,
    goal: '<= 0.01',
    met: ratio <= 0.01,
  },
  { id: 'service_requests_per_s', value: perSecond, unit: 'answers/s' },
];
publish('caps', rows);
