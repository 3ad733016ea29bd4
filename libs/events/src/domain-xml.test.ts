import { domainConfigSchema } from '@virtscope/contracts';
import { XmlError } from '@virtscope/xml';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DomainXmlError, parseDomainXml } from './domain-xml.ts';

const origin = { observedAt: '2026-01-01T00:00:00.000Z', xmlHash: '' };

function refusal(xml: string): DomainXmlError {
  try {
    parseDomainXml(xml);
  } catch (error) {
    if (error instanceof DomainXmlError) return error;
    throw error;
  }
  throw new Error(`accepted: ${xml.slice(0, 100)}`);
}

describe('what libvirt 9.0 writes', () => {
  test('a running QEMU domain', () => {
    expect(parseDomainXml(runningQemu)).toEqual({
      name: 'vm001',
      uuid: 'cd90e323-137e-4c58-af2e-33223cc54d8d',
      virtType: 'qemu',
      arch: 'x86_64',
      machine: 'pc-i440fx-7.2',
      emulator: '/usr/bin/qemu-system-x86_64',
      vcpusCurrent: 1,
      vcpusMaximum: 1,
      memoryCurrentKiB: 16_384,
      memoryMaximumKiB: 16_384,
      disks: [
        {
          target: 'hda',
          bus: 'ide',
          device: 'disk',
          type: 'file',
          format: 'raw',
          source: '/var/lib/libvirt/images/vm001.img',
        },
      ],
      interfaces: [],
    });
  });

  test('a defined QEMU domain with every kind of disk source and network', () => {
    const parsed = parseDomainXml(definedQemu);
    expect(parsed).toMatchObject({
      name: 'rich & rare',
      title: 'The rich one',
      description: 'two lines\nof words',
      machine: 'pc-q35-7.2',
      vcpusCurrent: 1,
      vcpusMaximum: 4,
      memoryCurrentKiB: 32_768,
      memoryMaximumKiB: 65_536,
    });
    expect(parsed.disks.map((disk) => [disk.target, disk.type, disk.source])).toEqual([
      ['vda', 'file', '/var/lib/libvirt/images/rich.img'],
      ['vdb', 'network', 'vms/disk1'],
      ['vdc', 'network', 'nbd://store:10809'],
      ['vdd', 'block', '/dev/vg/lv'],
      ['vde', 'volume', 'images/a.qcow2'],
      ['vdf', 'nvme', '0000:01:00.0/1'],
      ['sda', 'file', undefined],
    ]);
    expect(parsed.disks[0]).toMatchObject({ readonly: true, bus: 'virtio', format: 'raw' });
    expect(parsed.disks[1]).not.toHaveProperty('readonly');
    expect(parsed.disks[6]).toMatchObject({ device: 'cdrom', readonly: true });
    expect(parsed.interfaces).toEqual([
      { type: 'bridge', mac: '52:54:00:aa:bb:cc', source: 'br0', model: 'virtio' },
      { type: 'network', mac: '52:54:00:00:00:02', source: 'default', model: 'virtio' },
      { type: 'direct', mac: '52:54:00:00:00:03', source: 'eth0', model: 'e1000' },
      { type: 'user', mac: '52:54:00:00:00:04', model: 'rtl8139' },
      { type: 'vhostuser', mac: '52:54:00:00:00:05', source: '/run/vhost.sock', model: 'virtio' },
    ]);
  });

  test("the test driver's domain", () => {
    expect(parseDomainXml(testDriver)).toEqual({
      name: 'test',
      uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f',
      virtType: 'test',
      arch: 'i686',
      vcpusCurrent: 2,
      vcpusMaximum: 2,
      memoryCurrentKiB: 2_097_152,
      memoryMaximumKiB: 8_388_608,
      disks: [
        { target: 'vda', bus: 'virtio', device: 'disk', type: 'file', source: '/guest/diskimage1' },
      ],
      interfaces: [
        { type: 'network', mac: 'aa:bb:cc:dd:ee:ff', source: 'default', target: 'testnet0' },
      ],
    });
  });

  test('an OpenStack instance with its namespaced metadata and a running tap device', () => {
    const parsed = parseDomainXml(openStack);
    expect(parsed).toMatchObject({
      name: 'instance-0000002a',
      virtType: 'kvm',
      vcpusCurrent: 2,
      memoryMaximumKiB: 4_194_304,
      interfaces: [
        {
          type: 'bridge',
          mac: 'fa:16:3e:1f:2a:3b',
          source: 'br-int',
          model: 'virtio',
          target: 'tap1f2a3b4c-5d',
        },
      ],
    });
    expect(parsed.disks).toEqual([
      {
        target: 'vda',
        bus: 'virtio',
        device: 'disk',
        type: 'network',
        format: 'raw',
        source: 'vms/8f3c_disk',
      },
    ]);
  });
});

describe('memory', () => {
  const memoryOf = (value: string, unit?: string) =>
    parseDomainXml(
      `<domain><memory${unit === undefined ? '' : ` unit='${unit}'`}>${value}</memory></domain>`,
    ).memoryMaximumKiB;

  test.each([
    ['5', undefined, 5],
    ['2048', 'b', 2],
    ['2049', 'bytes', 3],
    ['1024', 'KB', 1000],
    ['7', 'k', 7],
    ['7', 'KiB', 7],
    ['1', 'MB', 977],
    ['1', 'M', 1024],
    ['1', 'MiB', 1024],
    ['1', 'mib', 1024],
    ['1', 'GB', 976_563],
    ['1', 'G', 1_048_576],
    ['1', 'GiB', 1_048_576],
    ['1', 'TB', 976_562_500],
    ['1', 'T', 1_073_741_824],
    ['1', 'TiB', 1_073_741_824],
    ['1', 'PiB', 2 ** 40],
    ['1', 'EiB', 2 ** 50],
    ['18446744073709551615', 'b', 2 ** 54],
    [' 64\n', 'MiB', 65_536],
    ['1', 'parsec', undefined],
    ['-1', 'KiB', undefined],
    ['1.5', 'GiB', undefined],
    ['much', 'GiB', undefined],
    ['', 'KiB', undefined],
    ['9'.repeat(21), 'KiB', undefined],
  ])('%s %s is %s KiB', (value, unit, kiB) => {
    expect(memoryOf(value, unit)).toBe(kiB);
  });

  test('without currentMemory the current one is the maximum', () => {
    const parsed = parseDomainXml("<domain><memory unit='MiB'>1</memory></domain>");
    expect(parsed.memoryCurrentKiB).toBe(1024);
  });
});

describe('what does not fit', () => {
  test('an empty domain has empty lists and nothing else', () => {
    expect(parseDomainXml('<domain/>')).toEqual({ disks: [], interfaces: [] });
  });

  test('unknown elements, doubled elements and odd values break nothing', () => {
    const parsed = parseDomainXml(`<domain type='qemu' hot='yes'>
      <name>odd</name><name>second</name><uuid>not a uuid</uuid>
      <vcpu current='-3'>many</vcpu><future><memory>9</memory></future>
      <os><loader/></os>
      <devices><disk/><disk type='vhostvdpa'><source dev='/dev/vhost-vdpa-0'/></disk>
        <interface/><quantum-link type='spooky'/></devices>
    </domain>`);
    expect(parsed).toEqual({
      name: 'odd',
      virtType: 'qemu',
      disks: [
        { target: '', type: 'unknown' },
        { target: '', type: 'vhostvdpa', source: '/dev/vhost-vdpa-0' },
      ],
      interfaces: [{ type: 'unknown' }],
    });
  });

  test('a part over its bound is left out and named, the rest stays', () => {
    const parsed = parseDomainXml(`<domain type='qemu'>
      <title>${'t'.repeat(4097)}</title>
      <devices>
        <disk type='file'><source file='/${'d'.repeat(4096)}'/><target dev='vda'/></disk>
        <disk type='file'><source file='/b'/><target dev='vdb'/></disk>
        ${"<interface type='user'/>".repeat(4097)}
      </devices></domain>`);
    expect(parsed.omitted).toEqual(['title', 'disks', 'interfaces']);
    expect(parsed).not.toHaveProperty('title');
    expect(parsed.disks).toEqual([{ target: 'vdb', type: 'file', source: '/b' }]);
    expect(parsed.interfaces).toHaveLength(4096);
    expect(domainConfigSchema.safeParse({ ...parsed, ...origin }).success).toBe(true);
  });

  test('names that objects have by themselves do no harm', () => {
    const parsed = parseDomainXml(
      "<domain __proto__='x' constructor='y'><__proto__/><devices><disk type='__proto__'/></devices></domain>",
    );
    expect(parsed.disks).toEqual([{ target: '', type: '__proto__' }]);
  });

  test.each([
    ['a torn document', '<domain><name>x</name>'],
    ['an entity of its own', '<!DOCTYPE d [<!ENTITY x "y">]><domain>&x;</domain>'],
    ['an endless nesting', '<domain>'.repeat(1000)],
  ])('%s is refused with the reader’s error as its cause', (_, xml) => {
    expect(refusal(xml).cause).toBeInstanceOf(XmlError);
  });

  test('another document is refused by name', () => {
    expect(refusal('<network/>').message).toBe(
      'expected a <domain> document, the root is <network>',
    );
  });

  test('whatever a domain document holds, the result fits the contract', () => {
    const word = fc.constantFrom(
      ...'name uuid title vcpu memory currentMemory os type devices emulator disk interface'.split(
        ' ',
      ),
      ...'source target mac driver host address unit file dev current arch machine port'.split(' '),
    );
    const value = fc.oneof(
      fc.constantFrom('', '0', '-1', '4', '0x1f', 'KiB', 'GiB', 'network', 'file', '9'.repeat(20)),
      fc.stringMatching(/^[ -%'-;=?-~]{0,12}$/).map((s) => s.replaceAll("'", '')),
      fc.constantFrom(65, 129, 257, 1025, 4097).map((length) => 'x'.repeat(length)),
    );
    const element = (levels: number): fc.Arbitrary<string> =>
      fc
        .tuple(
          word,
          fc.uniqueArray(fc.tuple(word, value), { maxLength: 3, selector: ([key]) => key }),
          value,
          levels > 1 ? fc.array(element(levels - 1), { maxLength: 4 }) : fc.constant([]),
        )
        .map(([name, attrs, text, children]) => {
          const written = attrs.map(([key, each]) => ` ${key}='${each}'`).join('');
          return `<${name}${written}>${text}${children.join('')}</${name}>`;
        });
    fc.assert(
      fc.property(fc.array(element(3), { maxLength: 6 }), (children) => {
        const {
          name: _,
          uuid: __,
          ...config
        } = parseDomainXml(
          `<domain>${children.join('')}<devices>${children.join('')}</devices></domain>`,
        );
        const checked = domainConfigSchema.safeParse({ ...config, ...origin });
        expect(checked.error).toBeUndefined();
      }),
    );
  });
});

const runningQemu = `<domain type='qemu' id='1'>
  <name>vm001</name>
  <uuid>cd90e323-137e-4c58-af2e-33223cc54d8d</uuid>
  <memory unit='KiB'>16384</memory>
  <currentMemory unit='KiB'>16384</currentMemory>
  <vcpu placement='static'>1</vcpu>
  <resource>
    <partition>/machine</partition>
  </resource>
  <os>
    <type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>
    <boot dev='hd'/>
  </os>
  <cpu mode='custom' match='exact' check='full'>
    <model fallback='forbid'>qemu64</model>
    <feature policy='require' name='hypervisor'/>
    <feature policy='require' name='lahf_lm'/>
  </cpu>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe'/>
      <source file='/var/lib/libvirt/images/vm001.img' index='1'/>
      <backingStore/>
      <target dev='hda' bus='ide'/>
      <alias name='ide0-0-0'/>
      <address type='drive' controller='0' bus='0' target='0' unit='0'/>
    </disk>
    <controller type='usb' index='0' model='none'>
      <alias name='usb'/>
    </controller>
    <controller type='pci' index='0' model='pci-root'>
      <alias name='pci.0'/>
    </controller>
    <controller type='ide' index='0'>
      <alias name='ide'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x1'/>
    </controller>
    <input type='mouse' bus='ps2'>
      <alias name='input0'/>
    </input>
    <input type='keyboard' bus='ps2'>
      <alias name='input1'/>
    </input>
    <audio id='1' type='none'/>
    <memballoon model='none'/>
  </devices>
  <seclabel type='dynamic' model='dac' relabel='yes'>
    <label>+0:+0</label>
    <imagelabel>+0:+0</imagelabel>
  </seclabel>
</domain>`;

const definedQemu = `<domain type='qemu'>
  <name>rich &amp; rare</name>
  <uuid>5f7a0f9e-2b6c-4a3d-9a7e-0c1d2e3f4a5b</uuid>
  <title>The rich one</title>
  <description>two lines
of words</description>
  <maxMemory slots='4' unit='KiB'>2097152</maxMemory>
  <memory unit='KiB'>65536</memory>
  <currentMemory unit='KiB'>32768</currentMemory>
  <vcpu placement='static' current='1'>4</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <boot dev='hd'/>
  </os>
  <cpu mode='custom' match='exact' check='none'>
    <model fallback='allow'>qemu64</model>
    <numa>
      <cell id='0' cpus='0-3' memory='65536' unit='KiB'/>
    </numa>
  </cpu>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='/var/lib/libvirt/images/rich.img'/>
      <target dev='vda' bus='virtio'/>
      <readonly/>
      <address type='pci' domain='0x0000' bus='0x07' slot='0x00' function='0x0'/>
    </disk>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw'/>
      <source protocol='rbd' name='vms/disk1'>
        <host name='mon1' port='6789'/>
      </source>
      <target dev='vdb' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x08' slot='0x00' function='0x0'/>
    </disk>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw'/>
      <source protocol='nbd'>
        <host name='store' port='10809'/>
      </source>
      <target dev='vdc' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x09' slot='0x00' function='0x0'/>
    </disk>
    <disk type='block' device='disk'>
      <driver name='qemu' type='raw'/>
      <source dev='/dev/vg/lv'/>
      <target dev='vdd' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x0a' slot='0x00' function='0x0'/>
    </disk>
    <disk type='volume' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source pool='images' volume='a.qcow2'/>
      <target dev='vde' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x0b' slot='0x00' function='0x0'/>
    </disk>
    <disk type='nvme' device='disk'>
      <driver name='qemu' type='raw'/>
      <source type='pci' managed='yes' namespace='1'>
        <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
      </source>
      <target dev='vdf' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x0c' slot='0x00' function='0x0'/>
    </disk>
    <disk type='file' device='cdrom'>
      <driver name='qemu' type='raw'/>
      <target dev='sda' bus='sata'/>
      <readonly/>
      <address type='drive' controller='0' bus='0' target='0' unit='0'/>
    </disk>
    <controller type='usb' index='0' model='qemu-xhci'>
      <address type='pci' domain='0x0000' bus='0x06' slot='0x00' function='0x0'/>
    </controller>
    <controller type='sata' index='0'>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x1f' function='0x2'/>
    </controller>
    <controller type='pci' index='0' model='pcie-root'/>
    <controller type='pci' index='1' model='pcie-root-port'>
      <model name='pcie-root-port'/>
      <target chassis='1' port='0x8'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0' multifunction='on'/>
    </controller>
    <controller type='pci' index='14' model='pcie-root-port'>
      <model name='pcie-root-port'/>
      <target chassis='14' port='0x14'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x4'/>
    </controller>
    <interface type='bridge'>
      <mac address='52:54:00:aa:bb:cc'/>
      <source bridge='br0'/>
      <model type='virtio'/>
      <address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>
    </interface>
    <interface type='network'>
      <mac address='52:54:00:00:00:02'/>
      <source network='default'/>
      <model type='virtio'/>
      <address type='pci' domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
    </interface>
    <interface type='direct'>
      <mac address='52:54:00:00:00:03'/>
      <source dev='eth0' mode='bridge'/>
      <model type='e1000'/>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x01' function='0x0'/>
    </interface>
    <interface type='user'>
      <mac address='52:54:00:00:00:04'/>
      <model type='rtl8139'/>
      <address type='pci' domain='0x0000' bus='0x04' slot='0x02' function='0x0'/>
    </interface>
    <interface type='vhostuser'>
      <mac address='52:54:00:00:00:05'/>
      <source type='unix' path='/run/vhost.sock' mode='client'/>
      <model type='virtio'/>
      <address type='pci' domain='0x0000' bus='0x05' slot='0x00' function='0x0'/>
    </interface>
    <input type='mouse' bus='ps2'/>
    <input type='keyboard' bus='ps2'/>
    <audio id='1' type='none'/>
    <memballoon model='virtio'>
      <address type='pci' domain='0x0000' bus='0x0d' slot='0x00' function='0x0'/>
    </memballoon>
  </devices>
</domain>`;

const testDriver = `<domain type='test' id='1'>
  <name>test</name>
  <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>
  <memory unit='KiB'>8388608</memory>
  <currentMemory unit='KiB'>2097152</currentMemory>
  <vcpu placement='static'>2</vcpu>
  <os>
    <type arch='i686'>hvm</type>
    <boot dev='hd'/>
  </os>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <disk type='file' device='disk'>
      <source file='/guest/diskimage1'/>
      <target dev='vda' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </disk>
    <interface type='network'>
      <mac address='aa:bb:cc:dd:ee:ff'/>
      <source network='default'/>
      <target dev='testnet0'/>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x01' function='0x0'/>
    </interface>
    <memballoon model='virtio'>
      <address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x0'/>
    </memballoon>
  </devices>
</domain>`;

const openStack = `<domain type='kvm' id='42'>
  <name>instance-0000002a</name>
  <uuid>8f3c1f2a-3b4c-4d5e-8f60-718293a4b5c6</uuid>
  <metadata>
    <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/1.1">
      <nova:package version="27.1.0"/>
      <nova:name>web &lt;1&gt;</nova:name>
      <nova:flavor name="m1.medium">
        <nova:memory>4096</nova:memory>
        <nova:disk>40</nova:disk>
        <nova:vcpus>2</nova:vcpus>
      </nova:flavor>
      <nova:ports>
        <nova:port uuid="1f2a3b4c-5d6e-4f70-8192-a3b4c5d6e7f8">
          <nova:ip type="fixed" address="10.0.0.12" ipVersion="4"/>
        </nova:port>
      </nova:ports>
    </nova:instance>
  </metadata>
  <memory unit='KiB'>4194304</memory>
  <currentMemory unit='KiB'>4194304</currentMemory>
  <vcpu placement='static'>2</vcpu>
  <sysinfo type='smbios'><system><entry name='product'>OpenStack Nova</entry></system></sysinfo>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <boot dev='hd'/>
    <smbios mode='sysinfo'/>
  </os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='network' device='disk'>
      <driver name='qemu' type='raw' cache='writeback' discard='unmap'/>
      <auth username='cinder'>
        <secret type='ceph' uuid='457eb676-33da-42ec-9a8c-9293d545c337'/>
      </auth>
      <source protocol='rbd' name='vms/8f3c_disk' index='1'>
        <host name='10.0.1.1' port='6789'/>
        <host name='10.0.1.2' port='6789'/>
      </source>
      <target dev='vda' bus='virtio'/>
      <alias name='virtio-disk0'/>
    </disk>
    <interface type='bridge'>
      <mac address='fa:16:3e:1f:2a:3b'/>
      <source bridge='br-int'/>
      <virtualport type='openvswitch'>
        <parameters interfaceid='1f2a3b4c-5d6e-4f70-8192-a3b4c5d6e7f8'/>
      </virtualport>
      <target dev='tap1f2a3b4c-5d'/>
      <model type='virtio'/>
      <mtu size='1450'/>
      <alias name='net0'/>
    </interface>
  </devices>
</domain>`;
