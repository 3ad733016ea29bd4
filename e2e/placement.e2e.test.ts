/** Who can run this: what we call possible, libvirt calls possible, host by host. */
import {
  canMigrateSchema,
  capabilityMatrixSchema,
  commonCpuSchema,
  driftSchema,
  hostCpuModelsSchema,
  hostDomainCapabilitiesSchema,
  placementAnswerSchema,
  type Candidate,
  type Needs,
  type Verdict,
} from '@virtscope/contracts';
import { Stack, startLibvirtd, waitFor, type Libvirtd } from '@virtscope/testkit';
import { connect } from 'node-libvirt';
import { afterAll, beforeAll, expect, test } from 'vitest';

let stack: Stack;
/** A host of libvirt 11 and QEMU 10, whose socket may be written to. */
let recent: Libvirtd;

beforeAll(async () => {
  recent = await startLibvirtd({ name: 'hv11', version: '11' });
  const line = `  - { id: hv11, uri: "${recent.uriRw}", labels: { zone: a } }`;
  stack = await Stack.start(() => [line], { VIRTSCOPE_DOMAIN_CAPABILITIES: 'on' });
  await stack.startGuest('moving');
  await stack.live('hv1', 'test1', 'hv11');
});

afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await recent[Symbol.asyncDispose]();
});

type Placement = ReturnType<typeof placementAnswerSchema.parse>;

async function place(body: object): Promise<Placement> {
  const answer = await stack.post('/v1/placement', body);
  return placementAnswerSchema.parse(answer.body);
}

async function verdicts(needs: Needs): Promise<Record<string, Verdict>> {
  const { candidates } = await place({ needs });
  return Object.fromEntries(candidates.map(({ host, verdict }) => [host, verdict]));
}

/** Asks until what is being probed for is known. */
async function settled<T>(
  ask: () => Promise<{ status: number; body: unknown }>,
  schema: { parse(body: unknown): T },
): Promise<T> {
  return waitFor(
    async () => {
      const { status, body } = await ask();
      if (status !== 200) throw new Error(JSON.stringify(body));
      return { value: schema.parse(body) };
    },
    { what: 'an answer', timeoutMs: 30_000 },
  ).then(({ value }) => value);
}

test('machine types: possible where the host has them, and nowhere else', async () => {
  const machines = new Set(['pc-none']);
  const has: Record<string, Set<string>> = {};
  for (const [host, daemon] of [
    ['hv1', stack.libvirtd],
    ['hv11', recent],
  ] as const) {
    const xml = await daemon.virsh('capabilities');
    const arch = /<arch name='x86_64'>[\s\S]*?<\/arch>/.exec(xml)?.[0] ?? '';
    has[host] = new Set(
      [...arch.matchAll(/<machine[^>]*>([^<]+)</g)].map(([, name]) => name ?? ''),
    );
    for (const name of has[host]) machines.add(name);
  }
  expect(machines.size).toBeGreaterThan(40);
  for (const machine of machines) {
    const told = await verdicts({ arch: 'x86_64', virtType: 'qemu', machine });
    for (const host of ['hv1', 'hv11']) {
      expect([machine, host, told[host]]).toEqual([
        machine,
        host,
        has[host]?.has(machine) === true ? 'yes' : 'no',
      ]);
    }
  }
});

test('CPU models: with KVM as libvirt compares, with domain capabilities as they say', async () => {
  await using session = await connect(stack.libvirtd.uri);
  const names = await session.connectGetCpuModelNames('x86_64');
  const needs = (model: string): Needs => ({
    arch: 'x86_64',
    machine: 'q35',
    virtType: 'kvm',
    cpu: { model },
  });
  await settled(() => stack.get('/v1/hosts/hv1/cpu-models'), hostCpuModelsSchema);
  const path = '/v1/hosts/hv11/domain-capabilities?arch=x86_64&machine=q35&virtType=kvm';
  const emulator = await settled(() => stack.get(path), hostDomainCapabilitiesSchema);
  const usable = new Map(
    emulator.domainCapabilities.cpu.models.map((each) => [each.name, each.usable]),
  );
  const xml = await recent.virsh('domcapabilities', '--machine', 'q35', '--virttype', 'kvm');
  for (const [, is, name] of xml.matchAll(/<model usable='(\w+)'[^>]*>([^<]+)</g)) {
    expect([name, usable.get(name ?? '')]).toEqual([name, is]);
  }
  for (const model of names) {
    const cpu = `<cpu><arch>x86_64</arch><model>${model}</model></cpu>`;
    const compared = (await session.connectCompareCpu(cpu)) > 0;
    const told = await verdicts(needs(model));
    expect([model, told['hv1'], told['hv11']]).toEqual([
      model,
      compared ? 'yes' : 'no',
      usable.get(model) ?? 'no',
    ]);
  }
});

test('a domain of the fleet, its XML and its needs are placed alike, and memory counts', async () => {
  const [domain] = (await stack.domains()).filter(({ name }) => name === 'moving');
  const byUuid = await place({ uuid: domain?.uuid });
  const xml = await stack.libvirtd.virsh('dumpxml', 'moving');
  const byXml = await place({ xml });
  expect(byXml.needs).toEqual(byUuid.needs);
  const brief = ({ candidates }: Placement): [string, Verdict][] =>
    candidates.map(({ host, verdict }) => [host, verdict]);
  expect(brief(byXml)).toEqual(brief(byUuid));
  const free = await waitFor(
    async () => {
      const { candidates } = await place({ uuid: domain?.uuid });
      return candidates.find(({ host }) => host === 'hv1')?.freeMemoryKiB;
    },
    { what: 'the stats of the host', timeoutMs: 40_000 },
  );
  const checkOf = (candidates: Candidate[]): Verdict | undefined =>
    candidates[0]?.reasons.find(({ check }) => check === 'memory')?.verdict;
  const little = await place({ needs: { memoryKiB: 1_024 }, hosts: ['hv1'] });
  const much = await place({ needs: { memoryKiB: free * 4 }, hosts: ['hv1'] });
  expect([checkOf(little.candidates), checkOf(much.candidates)]).toEqual(['yes', 'no']);
});

test('hosts are chosen by label and by name, and refused questions say why', async () => {
  const { candidates } = await place({ needs: {}, labels: { zone: 'a' } });
  expect(candidates.map(({ host }) => host).toSorted()).toEqual(['hv1', 'hv11']);
  expect((await stack.post('/v1/placement', {})).status).toBe(400);
  expect((await stack.post('/v1/placement', { xml: '<network/>' })).body).toMatchObject({
    status: 400,
    detail: 'xml: expected a <domain> document, the root is <network>',
  });
});

test('whether a domain can move is told with the way that it takes', async () => {
  const [domain] = (await stack.domains()).filter(({ name }) => name === 'moving');
  const ask = async (to: string) =>
    canMigrateSchema.parse(
      (await stack.get(`/v1/domains/${domain?.uuid}/can-migrate?to=${to}`)).body,
    );
  const there = await ask('hv11');
  expect(there).toMatchObject({ from: 'hv1', host: 'hv11' });
  const ways = there.reasons.find(({ check }) => check === 'migration');
  expect(ways).toMatchObject({ verdict: 'yes' });
  expect((await ask('hv1')).verdict).toBe('no');
  expect((await ask('test1')).reasons).toContainEqual(
    expect.objectContaining({ check: 'guest', verdict: 'no' }),
  );
  const missing = await stack.get(`/v1/domains/${domain?.uuid}/can-migrate?to=nobody`);
  expect(missing.status).toBe(404);
});

test('the matrix, the drift of a group, and the CPU that its hosts have in common', async () => {
  const matrix = await settled(() => stack.get('/v1/capabilities/matrix'), capabilityMatrixSchema);
  expect(matrix.unknown).toEqual({});
  expect(matrix.machines['x86_64 q35']).toMatchObject({ count: 2, hosts: ['hv1', 'hv11'] });
  expect(Object.keys(matrix.versions)).toContain('11.3.0 10.0.13');
  const drift = await settled(() => stack.get('/v1/capabilities/drift?label=zone'), driftSchema);
  const group = drift.groups.find(({ value }) => value === 'a');
  expect(group).toMatchObject({ hosts: 2, common: { hosts: 1 } });
  expect(group?.differing[0]?.versionsDiffer).toBe(true);
  expect(group?.differing[0]?.difference.machines?.added.length).toBeGreaterThan(0);
  // An older libvirt does not know what the newer one calls its CPU: the newer one is asked.
  const common = await stack.post('/v1/capabilities/common-cpu', { hosts: ['hv1', 'hv11'] });
  const cpuOf = async (daemon: Libvirtd): Promise<string> =>
    /<cpu>[\s\S]*?<\/cpu>/.exec(await daemon.virsh('capabilities'))?.[0] ?? '';
  await using session = await connect(recent.uri);
  const cpus = [await cpuOf(stack.libvirtd), await cpuOf(recent)];
  expect(commonCpuSchema.parse(common.body).xml).toBe(await session.connectBaselineCpu(cpus));
  const none = await stack.post('/v1/capabilities/common-cpu', { hosts: ['hv1', 'nobody'] });
  expect(none.status).toBe(404);
});

test('a read-only socket tells no domain capabilities, and that is said, not taken for a no', async () => {
  const { body } = await waitFor(
    async () => {
      const path = '/v1/hosts/hv1/domain-capabilities?machine=q35&virtType=kvm';
      const answer = await stack.get(path);
      return JSON.stringify(answer.body).includes('read only') && answer;
    },
    { what: "libvirt's own words" },
  );
  expect(body).toMatchObject({ status: 503 });
});
