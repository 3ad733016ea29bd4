/**
 * Serves simulated daemons until SIGTERM or SIGINT, for benches and hands:
 *
 *     node libs/testkit/src/simulated-daemon/main.ts --hosts 3 --domains 100 --dir /tmp/fleet
 *     virsh -c 'qemu+unix:///system?socket=/tmp/fleet/hv1.sock' list --all
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type SimulatedDaemon, startSimulatedDaemon } from './server.ts';

const usage =
  'usage: main.ts --hosts N --domains M --dir DIR [--seed TEXT] [--kvm-counters]\n' +
  'serves N daemons with M running domains each, on DIR/hv1.sock to DIR/hvN.sock';

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
    seed: { type: 'string', default: '1' },
    'kvm-counters': { type: 'boolean', default: false },
  },
});
const hosts = wholeNumber(values.hosts);
const domains = wholeNumber(values.domains);
if (values.dir === undefined) throw new Error(usage);
const dir = resolve(values.dir);
mkdirSync(dir, { recursive: true });

await using daemons = new AsyncDisposableStack();
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
  daemons.use(daemon);
}
console.log(`serving ${hosts} daemons with ${domains} domains each: ${dir}/hv*.sock`);
await asked;
