import { domainConfigSchema } from '@virtscope/contracts';
import { XmlError } from '@virtscope/xml';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { definedQemu, openStack, runningQemu, testDriver } from './documents.fixture.ts';
import { DomainXmlError, parseDomainXml } from './parse-domain-xml.ts';

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
      placement: { mode: 'static' },
      memoryCurrentKiB: 16_384,
      memoryMaximumKiB: 16_384,
      cpu: {
        mode: 'custom',
        match: 'exact',
        check: 'full',
        model: 'qemu64',
        fallback: 'forbid',
        features: { require: ['hypervisor', 'lahf_lm'] },
      },
      disks: [
        {
          target: 'hda',
          bus: 'ide',
          device: 'disk',
          type: 'file',
          format: 'raw',
          source: '/var/lib/libvirt/images/vm001.img',
          driver: { name: 'qemu', cache: 'unsafe' },
          alias: 'ide0-0-0',
          backing: [],
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
    expect(parsed.interfaces).toMatchObject([
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
      placement: { mode: 'static' },
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
          mtu: 1450,
          virtualPort: {
            type: 'openvswitch',
            interfaceId: '1f2a3b4c-5d6e-4f70-8192-a3b4c5d6e7f8',
          },
          alias: 'net0',
        },
      ],
      labels: { 'nova.name': 'web <1>', 'nova.flavor': 'm1.medium' },
    });
    expect(parsed.disks).toEqual([
      {
        target: 'vda',
        bus: 'virtio',
        device: 'disk',
        type: 'network',
        format: 'raw',
        source: 'vms/8f3c_disk',
        network: {
          protocol: 'rbd',
          name: 'vms/8f3c_disk',
          hosts: [
            { name: '10.0.1.1', port: 6789 },
            { name: '10.0.1.2', port: 6789 },
          ],
        },
        driver: { name: 'qemu', cache: 'writeback', discard: 'unmap' },
        alias: 'virtio-disk0',
      },
    ]);
    expect(parsed.metadata).toEqual({
      'http://openstack.org/xmlns/libvirt/nova/1.1': {
        'instance/package@version': '27.1.0',
        'instance/name': 'web <1>',
        'instance/flavor@name': 'm1.medium',
        'instance/flavor/memory': '4096',
        'instance/flavor/disk': '40',
        'instance/flavor/vcpus': '2',
        'instance/ports/port@uuid': '1f2a3b4c-5d6e-4f70-8192-a3b4c5d6e7f8',
        'instance/ports/port/ip@type': 'fixed',
        'instance/ports/port/ip@address': '10.0.0.12',
        'instance/ports/port/ip@ipVersion': '4',
      },
    });
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
      <os><loader/></os><cpu/><cputune><vcpupin vcpu='x' cpuset='0'/></cputune><numatune/>
      <devices><hostdev/><graphics port='-1'/><channel/><tpm/><disk/><disk type='vhostvdpa'><source dev='/dev/vhost-vdpa-0'/></disk>
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
      graphics: [{ type: 'unknown' }],
      hostDevices: [{ type: 'unknown' }],
      channels: [{ type: 'unknown' }],
      tpms: [{}],
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
    expect(parsed.omitted?.toSorted()).toEqual(['disks', 'interfaces', 'title']);
    expect(parsed).not.toHaveProperty('title');
    expect(parsed.disks).toEqual([
      { target: 'vda', type: 'file' },
      { target: 'vdb', type: 'file', source: '/b' },
    ]);
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

  test('a document of libvirt with any piece missing, doubled or moved is read or refused as such', () => {
    const documents = [runningQemu, definedQemu, testDriver, openStack];
    // Between two tags or within one: most mixtures stay well-formed enough to be read.
    const pieces = documents.map((document) => document.split(/(?<=>)|(?= \w+=')/));
    let read = 0;
    fc.assert(
      fc.property(
        fc.nat(documents.length - 1),
        fc.nat(),
        fc.nat(4),
        fc.nat(),
        (which, from, length, to) => {
          const changed = [...(pieces[which] ?? [])];
          const moved = changed.splice(from % changed.length, length);
          changed.splice(to % (changed.length + 1), 0, ...moved, ...(to % 3 === 0 ? moved : []));
          try {
            const { name: _, uuid: __, ...config } = parseDomainXml(changed.join(''));
            expect(domainConfigSchema.safeParse({ ...config, ...origin }).error).toBeUndefined();
            read++;
          } catch (error) {
            if (!(error instanceof DomainXmlError)) throw error;
          }
        },
      ),
      { numRuns: 400 },
    );
    expect(read).toBeGreaterThan(50);
  });

  test('whatever a domain document holds, the result fits the contract', () => {
    const word = fc.constantFrom(
      ...'name uuid title vcpu memory currentMemory os type devices emulator disk'.split(' '),
      ...'source target mac driver host address unit file dev current arch machine'.split(' '),
      ...'interface graphics hostdev channel tpm cpu feature topology policy model'.split(' '),
      ...'loader nvram firmware cputune vcpupin cpuset numatune backingStore format'.split(' '),
      ...'mirror protocol port vlan tag id mtu size link state virtualport serial'.split(' '),
      ...'parameters interfaceid metadata xmlns xmlns:a a:b a:metadata backend'.split(' '),
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
          `<domain>${children.join('')}<metadata>${children.join('')}</metadata>
            <devices>${children.join('')}</devices></domain>`,
        );
        const checked = domainConfigSchema.safeParse({ ...config, ...origin });
        expect(checked.error).toBeUndefined();
      }),
    );
  });
});
