import { capabilitiesDiff, type Capabilities } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { config } from '../world.fixture.ts';
import { driftOf } from './drift.ts';
import type { HostFacts } from './host-facts.ts';
import { matrixOf } from './matrix.ts';
import { needsOf, questionsOf } from './needs.ts';

function capabilities(machines: string[], features: string[] = ['avx2']): Capabilities {
  return {
    v: 1,
    cpu: { arch: 'x86_64', model: 'EPYC', features },
    migrationTransports: ['tcp'],
    guests: [
      {
        osType: 'hvm',
        arch: 'x86_64',
        emulator: '/q',
        domainTypes: ['kvm'],
        machines: machines.map((name) => ({ name })),
      },
    ],
  };
}

const facts = (versions: string, document: Capabilities): HostFacts => ({
  capabilities: { document },
  hash: JSON.stringify(document),
  versions,
});

const old = facts('9.0.0 7.2.22', capabilities(['pc-q35-7.2']));
const fleet: Record<string, HostFacts> = {
  hv1: old,
  hv2: old,
  hv3: facts('11.3.0 10.0.13', capabilities(['pc-q35-10.0', 'pc-q35-7.2'], ['avx2', 'la57'])),
  hv4: { capabilities: { missing: 'nobody answers' } },
};
const factsOf = (host: string): HostFacts => fleet[host] as HostFacts;

test('the matrix counts every host once for each, and names those that it knows nothing of', () => {
  const matrix = matrixOf(Object.keys(fleet), factsOf, 1);
  expect(matrix.machines).toEqual({
    'x86_64 pc-q35-10.0': { count: 1, hosts: ['hv3'] },
    'x86_64 pc-q35-7.2': { count: 3, hosts: ['hv1'] },
  });
  expect(matrix.guests).toEqual({ 'x86_64 kvm': { count: 3, hosts: ['hv1'] } });
  expect(Object.keys(matrix.versions)).toEqual(['11.3.0 10.0.13', '9.0.0 7.2.22']);
  expect(matrix.unknown).toEqual({ hv4: 'nobody answers' });
});

test('drift: what the few have and lack against the many of their group', () => {
  const [group] = driftOf(Object.keys(fleet), factsOf, () => 'a');
  expect(group).toMatchObject({
    value: 'a',
    hosts: 4,
    common: { versions: '9.0.0 7.2.22', hosts: 2 },
    unknown: ['hv4'],
    differing: [
      {
        host: 'hv3',
        versionsDiffer: true,
        difference: {
          cpuFeatures: { added: ['la57'], removed: [] },
          machines: { added: ['x86_64 pc-q35-10.0'], removed: [] },
        },
      },
    ],
  });
  const apart = driftOf(Object.keys(fleet), factsOf, (host) => (host === 'hv3' ? 'b' : null));
  expect(apart.map(({ value, differing }) => [value, differing.length])).toEqual([
    [null, 0],
    ['b', 0],
  ]);
});

test('a difference between equal documents is empty, and a changed CPU is told before and after', () => {
  const before = capabilities(['q35']);
  expect(capabilitiesDiff(before, structuredClone(before))).toEqual({});
  const after = { ...before, cpu: { ...before.cpu, model: 'EPYC-Rome', microcode: '2' } };
  expect(capabilitiesDiff(before, after)).toEqual({
    cpu: { model: ['EPYC', 'EPYC-Rome'], microcode: [null, '2'] },
  });
});

test('a configuration says what it needs, and which facts that hangs on', () => {
  const needs = needsOf(
    config({
      cpu: { mode: 'custom', model: 'EPYC', features: { require: ['la57'], disable: ['svm'] } },
      firmware: { type: 'efi' },
      tpms: [{ model: 'tpm-crb' }],
    }),
  );
  expect(needs).toEqual({
    arch: 'x86_64',
    machine: 'pc-q35-7.2',
    virtType: 'kvm',
    cpu: { mode: 'custom', model: 'EPYC', features: ['la57'] },
    vcpus: 8,
    memoryKiB: 4_194_304,
    firmware: 'efi',
    tpm: 'tpm-crb',
  });
  expect(questionsOf(needs)).toEqual({
    cpuModels: true,
    domain: {
      type: 'domain',
      emulator: { arch: 'x86_64', machine: 'pc-q35-7.2', virtType: 'kvm' },
    },
  });
  expect(questionsOf({ machine: 'q35' })).toEqual({ cpuModels: false });
  // Of a passed-through CPU the model is the host's.
  expect(needsOf({ cpu: { mode: 'host-passthrough', model: 'EPYC' } })).toEqual({
    cpu: { mode: 'host-passthrough' },
  });
});
