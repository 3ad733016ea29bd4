import { sharedFactKey } from '@virtscope/caps';
import {
  capsIndexSchema,
  commonCpuReplySchema,
  factKey,
  subjects,
  type CommonCpuReply,
  type CpuModels,
  type DomainCapabilities,
  type FactQuestion,
} from '@virtscope/contracts';
import { waitFor } from '@virtscope/testkit';
import { connect } from 'node-libvirt';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { CapsBench, type CapsService } from './caps-bench.fixture.ts';

const on = { domainCapabilities: true };
const models: FactQuestion = { type: 'cpu-models' };
const q35: FactQuestion = {
  type: 'domain',
  emulator: { arch: 'x86_64', machine: 'q35', virtType: 'qemu' },
};

let bench: CapsBench;
let services: CapsService[];

beforeAll(async () => {
  bench = await CapsBench.start();
});

afterAll(() => bench[Symbol.asyncDispose]());

beforeEach(async () => {
  services = [];
  await bench.emptyRedis();
});

afterEach(async () => {
  for (const service of services) await service.stop();
});

async function start(replica = 'test', settings = on): Promise<CapsService> {
  const service = await bench.service(replica, settings);
  services.push(service);
  return service;
}

const inferring = async (): Promise<number> => {
  const counts = await Promise.all(services.map((service) => service.probes('infer')));
  return counts.reduce((sum, count) => sum + count, 0);
};

async function commonCpu(...hosts: string[]): Promise<CommonCpuReply> {
  const body = JSON.stringify({ hosts });
  const reply = await bench.nc.request(subjects.commonCpu, body, { timeout: 10_000 });
  return commonCpuReplySchema.parse(reply.json());
}

test('two replicas cold at once: one probe answers for both equal hosts', async () => {
  await Promise.all([start('one'), start('two')]);
  await bench.answer('hv1');
  await bench.answer('hv2');
  const [first, second] = await Promise.all([bench.fact('hv1', q35), bench.fact('hv2', q35)]);
  expect(await inferring()).toBe(1);
  expect(second.hash).toBe(first.hash);
  expect([first.standing, second.standing].toSorted()).toEqual(['confirmed', 'inferred']);
  const document = first.document as DomainCapabilities;
  const xml = await bench.libvirtd.virsh(
    'domcapabilities',
    '--machine',
    'q35',
    '--virttype',
    'qemu',
  );
  expect(document.machine).toBe(/<machine>(.*)<\/machine>/.exec(xml)?.[1]);
  expect(document.maxVcpus).toBe(Number(/<vcpu max='(\d+)'/.exec(xml)?.[1]));
  expect(document.cpu.models.length).toBe(xml.split('<model usable=').length - 1);
  expect(document.devices['tpm']?.enums?.['model']).toContain('tpm-crb');
  // An alias is the machine that it stands for.
  const emulator = { arch: 'x86_64', machine: document.machine, virtType: 'qemu' };
  expect(await bench.fact('hv1', { type: 'domain', emulator })).toEqual(first);
  expect(await inferring()).toBe(1);
});

test('what a host can be is what libvirt’s compare says, model by model', async () => {
  await start('test', { domainCapabilities: false });
  await bench.answer('hv1');
  const { document } = await bench.fact('hv1', models);
  await using session = await connect(bench.libvirtd.uri);
  const names = await session.connectGetCpuModelNames('x86_64');
  const told = (document as CpuModels).models;
  expect(told.map(({ name }) => name)).toEqual(names.toSorted());
  for (const { name, usable } of told) {
    const cpu = `<cpu><arch>x86_64</arch><model>${name}</model></cpu>`;
    expect([name, (await session.connectCompareCpu(cpu)) > 0]).toEqual([name, usable]);
  }
  expect(new Set(told.map(({ usable }) => usable)).size).toBe(2);
});

test('warm: after a restart of ours the answers are there without a probe', async () => {
  const service = await start();
  await bench.answer('hv1');
  const before = await bench.fact('hv1', q35);
  await waitFor(async () => bench.store.has(sharedFactKey(before.kind, factKey(keyed(before)))), {
    what: 'the fact to be in Redis',
  });
  await service.stop();
  services = [];
  await start('again');
  await bench.answer('hv1');
  const after = await bench.fact('hv1', q35);
  expect(after).toEqual({ ...before, standing: 'inferred' });
  expect(await inferring()).toBe(0);
});

test('away: each replica infers for itself, and Redis is filled when it comes back', async () => {
  await start();
  await bench.redis.kill();
  await bench.answer('hv1');
  const told = await bench.fact('hv1', q35);
  await bench.redis.start();
  await waitFor(async () => bench.store.has(sharedFactKey(told.kind, factKey(keyed(told)))), {
    what: 'the fact to be in Redis',
  });
  expect(await inferring()).toBe(1);
});

test.each([
  ['a machine type', { machine: 'pc-none' }, 'x86_64, pc-none, qemu'],
  ['an architecture', { arch: 'vax' }, 'vax, q35, qemu'],
  ['a program that is no emulator', { emulator: '/bin/true' }, 'x86_64, pc-q35'],
])('%s that the host does not have is refused, and nothing is run', async (_, other, named) => {
  await start();
  await bench.answer('hv1');
  const emulator = { arch: 'x86_64', machine: 'q35', virtType: 'qemu', ...other };
  const reply = await bench.askFact('hv1', { type: 'domain', emulator });
  expect(reply).toMatchObject({ ok: false, code: 'refused' });
  expect(reply.ok ? '' : reply.message).toContain(`hv1 has no emulator for ${named}`);
  expect(await inferring()).toBe(0);
});

test('without writable sessions domain capabilities are said to be missing, and the rest is served', async () => {
  await start('test', { domainCapabilities: false });
  await bench.answer('hv1');
  expect(await bench.askFact('hv1', q35)).toMatchObject({ ok: false, code: 'switched-off' });
  expect((await bench.fact('hv1', models)).document.type).toBe('cpu-models');
});

test.each([
  ['an unknown question', { type: 'weather' }],
  ['an empty architecture', { type: 'domain', emulator: { arch: '' } }],
])('%s gets an error', async (_, question) => {
  await start();
  expect(await bench.askFact('hv1', question as FactQuestion)).toMatchObject({
    ok: false,
    code: 'bad-request',
  });
  expect(await bench.askFact('stranger', models)).toMatchObject({ code: 'unknown-host' });
});

test('each replica tells what it knows of its hosts', async () => {
  await Promise.all([start('one'), start('two')]);
  const known = await Promise.all(['hv1', 'hv2', 'tested'].map((host) => bench.answer(host)));
  const messages = await bench.nc.requestMany(subjects.capsIndex, '', {
    strategy: 'timer',
    maxWait: 500,
  });
  const hosts = new Map<string, string>();
  const replicas = new Set<string>();
  for await (const message of messages) {
    const index = capsIndexSchema.parse(message.json());
    replicas.add(index.replica);
    for (const { host, hash } of index.hosts) hosts.set(host, hash);
  }
  expect(replicas).toEqual(new Set(['one', 'two']));
  for (const { host, hash } of known) expect(hosts.get(host)).toBe(hash);
});

test('the common CPU of hosts is libvirt’s own baseline of their CPUs', async () => {
  await start('test', { domainCapabilities: false });
  await bench.answer('hv1');
  await bench.answer('hv2');
  const reply = await commonCpu('hv1', 'hv2');
  await using session = await connect(bench.libvirtd.uri);
  const cpuOf = async (xml: Promise<string>): Promise<string> =>
    /<cpu>[\s\S]*?<\/cpu>/.exec(await xml)?.[0] ?? '';
  const cpus = [
    await cpuOf(bench.libvirtd.virsh('capabilities')),
    await cpuOf(bench.twin.virsh('capabilities')),
  ];
  expect(reply).toMatchObject({ ok: true, xml: await session.connectBaselineCpu(cpus) });
  expect(await commonCpu('hv1', 'tested')).toMatchObject({ ok: false, code: 'none' });
  expect(await commonCpu('hv1', 'stranger')).toMatchObject({ code: 'unknown-host' });
  expect(await commonCpu()).toMatchObject({ code: 'bad-request' });
});

/** The question as caps-cache keys it: with the names that the answer has. */
function keyed({ document }: { document: CpuModels | DomainCapabilities }): FactQuestion {
  if (document.type === 'cpu-models') return models;
  const { arch, machine, virtType } = document;
  return { type: 'domain', emulator: { arch, virtType, ...(machine && { machine }) } };
}
