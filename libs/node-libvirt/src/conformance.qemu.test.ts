/** The same question through virsh and through us, to the same daemon: real domains. */
import {
  type Libvirtd,
  type PulseGuest,
  defineAndStart,
  pulseGuest,
  startLeasedNetwork,
  startLibvirtd,
} from '@virtscope/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { admin } from './admin.ts';
import { connect } from './connect.ts';
import {
  VIR_ERR_ARGUMENT_UNSUPPORTED,
  VIR_ERR_MIGRATE_UNSAFE,
  VIR_ERR_OPERATION_INVALID,
} from './constants/error-codes.ts';
import type { Domain, Session } from './index.ts';
import { fieldsOf, linesOf, rowsOf } from './testing/virsh-text.ts';

describe.each(['installed', '11'] as const)('libvirt, %s', (version) => {
  let daemon: Libvirtd;
  let guest: PulseGuest;
  let session: Session;
  let writable: Session;
  let domain: Domain;
  const virsh = (...args: string[]): Promise<string> => daemon.virsh(...args);

  beforeAll(async () => {
    daemon = await startLibvirtd({ name: 'confq', version });
    guest = pulseGuest(daemon.dir, { name: 'pulse' });
    await defineAndStart(daemon, guest);
    session = await connect(daemon.uri);
    writable = await connect(daemon.uriRw, { readOnly: false });
    domain = await session.domainLookupByName('pulse');
    // A paused domain's counters stand still while two clients read them.
    await admin(writable).domainSuspend(domain);
  });
  afterAll(async () => {
    await writable.close();
    await session.close();
    await daemon[Symbol.asyncDispose]();
  });

  test('every group of stats', async () => {
    const [record] = await session.connectGetAllDomainStats({ stats: 0 });
    const said = linesOf(await virsh('domstats', 'pulse')).slice(1);
    const ours = [...(record?.params ?? [])].map(([field, value]) => {
      // virsh prints booleans as words.
      return `${field}=${typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)}`;
    });
    const still = (line: string): boolean => !/^cpu\.|\.(time|wait|delay)=|rss=/.test(line);
    expect(ours.length).toBeGreaterThan(30);
    expect(ours.filter(still)).toEqual(said.filter(still));
    expect(ours.map((line) => line.split('=')[0])).toEqual(said.map((line) => line.split('=')[0]));
  });

  test('the disk', async () => {
    const said = fieldsOf(await virsh('domblkinfo', 'pulse', 'hda'));
    const info = await session.domainGetBlockInfo(domain, 'hda');
    expect(String(info.capacityBytes)).toBe(said['Capacity']);
    expect(String(info.allocationBytes)).toBe(said['Allocation']);
    expect(String(info.physicalBytes)).toBe(said['Physical']);
    const counters = linesOf(await virsh('domblkstat', 'pulse', 'hda')).map((line) =>
      line.split(' '),
    );
    const params = await session.domainBlockStatsFlags(domain, 'hda');
    const wireName: Record<string, string> = {
      rd_req: 'rd_operations',
      wr_req: 'wr_operations',
      flush_operations: 'flush_operations',
    };
    for (const [, name = '', value] of counters) {
      expect(String(params.get(wireName[name] ?? name)), name).toBe(value);
    }
    const short = await session.domainBlockStats(domain, 'hda');
    expect(short.readRequests).toBe(params.get('rd_operations'));
    expect(short.writeBytes).toBe(params.get('wr_bytes'));
    expect(await session.domainGetDiskErrors(domain)).toEqual([]);
  });

  test('the memory of the domain and of the host', async () => {
    const said = fieldsOf(await virsh('dommemstat', 'pulse'));
    const ours = await session.domainMemoryStats(domain);
    expect([...ours.keys()]).toEqual(Object.keys(said));
    expect(ours.get('rss')).toBeGreaterThan(0);
    const host = fieldsOf(await virsh('nodememstats'));
    expect(`${(await session.nodeGetMemoryStats()).get('total')} KiB`).toBe(host['total']);
  });

  test('capabilities of the host and of its domains', async () => {
    expect((await session.connectGetCapabilities()).trim()).toBe(
      (await virsh('capabilities')).trim(),
    );
    expect((await writable.connectGetDomainCapabilities()).trim()).toBe(
      (await virsh('domcapabilities')).trim(),
    );
    const choice = { arch: 'x86_64', machine: 'pc', virtType: 'qemu' };
    expect((await writable.connectGetDomainCapabilities(choice)).trim()).toBe(
      (
        await virsh('domcapabilities', '--arch', 'x86_64', '--machine', 'pc', '--virttype', 'qemu')
      ).trim(),
    );
    expect(await session.connectGetMaxVcpus('qemu')).toBeGreaterThan(0);
    const [cpu = ''] = /<cpu>[^]*?<\/cpu>/.exec(await session.connectGetCapabilities()) ?? [];
    expect(await session.connectCompareCpu(cpu)).toBeGreaterThan(0);
    const emulated = "<cpu mode='custom'><model>qemu64</model></cpu>";
    expect(await writable.connectCompareHypervisorCpu(emulated, choice)).toBeGreaterThanOrEqual(0);
    expect(await writable.connectBaselineHypervisorCpu([emulated], choice)).toContain('<model');
  });

  test('its definition, live and at its next start', async () => {
    expect((await session.domainGetXmlDesc(domain)).trim()).toBe(
      (await virsh('dumpxml', 'pulse')).trim(),
    );
    expect((await session.domainGetXmlDesc(domain, { flags: 2 })).trim()).toBe(
      (await virsh('dumpxml', 'pulse', '--inactive')).trim(),
    );
  });

  test('what else can be asked of it', async () => {
    expect((await session.domainGetControlInfo(domain)).state).toBe(0);
    expect((await virsh('domcontrol', 'pulse')).trim()).toBe('ok');
    expect((await session.domainGetJobStats(domain)).type).toBe(0);
    const messages = linesOf(await virsh('dominfo', 'pulse')).filter((line) =>
      line.startsWith('Messages:'),
    );
    expect(messages[0]).toContain((await session.domainGetMessages(domain))[0]);
    const [total] = await session.domainGetCpuStats(domain).catch(() => [new Map()]);
    expect(total).toBeDefined();
    const { vcpus } = await session.domainGetVcpus(domain, { maxVcpus: 1, hostCpus: 64 });
    expect(vcpus).toHaveLength(1);
  });

  test.each([
    ['domainGetGuestInfo', () => writable.domainGetGuestInfo(domain)],
    ['domainGetTime', () => writable.domainGetTime(domain)],
    ['domainGetFsInfo', () => writable.domainGetFsInfo(domain)],
    ['domainGetHostname', () => writable.domainGetHostname(domain, { flags: 2 })],
  ])('%s of a domain that is paused is refused with its code', async (procedure, ask) => {
    const error: unknown = await ask().catch((e: unknown) => e);
    expect(error).toMatchObject({ procedure, code: VIR_ERR_OPERATION_INVALID });
  });

  test('a secret, and its events', async () => {
    await using events = await writable.objectEvents(['secret-lifecycle', 'secret-value-changed']);
    const hand = admin(writable);
    const secret = await hand.secretDefineXml(
      "<secret ephemeral='yes' private='yes'><usage type='ceph'><name>a pool</name></usage></secret>",
    );
    expect(secret).toMatchObject({ usageType: 2, usageId: 'a pool' });
    await hand.secretSetValue(secret, Buffer.from('hush'));
    expect(await session.connectListAllSecrets()).toEqual([secret]);
    expect(await session.secretLookupByUuid(secret.uuid)).toEqual(secret);
    expect(await session.secretLookupByUsage(2, 'a pool')).toEqual(secret);
    expect(await session.secretGetXmlDesc(secret)).toContain('a pool');
    await hand.secretUndefine(secret);
    const heard: string[] = [];
    for await (const event of events) {
      heard.push(event.kind);
      if (heard.length === 3) break;
    }
    expect(heard).toEqual(['secret-lifecycle', 'secret-value-changed', 'secret-lifecycle']);
  });

  // The other version's packages have no network driver.
  if (version === 'installed') {
    test('the leases of a network', async () => {
      const lent = { mac: '52:54:00:aa:bb:01', address: '192.168.77.10', hostname: 'pulse' };
      const more = { mac: '52:54:00:aa:bb:02', address: '192.168.77.11' };
      await startLeasedNetwork(daemon, 'lan', [lent, more]);
      const network = await session.networkLookupByName('lan');
      const leases = await session.networkGetDhcpLeases(network);
      expect(leases).toMatchObject([{ ...lent, type: 0, clientId: undefined }, more]);
      const said = rowsOf(await virsh('net-dhcp-leases', 'lan'));
      expect(leases.map(({ mac, address, prefix }) => [mac, `${address}/${prefix}`])).toEqual(
        said.map(([, mac, , address]) => [mac, address]),
      );
      expect(await session.networkGetDhcpLeases(network, { mac: more.mac })).toEqual([leases[1]]);
      await virsh('net-destroy', 'lan');
      await virsh('net-undefine', 'lan');
    });
  }

  test('a migration that cannot be is the daemon’s own refusal', async () => {
    const running = await session.domainLookupByName('pulse');
    const call = admin(writable).domainMigrateToUri(running, 'qemu+tcp://127.0.0.1:1/system', {
      params: { destination_name: 'moved', bandwidth: 10 },
      flags: 1,
    });
    await expect(call).rejects.toMatchObject({ code: VIR_ERR_MIGRATE_UNSAFE });
    await expect(
      admin(writable).domainMigrateToUri(running, 'qemu:///x', { params: { nonsense: 'x' } }),
    ).rejects.toMatchObject({ code: VIR_ERR_ARGUMENT_UNSUPPORTED });
  });
});
