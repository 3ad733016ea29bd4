/** A host behind a path of 80 ms there and back: a network namespace at the end of a slow link. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFarLink, startLibvirtd, virsh } from '@virtscope/testkit';
import { quantile } from '../report.ts';
import { ask, ours } from './peers.ts';

const domains = 100;

export type FarFigures = {
  /** From nothing to the list of 100 domains and the definition of each. */
  definitionsSeconds: number;
  /** What virsh takes to connect and print their names and states, one after the other. */
  virshListSeconds: number;
};

/** @throws {ToolMissingError} there is no python3 */
export async function measureFarHost(folder: string, rounds: number): Promise<FarFigures> {
  const file = join(folder, 'far-host.xml');
  writeFileSync(file, testHost());
  await using link = await startFarLink({ delayMs: 40 });
  await using host = await startLibvirtd({ name: 'far', link, listen: { tcp: true } });
  const uri = `test+tcp://${link.farAddress}:${host.tcpPort}${file}`;
  const definitions: number[] = [];
  const lists: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { seconds } = await ask<{ seconds: number }>(ours, 'definitions', uri, domains);
    definitions.push(seconds);
    const beganMs = performance.now();
    await virsh(uri, ['-r', 'list']);
    lists.push((performance.now() - beganMs) / 1_000);
  }
  return {
    definitionsSeconds: quantile(definitions, 0.5),
    virshListSeconds: quantile(lists, 0.5),
  };
}

/** A host of libvirt's test driver, whose domains have a disk and an interface each. */
function testHost(): string {
  const all = Array.from(
    { length: domains },
    (_, i) =>
      `<domain type='test'><name>vm${i}</name><memory>1048576</memory><os><type>hvm</type></os>` +
      `<devices><disk type='file'><source file='/images/vm${i}.qcow2'/><target dev='vda'/></disk>` +
      `<interface type='network'><source network='default'/></interface></devices></domain>`,
  );
  return `<node>${all.join('\n')}</node>`;
}
