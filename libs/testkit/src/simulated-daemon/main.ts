/**
 * Serves simulated daemons until SIGTERM or SIGINT, for benches and hands:
 *
 *     node libs/testkit/src/simulated-daemon/main.ts --hosts 3 --domains 100 --dir /tmp/fleet
 *     virsh -c 'qemu+unix:///system?socket=/tmp/fleet/hv1.sock' list --all
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { changeAt } from './churn.ts';
import { type SimulatedDaemon, startSimulatedDaemon } from './server.ts';

const usage =
  'usage: main.ts --hosts N --domains M --dir DIR [--churn R] [--seed TEXT] [--kvm-counters]\n' +
  'serves N daemons with M running domains each, on DIR/hv1.sock to DIR/hvN.sock;\n' +
  'R times a second one of them is suspended, resumed, reset, shut down or started';

function wholeNumber(text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || !Number.isInteger(value) || value < 0) throw new Error(usage);
  return value;
}

const { values } = parseArgs({
  options: {
    hosts: { type: 'string' },
    domains: { type: 'string' },
    dir: { type: 'string' },
    churn: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    'kvm-counters': { type: 'boolean', default: false },
  },
});
const hosts = wholeNumber(values.hosts);
const domains = wholeNumber(values.domains);
if (values.dir === undefined) throw new Error(usage);
const dir = resolve(values.dir);
mkdirSync(dir, { recursive: true });

const churn = wholeNumber(values.churn);

await using owned = new AsyncDisposableStack();
const daemons: SimulatedDaemon[] = [];
const { promise: asked, resolve: end } = Promise.withResolvers<void>();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end());
for (let number = 1; number <= hosts; number++) {
  const socketPath = join(dir, `hv${number}.sock`);
  rmSync(socketPath, { force: true }); // one that was killed leaves its socket
  const daemon: SimulatedDaemon = await startSimulatedDaemon({
    socketPath,
    hostname: `hv${number}.test`,
    domains,
    seed: values.seed,
    kvmCounters: values['kvm-counters'],
  });
  daemons.push(owned.use(daemon));
}
if (churn > 0) {
  const fleet = daemons.map(({ host }) => host);
  let step = 0;
  const timer = setInterval(() => {
    const next = changeAt(values.seed, step++, fleet);
    if (next === undefined) return;
    const { host, domain, change } = next;
    daemons[host]?.[change](domain.config.uuid);
  }, 1_000 / churn);
  owned.defer(() => clearInterval(timer));
}
console.log(`serving ${hosts} daemons with ${domains} domains each: ${dir}/hv*.sock`);
await asked;
