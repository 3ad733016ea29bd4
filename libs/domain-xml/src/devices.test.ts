import { expect, test } from 'vitest';
import { parseDomainXml, type ParsedDomain } from './parse-domain-xml.ts';

const withDevices = (xml: string): ParsedDomain =>
  parseDomainXml(`<domain><devices>${xml}</devices></domain>`);

test('a disk tells its backing chain, nearest first, whatever each image lies on', () => {
  const { disks } = withDevices(`<disk type='block'>
    <source dev='/dev/vg/top' index='1'/>
    <backingStore type='file' index='2'>
      <format type='qcow2'/><source file='/base.qcow2'/>
      <backingStore type='network' index='3'>
        <format type='raw'/>
        <source protocol='nbd' name='golden'>
          <host name='store' port='10809'/><host transport='unix' socket='/run/nbd'/>
        </source>
        <backingStore/>
      </backingStore>
    </backingStore>
    <target dev='vda'/></disk>`);
  expect(disks[0]?.backing).toEqual([
    { type: 'file', source: '/base.qcow2', format: 'qcow2' },
    {
      type: 'network',
      source: 'golden',
      format: 'raw',
      network: {
        protocol: 'nbd',
        name: 'golden',
        hosts: [
          { name: 'store', port: 10_809 },
          { transport: 'unix', socket: '/run/nbd' },
        ],
      },
    },
  ]);
});

test('a chain that ends here differs from one that libvirt does not tell', () => {
  const { disks } = withDevices(
    "<disk type='file'><backingStore/><target dev='a'/></disk><disk type='file'><target dev='b'/></disk>",
  );
  expect(disks[0]?.backing).toEqual([]);
  expect(disks[1]).not.toHaveProperty('backing');
});

const chainOf = (length: number): string => {
  const open = (index: number) =>
    `<backingStore type='file'><format type='qcow2'/><source file='/${index}'/>`;
  const layers = Array.from({ length }, (_, index) => open(index)).join('');
  return `<disk type='file'><source file='/top'/>${layers}${'</backingStore>'.repeat(length)}<target dev='vda'/></disk>`;
};

test('a chain as long as libvirt follows one is told whole', () => {
  const parsed = withDevices(chainOf(200));
  expect(parsed.disks[0]?.backing).toHaveLength(200);
  expect(parsed).not.toHaveProperty('omitted');
});

test('what a disk is copied to, and how it is encrypted, is told', () => {
  const { disks } = withDevices(`<disk type='file'>
    <source file='/a'><encryption format='luks'/></source>
    <mirror type='block' job='copy' ready='yes'><format type='raw'/><source dev='/dev/b'/></mirror>
    <target dev='vda'/></disk>`);
  expect(disks[0]).toMatchObject({
    encryption: 'luks',
    mirror: { type: 'block', source: '/dev/b', format: 'raw' },
  });
});

test('an unfit field of a device costs itself alone, and its list is named as incomplete', () => {
  const long = 'x'.repeat(5000);
  const parsed = withDevices(`<disk type='file'>
      <driver name='qemu' cache='${long}' io='native'/><source file='/a'/>
      <backingStore type='file'><source file='${long}'/><backingStore/></backingStore>
      <target dev='vda'/><serial>${long}</serial></disk>
    <disk type='${long}'><target dev='vdb'/></disk>
    <interface type='user'><mtu size='-1'/><mac address='${long}'/><vlan><tag id='7'/><tag id='x'/></vlan></interface>
    <graphics type='vnc' port='65536'/>`);
  expect(parsed).toEqual({
    disks: [
      {
        type: 'file',
        source: '/a',
        target: 'vda',
        driver: { name: 'qemu', io: 'native' },
        backing: [{ type: 'file' }],
      },
    ],
    interfaces: [{ type: 'user', vlans: [7] }],
    graphics: [{ type: 'vnc' }],
    omitted: expect.arrayContaining(['disks', 'interfaces', 'graphics']) as unknown,
  });
});

test('a display tells where it listens, and never its password', () => {
  const { graphics } = withDevices(`
    <graphics type='vnc' port='5901' autoport='yes' websocket='5701' listen='0.0.0.0' passwd='hush'>
      <listen type='address' address='0.0.0.0'/></graphics>
    <graphics type='spice' port='5902' tlsPort='5903' autoport='no' passwd='hush'>
      <listen type='network' address='10.0.0.7' network='mgmt'/></graphics>
    <graphics type='vnc'><listen type='socket' socket='/run/vnc.sock'/></graphics>
    <graphics type='spice' port='-1' autoport='yes'/>`);
  expect(graphics).toEqual([
    { type: 'vnc', port: 5901, websocketPort: 5701, autoport: true, listen: '0.0.0.0' },
    { type: 'spice', port: 5902, tlsPort: 5903, autoport: false, listen: '10.0.0.7' },
    { type: 'vnc', socket: '/run/vnc.sock' },
    { type: 'spice', autoport: true },
  ]);
  expect(JSON.stringify(graphics)).not.toContain('hush');
});

test('a host device is told by what names it on the host', () => {
  const { hostDevices } = withDevices(`
    <hostdev mode='subsystem' type='pci' managed='yes'><driver name='vfio'/><source>
      <address domain='0x0000' bus='0x6' slot='0x02' function='0x0'/></source>
      <alias name='hostdev0'/></hostdev>
    <hostdev mode='subsystem' type='usb'><source><vendor id='0x1d6b'/><product id='0x0002'/>
      <address bus='1' device='3'/></source></hostdev>
    <hostdev mode='capabilities' type='storage'><source><block>/dev/sdf1</block></source></hostdev>
    <hostdev mode='capabilities' type='misc'><source><char>/dev/input/event3</char></source></hostdev>
    <hostdev mode='capabilities' type='net'><source><interface>eth0</interface></source></hostdev>
    <hostdev type='quantum'><source><entangled/></source></hostdev>`);
  expect(hostDevices).toEqual([
    { type: 'pci', source: '0000:06:02.0', driver: 'vfio', managed: true, alias: 'hostdev0' },
    { type: 'usb', source: '1.3', vendorId: '0x1d6b', productId: '0x0002' },
    { type: 'storage', source: '/dev/sdf1' },
    { type: 'misc', source: '/dev/input/event3' },
    { type: 'net', source: 'eth0' },
    { type: 'quantum' },
  ]);
});

test("a channel tells the guest's end and whether it is open", () => {
  const { channels, tpms } = withDevices(`
    <channel type='unix'><source mode='bind' path='/run/agent.sock'/>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>
    <channel type='spicevmc'><target type='virtio' name='com.redhat.spice.0'/></channel>
    <tpm model='tpm-crb'><backend type='emulator' version='2.0' persistent_state='yes'/></tpm>
    <tpm model='tpm-tis'><backend type='external'><source type='unix' path='/run/tpm.sock'/></backend></tpm>`);
  expect(channels).toEqual([
    {
      type: 'unix',
      source: '/run/agent.sock',
      targetType: 'virtio',
      target: 'org.qemu.guest_agent.0',
      state: 'connected',
    },
    { type: 'spicevmc', targetType: 'virtio', target: 'com.redhat.spice.0' },
  ]);
  expect(tpms).toEqual([
    { model: 'tpm-crb', backend: 'emulator', version: '2.0', persistentState: true },
    { model: 'tpm-tis', backend: 'external', source: '/run/tpm.sock' },
  ]);
});

test('a running domain tells both its network and the bridge that the network led to', () => {
  const { interfaces } = withDevices(
    "<interface type='network'><source network='default' portid='1' bridge='virbr0'/><target dev='vnet0'/></interface>",
  );
  expect(interfaces).toEqual([
    { type: 'network', source: 'default', bridge: 'virbr0', target: 'vnet0' },
  ]);
});

test('firmware is told as chosen by libvirt, by the operator, or anywhere on the network', () => {
  const firmware = (os: string) => parseDomainXml(`<domain><os${os}</os></domain>`).firmware;
  expect(
    firmware(` firmware='efi'><firmware><feature enabled='yes' name='secure-boot'/>
      <feature enabled='no' name='enrolled-keys'/><feature name='odd'/></firmware>
      <loader readonly='yes' secure='yes' type='pflash'>/code.fd</loader>
      <nvram template='/vars.fd'>/vm.fd</nvram>`),
  ).toEqual({
    type: 'efi',
    loader: '/code.fd',
    loaderType: 'pflash',
    readonly: true,
    secure: true,
    nvram: '/vm.fd',
    nvramTemplate: '/vars.fd',
    features: { 'secure-boot': true, 'enrolled-keys': false },
  });
  expect(
    firmware(`><nvram type='network'><source protocol='iscsi' name='iqn/0'/></nvram>`),
  ).toEqual({ nvram: 'iqn/0' });
  expect(firmware('><type>hvm</type>')).toBeUndefined();
});

test('the processor is told by mode, model, topology and the policy of each feature', () => {
  const { cpu, placement } = parseDomainXml(`<domain>
    <vcpu placement='auto' cpuset='0-3,^2' current='1'>4</vcpu>
    <cputune><vcpupin vcpu='0' cpuset='1'/><emulatorpin cpuset='0'/></cputune>
    <numatune><memory mode='strict' nodeset='0'/></numatune>
    <cpu mode='host-passthrough' migratable='on'>
      <topology sockets='1' dies='2' clusters='1' cores='4' threads='2'/>
      <feature name='vmx'/><feature policy='disable' name='hle'/><feature policy='maybe' name='x'/>
      <feature policy='require'/></cpu></domain>`);
  expect(cpu).toEqual({
    mode: 'host-passthrough',
    migratable: true,
    topology: { sockets: 1, dies: 2, clusters: 1, cores: 4, threads: 2 },
    features: { require: ['vmx'], disable: ['hle'] },
  });
  expect(placement).toEqual({
    mode: 'auto',
    cpuset: '0-3,^2',
    vcpuPins: [{ vcpu: 0, cpuset: '1' }],
    emulatorCpuset: '0',
    numaMode: 'strict',
    nodeset: '0',
  });
});
