import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { domainConfigSchema, type DomainConfig } from '@virtscope/contracts';
import type { LabelRule } from '@virtscope/domain-xml';
import {
  defineAndStart,
  pulseGuest,
  startLibvirtd,
  tempDir,
  type Libvirtd,
} from '@virtscope/testkit';
import { connect, type Session } from 'node-libvirt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LibvirtReads } from './libvirt-reads.ts';
import { richDomain } from './rich-domain.fixture.ts';

describe.each([
  ['installed', {}],
  ['11', { clusters: 1 }],
] as const)('libvirt, %s', (version, clusters) => {
  const stack = new AsyncDisposableStack();
  let libvirtd: Libvirtd;
  let session: Session;
  let dir: string;

  beforeAll(async () => {
    libvirtd = stack.use(await startLibvirtd({ version }));
    dir = stack.use(await tempDir('vs-reads-')).path;
    session = stack.use(await connect(libvirtd.uri));
  });

  afterAll(() => stack.disposeAsync());

  async function configOf(
    uuid: string,
    labelRules: readonly LabelRule[] = [],
  ): Promise<DomainConfig> {
    const kept = new Map<string, string>();
    const keep = (hash: string, xml: string): void => void kept.set(hash, xml);
    const reads = new LibvirtReads(session, labelRules, { keep });
    const input = await reads.config({ type: 'readConfig', uuid, reason: 'sync' }, 0);
    if (input.type !== 'config' || 'failed' in input.outcome) {
      throw new Error(`no configuration: ${JSON.stringify(input)}`);
    }
    const { config } = input.outcome;
    expect(domainConfigSchema.safeParse(config).error).toBeUndefined();
    expect(kept.get(config.xmlHash)).toContain(uuid);
    return config;
  }

  test('every part of a definition that libvirt took is told, but no password', async () => {
    const xmlPath = join(dir, 'rich.xml');
    writeFileSync(xmlPath, richDomain);
    await libvirtd.virsh('define', xmlPath);
    const config = await configOf('5f7a0f9e-2b6c-4a3d-9a7e-0c1d2e3f4a5b', [
      {
        label: 'flavor',
        namespace: 'http://openstack.org/xmlns/libvirt/nova/1.1',
        path: 'instance/flavor',
        attribute: 'name',
      },
      { label: 'team', namespace: 'urn:example:team', path: 'team/name' },
    ]);
    expect(config).not.toHaveProperty('omitted');
    expect(JSON.stringify(config)).not.toContain('hush');
    const { disks, interfaces, metadata, observedAt: _, xmlHash: __, ...rest } = config;
    expect(rest).toEqual({
      title: 'The rich one',
      virtType: 'qemu',
      arch: 'x86_64',
      machine: expect.stringMatching(/^pc-q35-/) as unknown,
      emulator: '/usr/bin/qemu-system-x86_64',
      firmware: {
        loader: '/usr/share/OVMF/OVMF_CODE_4M.ms.fd',
        loaderType: 'pflash',
        readonly: true,
        secure: true,
        nvram: '/var/lib/libvirt/qemu/nvram/rich_VARS.fd',
        nvramTemplate: '/usr/share/OVMF/OVMF_VARS_4M.ms.fd',
      },
      vcpusCurrent: 1,
      vcpusMaximum: 4,
      placement: {
        mode: 'static',
        cpuset: '0-1',
        vcpuPins: [
          { vcpu: 0, cpuset: '0' },
          { vcpu: 1, cpuset: '0-1' },
        ],
        emulatorCpuset: '1',
        numaMode: 'preferred',
        nodeset: '0',
      },
      memoryCurrentKiB: 32768,
      memoryMaximumKiB: 65536,
      cpu: {
        mode: 'custom',
        match: 'exact',
        check: 'none',
        model: 'Nehalem',
        fallback: 'forbid',
        vendor: 'Intel',
        topology: { sockets: 2, dies: 1, ...clusters, cores: 2, threads: 1 },
        features: { require: ['vmx'], disable: ['hle'] },
      },
      labels: { flavor: 'm1.medium', team: 'red' },
      graphics: [{ type: 'vnc', autoport: true, listen: '0.0.0.0' }],
      hostDevices: [
        {
          type: 'pci',
          source: '0000:06:02.0',
          driver: 'vfio',
          managed: true,
        },
        {
          type: 'usb',
          managed: true,
          vendorId: '0x1d6b',
          productId: '0x0002',
        },
        { type: 'usb', source: '1.3', managed: false },
        {
          type: 'mdev',
          source: 'c2177883-f1bb-47f0-914d-32a22e3a8804',
          model: 'vfio-pci',
          managed: false,
        },
        { type: 'scsi', source: 'scsi_host0:0:0:0', managed: false },
        {
          type: 'scsi',
          source: 'iqn.2014-08.com.example:iscsi-nopool/1',
          managed: false,
        },
        {
          type: 'scsi_host',
          source: 'naa.5123456789abcde0',
          managed: false,
        },
      ],
      channels: [
        {
          type: 'unix',
          source: '/var/lib/libvirt/agent.sock',
          targetType: 'virtio',
          target: 'org.qemu.guest_agent.0',
        },
        { type: 'pty', targetType: 'guestfwd', target: '10.0.2.1:4600' },
      ],
      tpms: [{ model: 'tpm-tis', backend: 'passthrough', source: '/dev/tpm0' }],
    });
    expect(disks).toEqual([
      {
        type: 'file',
        source: '/images/rich.qcow2',
        format: 'qcow2',
        target: 'vda',
        bus: 'virtio',
        device: 'disk',
        serial: '8f3c1f2a-3b4c-4d5e-8f60-718293a4b5c6',
        driver: {
          name: 'qemu',
          cache: 'none',
          io: 'native',
          discard: 'unmap',
          detectZeroes: 'unmap',
          queues: 2,
        },
        backing: [
          { type: 'file', source: '/images/base.qcow2', format: 'qcow2' },
          {
            type: 'network',
            source: 'golden',
            format: 'raw',
            network: {
              protocol: 'nbd',
              name: 'golden',
              hosts: [{ name: 'store', port: 10809 }],
            },
          },
        ],
      },
      {
        type: 'network',
        source: 'vms/disk1',
        format: 'raw',
        network: {
          protocol: 'rbd',
          name: 'vms/disk1',
          hosts: [
            { name: 'mon1', port: 6789 },
            { name: 'mon2', port: 6789 },
          ],
        },
        target: 'vdb',
        bus: 'virtio',
        device: 'disk',
        driver: { name: 'qemu' },
      },
      {
        type: 'network',
        source: 'nbd+unix:/run/nbd.sock',
        format: 'raw',
        network: {
          protocol: 'nbd',
          hosts: [{ transport: 'unix', socket: '/run/nbd.sock' }],
        },
        target: 'vdc',
        bus: 'virtio',
        device: 'disk',
        driver: { name: 'qemu' },
      },
      {
        type: 'block',
        source: '/dev/vg/lv',
        format: 'raw',
        target: 'vdd',
        bus: 'virtio',
        device: 'disk',
        shareable: true,
        driver: { name: 'qemu' },
      },
      {
        type: 'volume',
        source: 'images/a.qcow2',
        format: 'qcow2',
        target: 'vde',
        bus: 'virtio',
        device: 'disk',
        driver: { name: 'qemu' },
      },
      {
        type: 'nvme',
        source: '0000:01:00.0/1',
        format: 'raw',
        target: 'vdf',
        bus: 'virtio',
        device: 'disk',
        driver: { name: 'qemu' },
      },
      {
        type: 'vhostuser',
        source: '/run/vhost-blk.sock',
        format: 'raw',
        target: 'vdg',
        bus: 'virtio',
        device: 'disk',
        driver: { name: 'qemu' },
      },
      {
        type: 'dir',
        source: '/srv/files',
        format: 'fat',
        target: 'vdh',
        bus: 'virtio',
        device: 'disk',
        readonly: true,
        driver: { name: 'qemu' },
      },
      {
        type: 'file',
        source: '/images/secret.img',
        format: 'raw',
        encryption: 'luks',
        target: 'sdb',
        bus: 'scsi',
        device: 'disk',
        wwn: '5000c50015ea71ab',
        driver: { name: 'qemu' },
      },
      {
        type: 'file',
        format: 'raw',
        target: 'sda',
        bus: 'sata',
        device: 'cdrom',
        readonly: true,
        driver: { name: 'qemu' },
      },
    ]);
    expect(interfaces).toEqual([
      {
        type: 'bridge',
        mac: '52:54:00:aa:bb:01',
        source: 'br-int',
        model: 'virtio',
        mtu: 1450,
        linkState: 'down',
        vlans: [42],
        virtualPort: {
          type: 'openvswitch',
          interfaceId: '1f2a3b4c-5d6e-4f70-8192-a3b4c5d6e7f8',
        },
        filter: 'clean-traffic',
      },
      {
        type: 'network',
        mac: '52:54:00:aa:bb:02',
        source: 'default',
        model: 'virtio',
      },
      {
        type: 'direct',
        mac: '52:54:00:aa:bb:03',
        source: 'eth0',
        mode: 'passthrough',
        model: 'e1000',
      },
      { type: 'user', mac: '52:54:00:aa:bb:04', model: 'rtl8139' },
      {
        type: 'vhostuser',
        mac: '52:54:00:aa:bb:05',
        source: '/run/vhost.sock',
        model: 'virtio',
      },
      { type: 'hostdev', mac: '52:54:00:aa:bb:06', source: '0000:02:10.1' },
      {
        type: 'ethernet',
        mac: '52:54:00:aa:bb:07',
        model: 'virtio',
        target: 'tap-mine',
      },
      {
        type: 'mcast',
        mac: '52:54:00:aa:bb:08',
        source: '230.0.0.1:5558',
        model: 'virtio',
      },
      {
        type: 'udp',
        mac: '52:54:00:aa:bb:09',
        source: '10.1.1.1:5559',
        model: 'virtio',
      },
      {
        type: 'vdpa',
        mac: '52:54:00:aa:bb:0a',
        source: '/dev/vhost-vdpa-0',
        model: 'virtio',
      },
    ]);
    expect(metadata).toEqual({
      'http://openstack.org/xmlns/libvirt/nova/1.1': {
        'instance/package@version': '27.1.0',
        'instance/name': 'web <1>',
        'instance/flavor@name': 'm1.medium',
        'instance/flavor/memory': '64',
        'instance/flavor/vcpus': '4',
        'instance/owner/user@uuid': '9d2f6b53a1e84c1c8e0f7a2b3c4d5e6f',
        'instance/owner/user': 'alice',
        'instance/owner/project@uuid': '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
        'instance/owner/project': 'shop',
        'instance/root@type': 'image',
        'instance/root@uuid': '11111111-2222-3333-4444-555555555555',
        'instance/ports/port@uuid': '1f2a3b4c-5d6e-4f70-8192-a3b4c5d6e7f8',
        'instance/ports/port/ip@type': 'fixed',
        'instance/ports/port/ip@address': '10.0.0.12',
        'instance/ports/port/ip@ipVersion': '4',
        'instance/ports/port[2]@uuid': '2f2a3b4c-5d6e-4f70-8192-a3b4c5d6e7f8',
      },
      'urn:example:team': { 'team@cost': '7', 'team/name': 'red' },
    });
  });

  test('a running domain tells its chain of images after a snapshot, and its metadata once set', async () => {
    const guest = pulseGuest(dir, { name: 'vm1' });
    await defineAndStart(libvirtd, guest);
    const before = await configOf(guest.uuid);
    expect(before.disks[0]).toMatchObject({ source: guest.diskPath, format: 'raw', backing: [] });
    expect(before).not.toHaveProperty('metadata');

    const top = join(dir, 'top.qcow2');
    const snapshot = `snapshot-create-as ${guest.name} first --disk-only --no-metadata --diskspec`;
    await libvirtd.virsh(...snapshot.split(' '), `hda,file=${top}`);
    const setTeam = `metadata ${guest.name} --live --uri urn:example:team --key t --set`;
    await libvirtd.virsh(...setTeam.split(' '), "<team cost='7'><name>red</name></team>");
    const after = await configOf(guest.uuid, [
      { label: 'cost', namespace: 'urn:example:team', path: 'team', attribute: 'cost' },
    ]);
    expect(after.disks[0]).toMatchObject({
      source: top,
      format: 'qcow2',
      backing: [{ type: 'file', source: guest.diskPath, format: 'raw' }],
    });
    expect(after.metadata).toEqual({
      'urn:example:team': { 'team@cost': '7', 'team/name': 'red' },
    });
    expect(after.labels).toEqual({ cost: '7' });
  });
});
