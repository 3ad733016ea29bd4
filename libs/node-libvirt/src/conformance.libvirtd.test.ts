/** The same question through virsh and through us, to the same daemon: the test driver. */
import { type Libvirtd, startLibvirtd } from '@virtscope/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connect } from './connect.ts';
import { domainStateName, domainStateReasonName } from './constants/domain-state.ts';
import type { Domain, Session } from './index.ts';
import { fieldsOf, linesOf, rowsOf } from './testing/virsh-text.ts';

/** `Running against daemon: 11.3.0` */
function daemonLine(text: string): string {
  return linesOf(text).find((line) => line.startsWith('Running against daemon:')) ?? '';
}

describe.each(['installed', '11'] as const)('libvirt, %s', (version) => {
  let daemon: Libvirtd;
  let session: Session;
  let domain: Domain;
  const virsh = (...args: string[]): Promise<string> => daemon.virshTest(...args);

  beforeAll(async () => {
    daemon = await startLibvirtd({ name: 'conf', version });
    session = await connect(daemon.testUri);
    domain = await session.domainLookupByName('test');
  });
  afterAll(async () => {
    await session.close();
    await daemon[Symbol.asyncDispose]();
  });

  test('the connection', async () => {
    expect(await session.connectGetHostname()).toBe((await virsh('hostname')).trim());
    expect((await session.connectGetCapabilities()).trim()).toBe(
      (await virsh('capabilities')).trim(),
    );
    expect((await session.connectGetSysinfo()).trim()).toBe((await virsh('sysinfo')).trim());
    expect(await session.connectGetMaxVcpus()).toBe(Number(await virsh('maxvcpus')));
    expect(await session.connectIsSecure()).toBe(true);
    const library = / (\d+)\.(\d+)\.(\d+)/.exec(
      await virsh('version', '--daemon').then(daemonLine),
    );
    const [x = 0, y = 0, z = 0] = (library ?? []).slice(1).map(Number);
    expect(await session.connectGetLibVersion()).toBe(x * 1_000_000 + y * 1_000 + z);
    expect(x).toBe(version === '11' ? 11 : x);
    const { 'Running hypervisor': running = '' } = fieldsOf(await virsh('version'));
    const [major = 0, minor = 0, release = 0] = running.replace('TEST ', '').split('.').map(Number);
    expect(await session.connectGetVersion()).toBe(major * 1_000_000 + minor * 1_000 + release);
  });

  test('the host', async () => {
    const info = await session.nodeGetInfo();
    const said = fieldsOf(await virsh('nodeinfo'));
    expect([info.model, String(info.cpus), `${info.memoryKiB} KiB`, String(info.nodes)]).toEqual([
      said['CPU model'],
      said['CPU(s)'],
      said['Memory size'],
      said['NUMA cell(s)'],
    ]);
    const cells = linesOf(await virsh('freecell', '--all')).slice(0, info.nodes);
    expect(
      (await session.nodeGetCellsFreeMemory(0, 64)).map((bytes) => Number(bytes) / 1024),
    ).toEqual(cells.map((line) => Number(/(\d+) KiB/.exec(line)?.[1])));
    expect(await session.nodeGetFreeMemory()).toBe(
      1024 * Number(/(\d+) KiB/.exec(await virsh('freecell'))?.[1]),
    );
    const cpu = fieldsOf(await virsh('nodecpustats'));
    const ours = await session.nodeGetCpuStats();
    expect(String(ours.get('kernel'))).toBe(cpu['system']);
    expect(String(ours.get('user'))).toBe(cpu['user']);
  });

  test('CPU models, and comparing CPUs', async () => {
    expect(await session.connectGetCpuModelNames('x86_64')).toEqual(
      linesOf(await virsh('cpu-models', 'x86_64')),
    );
    const cpu = '<cpu><arch>i686</arch><model>pentium</model></cpu>';
    const baseline = await session.connectBaselineCpu([cpu, cpu]);
    expect(baseline).toContain('pentium');
  });

  test('finding the domain', async () => {
    expect(String((await session.domainLookupByName('test')).id)).toBe(
      (await virsh('domid', 'test')).trim(),
    );
    expect(domain.uuid).toBe((await virsh('domuuid', 'test')).trim());
    expect(await session.connectNumOfDomains()).toBe(1);
    expect(await session.connectNumOfDefinedDomains()).toBe(0);
    expect(await session.connectListDomains()).toEqual([1]);
    expect(await session.connectListDefinedDomains()).toEqual([]);
  });

  test('what the domain is', async () => {
    const info = await session.domainGetInfo(domain);
    const said = fieldsOf(await virsh('dominfo', 'test'));
    expect(domainStateName(info.state)).toBe(said['State']);
    expect(String(info.vcpus)).toBe(said['CPU(s)']);
    expect(`${info.maxMemoryKiB} KiB`).toBe(said['Max memory']);
    expect(`${info.memoryKiB} KiB`).toBe(said['Used memory']);
    expect(await session.domainIsPersistent(domain)).toBe(said['Persistent'] === 'yes');
    expect(await session.domainGetAutostart(domain)).toBe(said['Autostart'] === 'enable');
    expect(await session.domainHasManagedSaveImage(domain)).toBe(said['Managed save'] === 'yes');
    expect(await session.domainIsUpdated(domain)).toBe(false);
    const { state, reason } = await session.domainGetState(domain);
    expect(`${domainStateName(state)} (${domainStateReasonName(state, reason)})`).toBe(
      (await virsh('domstate', 'test', '--reason')).trim(),
    );
    expect((await session.domainGetXmlDesc(domain)).trim()).toBe(
      (await virsh('dumpxml', 'test')).trim(),
    );
  });

  test('its memory', async () => {
    const said = fieldsOf(await virsh('dommemstat', 'test'));
    delete said['last_update']; // the clock, in the test driver
    const ours = await session.domainMemoryStats(domain);
    ours.delete('last_update');
    expect(Object.fromEntries([...ours].map(([tag, value]) => [tag, String(value)]))).toEqual(said);
  });

  test('its disk', async () => {
    const said = fieldsOf(await virsh('domblkinfo', 'test', 'vda'));
    const info = await session.domainGetBlockInfo(domain, 'vda');
    expect(String(info.allocationBytes)).toBe(said['Allocation']);
    expect(String(info.physicalBytes)).toBe(said['Physical']);
    const stats = await session.domainBlockStats(domain, 'vda');
    const lines = linesOf(await virsh('domblkstat', 'test', 'vda')).map((line) => line.split(' '));
    expect(lines.map(([, name]) => name)).toEqual([
      'rd_req',
      'rd_bytes',
      'wr_req',
      'wr_bytes',
      'errs',
    ]);
    // The test driver makes its counters of the clock: they move on between two questions.
    const later = lines.map(([, , value]) => BigInt(value ?? ''));
    const ours = Object.values(stats).map(BigInt);
    ours.forEach((value, i) => {
      expect(value).toBeLessThanOrEqual(later[i] ?? 0n);
      expect(Number(value) / Number(later[i])).toBeGreaterThan(0.99);
    });
  });

  test('its interface', async () => {
    const stats = await session.domainInterfaceStats(domain, 'testnet0');
    const said = linesOf(await virsh('domifstat', 'test', 'testnet0')).map((line) =>
      line.split(' '),
    );
    const ours = Object.values(stats).map(Number);
    ours.forEach((value, i) => expect(value / Number(said[i]?.[2])).toBeCloseTo(1, 2));
    const [row = []] = rowsOf(await virsh('domifaddr', 'test'));
    expect(
      (await session.domainInterfaceAddresses(domain)).flatMap(({ name, hwaddr, addresses }) =>
        addresses.map(({ type, address, prefix }) => [
          name,
          hwaddr,
          type === 0 ? 'ipv4' : 'ipv6',
          `${address}/${prefix}`,
        ]),
      ),
    ).toEqual([row]);
  });

  test('its CPUs', async () => {
    const { vcpus, cpuMaps } = await session.domainGetVcpus(domain, { maxVcpus: 2, hostCpus: 16 });
    const said = linesOf(await virsh('vcpuinfo', 'test')).filter((line) => line.startsWith('CPU:'));
    expect(vcpus.map(({ cpu }) => `CPU:            ${cpu}`)).toEqual(said);
    expect(vcpus.map(({ number, state }) => [number, state])).toEqual([
      [0, 1],
      [1, 1],
    ]);
    expect(cpuMaps.map((map) => map.length)).toEqual([2, 2]);
    const [total] = await session.domainGetCpuStats(domain);
    const text = await virsh('cpu-stats', 'test', '--total');
    for (const name of ['user_time', 'system_time']) {
      const seconds = new RegExp(`${name}\\s+([\\d.]+)`).exec(text)?.[1];
      expect(Number(total?.get(name)) / 1e9).toBeCloseTo(Number(seconds), 6);
    }
    const each = await session.domainGetCpuStats(domain, { startCpu: 0, cpus: 2 });
    expect(each.map((stats) => [...stats.keys()])).toEqual([
      ['cpu_time', 'vcpu_time'],
      ['cpu_time', 'vcpu_time'],
    ]);
  });

  test('networks and interfaces', async () => {
    const [network, ...others] = await session.connectListAllNetworks();
    if (network === undefined) throw new Error('the test driver has a network');
    expect(others).toEqual([]);
    const said = fieldsOf(await virsh('net-info', network.name));
    expect(network.uuid).toBe(said['UUID']);
    expect(await session.networkIsActive(network)).toBe(said['Active'] === 'yes');
    expect(await session.networkIsPersistent(network)).toBe(said['Persistent'] === 'yes');
    expect((await session.networkGetXmlDesc(network)).trim()).toBe(
      (await virsh('net-dumpxml', network.name)).trim(),
    );
    expect(await session.networkLookupByName(network.name)).toEqual(network);
    expect(await session.networkLookupByUuid(network.uuid)).toEqual(network);
    const interfaces = await session.connectListAllInterfaces();
    const rows = rowsOf(await virsh('iface-list', '--all'));
    expect(interfaces.map(({ name, mac }) => [name, 'active', mac])).toEqual(rows);
  });

  test('pools', async () => {
    const [pool] = await session.connectListAllStoragePools();
    if (pool === undefined) throw new Error('the test driver has a pool');
    const said = fieldsOf(await virsh('pool-info', '--bytes', pool.name));
    expect(pool.uuid).toBe(said['UUID']);
    const info = await session.storagePoolGetInfo(pool);
    expect(info.state).toBe(2);
    expect(String(info.capacityBytes)).toBe(said['Capacity']);
    expect(String(info.availableBytes)).toBe(said['Available']);
    expect(String(info.allocationBytes)).toBe(said['Allocation']);
    expect(await session.storagePoolIsActive(pool)).toBe(true);
    expect(await session.storagePoolIsPersistent(pool)).toBe(said['Persistent'] === 'yes');
    expect((await session.storagePoolGetXmlDesc(pool)).trim()).toBe(
      (await virsh('pool-dumpxml', pool.name)).trim(),
    );
    expect(await session.storagePoolLookupByName(pool.name)).toEqual(pool);
    expect(await session.storagePoolLookupByUuid(pool.uuid)).toEqual(pool);
    expect(await session.storagePoolListAllVolumes(pool)).toEqual([]);
  });

  test('devices', async () => {
    const devices = await session.connectListAllNodeDevices();
    expect(devices.map(({ name }) => name)).toContain('computer');
    const device = await session.nodeDeviceLookupByName('computer');
    expect((await session.nodeDeviceGetXmlDesc(device)).trim()).toBe(
      (await virsh('nodedev-dumpxml', 'computer')).trim(),
    );
  });

  test('stats', async () => {
    const records = await session.connectGetAllDomainStats({ stats: 0 });
    const said = linesOf(await virsh('domstats'));
    expect(
      records.flatMap(({ domain: { name }, params }) => [
        `Domain: '${name}'`,
        ...[...params].map(([field, value]) => `${field}=${String(value)}`),
      ]),
    ).toEqual(said);
  });

  test.each([
    ['no metadata', () => session.domainGetMetadata(domain, { type: 0 }), 80],
    ['no such network', () => session.networkLookupByName('none'), 43],
    ['no such pool', () => session.storagePoolLookupByName('none'), 49],
    ['no such volume', () => session.storageVolLookupByPath('/none'), 50],
    ['no such device', () => session.nodeDeviceLookupByName('none'), 53],
    ['secrets are not supported', () => session.connectListAllSecrets(), 3],
    ['disk errors: none', () => session.domainGetDiskErrors(domain).then(() => ({ code: 0 })), 0],
  ])('%s is told by its code', async (_, ask, code) => {
    const answer: unknown = await Promise.resolve(ask()).catch((e: unknown) => e);
    expect(answer).toMatchObject({ code });
  });
});
