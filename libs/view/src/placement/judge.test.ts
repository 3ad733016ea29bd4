import type {
  Capabilities,
  CpuModels,
  DomainCapabilities,
  Needs,
  Reason,
  Verdict,
} from '@virtscope/contracts';
import { expect, test } from 'vitest';
import type { HostFacts } from './host-facts.ts';
import { judge, verdictOf } from './judge.ts';

const capabilities: Capabilities = {
  v: 1,
  cpu: { arch: 'x86_64', model: 'EPYC-Rome', vendor: 'AMD', features: ['avx2', 'pku'] },
  migrationTransports: ['tcp'],
  guests: [
    {
      osType: 'hvm',
      arch: 'x86_64',
      emulator: '/usr/bin/qemu-system-x86_64',
      domainTypes: ['kvm', 'qemu'],
      machines: [
        { name: 'pc-q35-7.2', maxCpus: 288 },
        { name: 'q35', canonical: 'pc-q35-7.2', maxCpus: 288 },
        { name: 'pc-i440fx-2.0', maxCpus: 255, deprecated: true },
        { name: 'isapc' },
      ],
    },
    {
      osType: 'hvm',
      arch: 'aarch64',
      emulator: '/usr/bin/qemu-system-aarch64',
      domainTypes: ['qemu'],
      machines: [{ name: 'virt', maxCpus: 512 }],
    },
  ],
};

const cpuModels: CpuModels = {
  v: 1,
  type: 'cpu-models',
  arch: 'x86_64',
  models: [
    { name: 'EPYC', usable: true },
    { name: 'Haswell', usable: false },
  ],
};

const domain: DomainCapabilities = {
  v: 1,
  type: 'domain',
  arch: 'x86_64',
  machine: 'pc-q35-7.2',
  virtType: 'kvm',
  maxVcpus: 255,
  os: { supported: true, firmware: ['efi'], loader: {} },
  cpu: {
    modes: ['custom', 'host-passthrough'],
    hostModel: {
      features: [
        { name: 'topoext', policy: 'require' },
        { name: 'svm', policy: 'disable' },
      ],
    },
    models: [
      { name: 'EPYC', usable: 'yes' },
      { name: 'Haswell', usable: 'no', blockers: ['hle', 'rtm'] },
      { name: 'max', usable: 'unknown' },
    ],
  },
  devices: { tpm: { supported: true, enums: { model: ['tpm-crb'] } } },
  features: {},
};

const bare: HostFacts = { capabilities: { document: capabilities } };
const compared: HostFacts = { ...bare, cpuModels: { document: cpuModels } };
const probed: HostFacts = { ...compared, domain: { document: domain } };

const of = (reasons: readonly Reason[], check: Reason['check']): [Verdict, string] | undefined => {
  const reason = reasons.find((each) => each.check === check);
  return reason && [reason.verdict, reason.detail];
};

type Row = [string, Needs, HostFacts, Reason['check'], Verdict, RegExp];

test.each<Row>([
  ['an architecture that is there', { arch: 'aarch64' }, bare, 'guest', 'yes', /aarch64 qemu/],
  ['one that is not', { arch: 'vax' }, bare, 'guest', 'no', /no emulator for vax/],
  ['KVM of a foreign one', { arch: 'aarch64', virtType: 'kvm' }, bare, 'guest', 'no', /only qemu/],
  ['an alias', { machine: 'q35' }, bare, 'machine', 'yes', /q35, which is pc-q35-7.2/],
  ['an old machine', { machine: 'pc-i440fx-2.0' }, bare, 'machine', 'yes', /deprecated/],
  ['a machine of another', { machine: 'virt' }, bare, 'machine', 'no', /no machine type virt/],
  ['few vCPUs', { machine: 'q35', vcpus: 8 }, bare, 'vcpus', 'yes', /8 of at most 288/],
  ['too many', { machine: 'q35', vcpus: 300 }, bare, 'vcpus', 'no', /300 of at most 288/],
  ['a lower bound told', { machine: 'q35', vcpus: 280 }, probed, 'vcpus', 'no', /at most 255/],
  ['no bound known', { machine: 'isapc', vcpus: 2 }, bare, 'vcpus', 'unknown', /not known/],
  ['a model nobody compared', { cpu: { model: 'EPYC' } }, bare, 'cpu', 'unknown', /not asked/],
  ['a model that compares', { cpu: { model: 'EPYC' } }, compared, 'cpu', 'yes', /compare/],
  ['one that does not', { cpu: { model: 'Haswell' } }, compared, 'cpu', 'no', /lacks something/],
  ['one without a name', { cpu: { model: 'Z80' } }, compared, 'cpu', 'no', /knows no CPU model/],
  [
    'a model that is emulated',
    { virtType: 'qemu', cpu: { model: 'Haswell' } },
    compared,
    'cpu',
    'unknown',
    /can be emulated/,
  ],
  ['a model by the emulator', { cpu: { model: 'EPYC' } }, probed, 'cpu', 'yes', /domain cap/],
  ['its blockers', { cpu: { model: 'Haswell' } }, probed, 'cpu', 'no', /lacks hle, rtm/],
  ['a model that it keeps to itself', { cpu: { model: 'max' } }, probed, 'cpu', 'unknown', /tell/],
  ['passthrough of KVM', { cpu: { mode: 'host-passthrough' } }, bare, 'cpu', 'yes', /KVM/],
  [
    'passthrough of an emulation',
    { virtType: 'qemu', cpu: { mode: 'host-passthrough' } },
    bare,
    'cpu',
    'no',
    /only KVM/,
  ],
  ['a mode untold', { cpu: { mode: 'host-model' } }, bare, 'cpu', 'unknown', /host-model/],
  ['a mode told', { cpu: { mode: 'host-model' } }, probed, 'cpu', 'no', /not supported/],
  ['features of the CPU', { cpu: { features: ['avx2'] } }, bare, 'cpu-features', 'yes', /avx2/],
  ['features disabled', { cpu: { features: ['svm'] } }, probed, 'cpu-features', 'no', /lacks svm/],
  ['features untold', { cpu: { features: ['la57'] } }, probed, 'cpu-features', 'unknown', /model/],
  ['firmware untold', { firmware: 'efi' }, bare, 'firmware', 'unknown', /not asked/],
  ['firmware told', { firmware: 'efi' }, probed, 'firmware', 'yes', /efi/],
  ['firmware missing', { firmware: 'bios' }, probed, 'firmware', 'no', /not among efi/],
  ['a TPM told', { tpm: 'tpm-crb' }, probed, 'tpm', 'yes', /tpm-crb/],
  ['a TPM missing', { tpm: 'tpm-spapr' }, probed, 'tpm', 'no', /not among tpm-crb/],
])('%s', (_, needs, facts, check, verdict, detail) => {
  const told = of(judge(needs, facts, 1_000_000), check);
  expect(told?.[0]).toBe(verdict);
  expect(told?.[1]).toMatch(detail);
});

test('memory: what is free, or that nobody knows', () => {
  const needs = { memoryKiB: 2_048 };
  expect(of(judge(needs, bare, 4_096), 'memory')).toEqual(['yes', '2 MiB of 4 MiB free']);
  expect(of(judge(needs, bare, 1_024), 'memory')).toEqual(['no', '2 MiB of 1 MiB free']);
  expect(of(judge(needs, bare, undefined), 'memory')?.[0]).toBe('unknown');
});

test('what is missing makes a verdict unknown, unless something else speaks against it', () => {
  const away: HostFacts = { capabilities: { missing: 'nobody answers' } };
  const reasons = judge({ memoryKiB: 8 }, away, 1_024);
  expect(of(reasons, 'capabilities')).toEqual(['unknown', 'nobody answers']);
  expect(verdictOf(reasons)).toBe('unknown');
  expect(verdictOf(judge({ memoryKiB: 8_192 }, away, 1_024))).toBe('no');
  expect(verdictOf(judge({ machine: 'q35' }, bare, undefined))).toBe('yes');
});

test('what libvirt refuses is a no, in its own words', () => {
  const facts: HostFacts = {
    ...bare,
    domain: { refused: 'KVM is not supported by /usr/bin/qemu' },
  };
  expect(verdictOf(judge({ virtType: 'kvm', tpm: 'tpm-crb' }, facts, undefined))).toBe('no');
});
