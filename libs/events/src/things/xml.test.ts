import { XmlError } from '@virtscope/xml';
import { expect, test } from 'vitest';
import { parseThingXml } from './xml.ts';

test('a network tells its bridge, how it forwards, and its addresses', () => {
  const xml = `<network><name>default</name><forward/><bridge name='virbr0'/>
    <ip address='192.168.122.1' netmask='255.255.255.0'/>
    <ip family='ipv6' address='fd00::1' prefix='64'/></network>`;
  expect(parseThingXml('network', xml)).toEqual({
    network: { bridge: 'virbr0', forward: 'nat', addresses: ['192.168.122.1/24', 'fd00::1/64'] },
  });
  expect(parseThingXml('network', '<network/>')).toEqual({ network: {} });
});

test('a netmask that is none leaves the address without a prefix', () => {
  for (const mask of ['255.0.255.0', '255.255.255', 'x.y.z.0', '256.0.0.0']) {
    const xml = `<network><ip address='10.0.0.1' netmask='${mask}'/></network>`;
    expect(parseThingXml('network', xml)).toEqual({ network: { addresses: ['10.0.0.1'] } });
  }
});

test('a pool tells where it lies, and the sizes that its own call gave', () => {
  const xml = `<pool type='rbd'><source><host name='mon1'/><host name='mon2'/><name>vms</name></source>
    <capacity unit='bytes'>1</capacity></pool>`;
  expect(parseThingXml('pool', xml, { state: 'running', capacityBytes: 10 })).toEqual({
    pool: {
      backend: 'rbd',
      sourceHosts: ['mon1', 'mon2'],
      source: 'vms',
      state: 'running',
      capacityBytes: 10,
    },
  });
  const dir = `<pool type='dir'><target><path>/srv</path></target></pool>`;
  expect(parseThingXml('pool', dir)).toEqual({ pool: { backend: 'dir', path: '/srv' } });
});

test('a node device tells its capabilities, the nested ones too, and who made it', () => {
  const xml = `<device><name>net_eth0</name><parent>pci_0</parent><driver><name>virtio</name></driver>
    <path>/sys/x</path><capability type='net'><interface>eth0</interface><capability type='80203'/>
    </capability></device>`;
  expect(parseThingXml('nodedev', xml)).toEqual({
    nodedev: {
      parent: 'pci_0',
      driver: 'virtio',
      path: '/sys/x',
      capabilities: ['net', '80203'],
      interface: 'eth0',
    },
  });
  const pci = `<device><capability type='pci'><product id='0x1'>Card</product><vendor id='0x8086'/>
    </capability></device>`;
  expect(parseThingXml('nodedev', pci)).toEqual({
    nodedev: { capabilities: ['pci'], product: 'Card', vendor: '0x8086' },
  });
});

test('a secret tells what it is for', () => {
  const xml = `<secret ephemeral='no' private='yes'><description>d</description>
    <usage type='ceph'><name>client.x</name></usage></secret>`;
  expect(parseThingXml('secret', xml)).toEqual({
    secret: {
      usage: 'ceph',
      usageId: 'client.x',
      ephemeral: false,
      private: true,
      description: 'd',
    },
  });
});

test('a fact above its bound is left out and named; what is no XML is an error', () => {
  const xml = `<network><bridge name='${'b'.repeat(300)}'/><forward mode='route'/></network>`;
  expect(parseThingXml('network', xml)).toEqual({
    network: { forward: 'route' },
    omitted: ['bridge'],
  });
  expect(() => parseThingXml('pool', '<pool')).toThrow(XmlError);
});
