/** A fleet of 1,000 simulated hosts of three kinds, and nothing known of it. */
import { join } from 'node:path';
import type { DomainCapabilities, FactQuestion } from '@virtscope/contracts';
import { startSimulatedDaemon, tempDir, waitFor, type SimulatedDaemon } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CapsBench, type CapsService } from './caps-bench.fixture.ts';

const hostCount = 1_000;
const versions = [6_002_000, 7_002_022, 8_002_000];
const q35: FactQuestion = { type: 'domain', emulator: { machine: 'q35', virtType: 'kvm' } };
const on = { domainCapabilities: true };

const owned = new AsyncDisposableStack();
const daemons = new Map<string, SimulatedDaemon>();
let bench: CapsBench;

beforeAll(async () => {
  const dir = owned.use(await tempDir('vs-thousand-'));
  for (let n = 0; n < hostCount; n++) {
    const daemon = await startSimulatedDaemon({
      socketPath: join(dir.path, `s${n}`),
      hostname: `h${n}.test`,
      qemuVersion: versions[n % versions.length] ?? 0,
    });
    daemons.set(`h${n}`, owned.use(daemon));
  }
  const lines = [...daemons].map(([id, { uri }]) => `  - { id: ${id}, uri: "${uri}" }`);
  bench = owned.use(await CapsBench.start(() => lines));
}, 120_000);

afterAll(() => owned.disposeAsync());

/** Asks for all hosts, some at a time, each until it is answered. */
async function ofAll<T>(ask: (host: string) => Promise<T>): Promise<T[]> {
  const left = [...daemons.keys()];
  const answers: T[] = [];
  const asker = async (): Promise<void> => {
    for (let host = left.pop(); host !== undefined; host = left.pop())
      answers.push(await ask(host));
  };
  await Promise.all(Array.from({ length: 32 }, asker));
  return answers;
}

test('two replicas, cold: three probes answer for all, and none is made again after a restart', async () => {
  const services: CapsService[] = await Promise.all([
    bench.service('one', on),
    bench.service('two', on),
  ]);
  const documents = await ofAll((host) => bench.answer(host));
  expect(new Set(documents.map(({ hash }) => hash)).size).toBe(versions.length);
  const facts = await ofAll((host) => bench.fact(host, q35));
  const probes = await Promise.all(services.map((service) => service.probes('infer')));
  expect(probes.reduce((sum, each) => sum + each, 0)).toBe(versions.length);
  const machines = facts.map(({ host, document }): [string, string | undefined] => [
    host,
    (document as DomainCapabilities).machine,
  ]);
  for (const [host, machine] of machines) {
    expect(machine).toBe(`pc-q35-${daemons.get(host)?.host.qemuLine}`);
  }
  expect(facts.filter(({ standing }) => standing === 'confirmed')).toHaveLength(versions.length);
  for (const service of services) await service.stop();
  const again = await bench.service('three', on);
  await waitFor(async () => (await bench.askFact('h0', q35)).ok, { what: 'h0', timeoutMs: 30_000 });
  const warm = await ofAll((host) => bench.fact(host, q35));
  expect(warm).toHaveLength(hostCount);
  expect(await again.probes('infer')).toBe(0);
  await again.stop();
}, 120_000);
