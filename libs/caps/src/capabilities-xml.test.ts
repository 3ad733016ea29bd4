import { readFileSync } from 'node:fs';
import { capabilitiesSchema, hostPartSchema } from '@virtscope/contracts';
import { XmlError } from '@virtscope/xml';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalText, contentHash } from './canonical.ts';
import { CapabilitiesXmlError } from './capabilities-xml-error.ts';
import { maxDocumentBytes, parseCapabilities } from './capabilities-xml.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`./fixtures/${name}.xml`, import.meta.url), 'utf8');
const qemu = fixture('qemu-7.2-on-libvirt-9.0');

function refusal(xml: string): CapabilitiesXmlError {
  try {
    parseCapabilities(xml);
  } catch (error) {
    if (error instanceof CapabilitiesXmlError) return error;
    throw error;
  }
  throw new Error(`accepted: ${xml.slice(0, 100)}`);
}

describe('what libvirt 9.0 writes', () => {
  test('a QEMU host: CPU, transports, guests and machines', () => {
    const { document } = parseCapabilities(qemu);
    expect(document.cpu).toMatchObject({
      arch: 'x86_64',
      model: 'kvm64',
      vendor: 'AMD',
      microcode: '16777317',
      topology: { sockets: 1, dies: 1, cores: 2, threads: 1 },
    });
    expect(document.cpu.features).toHaveLength(74);
    expect(document.cpu.features).toContain('avx512-vp2intersect');
    expect(document.migrationTransports).toEqual(['rdma', 'tcp']);
    expect(
      document.guests.map(({ arch, osType, domainTypes }) => [arch, osType, domainTypes]),
    ).toEqual([
      ['i686', 'hvm', ['kvm', 'qemu']],
      ['x86_64', 'hvm', ['kvm', 'qemu']],
    ]);
    const [, x86] = document.guests;
    expect(x86).toMatchObject({ wordSize: 64, emulator: '/usr/bin/qemu-system-x86_64' });
    expect(x86?.machines.find(({ name }) => name === 'q35')).toEqual({
      name: 'q35',
      canonical: 'pc-q35-7.2',
      maxCpus: 288,
    });
    expect(x86?.machines.filter(({ deprecated }) => deprecated)).toHaveLength(4);
  });

  test('what is the host’s own stands apart', () => {
    const { document, hostPart } = parseCapabilities(qemu);
    expect(hostPart).toEqual({
      hostUuid: '11c45e69-303a-4bfc-80ee-73bced5fc2dc',
      cells: [{ id: 0, memoryKiB: 5_073_108, cpus: 2 }],
    });
    expect(canonicalText(document)).not.toMatch(/5073108|11c45e69/);
  });

  test('the test driver: no UUID, two cells, no machines', () => {
    const { document, hostPart } = parseCapabilities(fixture('test-driver'));
    expect(hostPart).toEqual({
      cells: [
        { id: 0, memoryKiB: 2_097_152, cpus: 8 },
        { id: 1, memoryKiB: 4_194_304, cpus: 8 },
      ],
    });
    expect(document.cpu).toEqual({ arch: 'i686', features: [] });
    expect(document.guests.map(({ osType }) => osType)).toEqual(['hvm', 'xen']);
    expect(document.guests[0]).toMatchObject({ machines: [], domainTypes: ['test'] });
  });

  test('a domain type with its own emulator or machines is an entry of its own', () => {
    const { document } = parseCapabilities(`<capabilities><guest><os_type>hvm</os_type>
      <arch name='ppc64'><emulator>/usr/bin/qemu</emulator><machine>pseries</machine>
        <domain type='qemu'/>
        <domain type='kvm'><emulator>/usr/bin/qemu-kvm</emulator></domain>
        <domain type='odd'><machine maxCpus='1'>odd-1</machine></domain>
      </arch></guest></capabilities>`);
    expect(
      document.guests.map(({ domainTypes, emulator, machines }) => [
        domainTypes,
        emulator,
        machines.map(({ name }) => name),
      ]),
    ).toEqual([
      [['kvm'], '/usr/bin/qemu-kvm', ['pseries']],
      [['odd'], '/usr/bin/qemu', ['odd-1']],
      [['qemu'], '/usr/bin/qemu', ['pseries']],
    ]);
  });
});

describe('normal form', () => {
  test('equal hosts have the same hash, whatever their UUID, memory and the order of lists', () => {
    const shuffled = qemu
      .replace('11c45e69-303a-4bfc-80ee-73bced5fc2dc', 'aaaaaaaa-303a-4bfc-80ee-73bced5fc2dc')
      .replaceAll('5073108', '777777')
      .replace(
        /<feature name='vme'\/>\s*<feature name='ht'\/>/,
        "<feature name='ht'/><feature name='vme'/>",
      )
      .replace(
        /(<machine[^>]*>pc-q35-2\.4<\/machine>)(\s*)(<machine[^>]*>pc-i440fx-7\.1<\/machine>)/g,
        '$3$2$1',
      )
      .replaceAll(
        /<domain type='qemu'\/>(\s*)<domain type='kvm'\/>/g,
        "<domain type='kvm'/>$1<domain type='qemu'/>",
      );
    expect(shuffled).not.toBe(qemu);
    const [a, b] = [parseCapabilities(qemu), parseCapabilities(shuffled)];
    expect(b.hash).toBe(a.hash);
    expect(b.hostPart).not.toEqual(a.hostPart);
  });

  test.each([
    ['a CPU feature', /<feature name='vme'\/>/],
    ['a machine type', /<machine maxCpus='288'>microvm<\/machine>/],
    ['a domain type', /<domain type='kvm'\/>/],
    ['a migration transport', /<uri_transport>rdma<\/uri_transport>/],
  ])('%s less is another document', (_, pattern) => {
    expect(parseCapabilities(qemu.replace(pattern, '')).hash).not.toBe(
      parseCapabilities(qemu).hash,
    );
  });

  test('the hash is that of the text, and the text is the document', () => {
    const { document, text, hash } = parseCapabilities(qemu);
    expect(hash).toBe(contentHash(text));
    expect(JSON.parse(text)).toEqual(document);
    expect(canonicalText(JSON.parse(text))).toBe(text);
  });

  test('equal values have one canonical text', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalText(reversed)).toBe(canonicalText(value));
        expect(JSON.parse(canonicalText(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('what does not fit', () => {
  test('an empty document is one, with nothing in it', () => {
    expect(parseCapabilities('<capabilities/>')).toMatchObject({
      document: { cpu: { arch: 'unknown', features: [] }, migrationTransports: [], guests: [] },
      hostPart: { cells: [] },
    });
  });

  test('unknown elements and odd numbers break nothing', () => {
    const { document, hostPart } = parseCapabilities(`<capabilities><future/><host><cpu>
      <arch>x86_64</arch><topology sockets='many' cores='2' threads='1'/><feature/></cpu>
      <topology><cells><cell><memory>1</memory></cell><cell id='1'><memory>lots</memory></cell>
      </cells></topology></host><guest/></capabilities>`);
    expect(document.cpu).toEqual({ arch: 'x86_64', features: [] });
    expect(document.guests).toEqual([]);
    expect(hostPart.cells).toEqual([{ id: 1, memoryKiB: 0, cpus: 0 }]);
  });

  test('a document over the contract’s bounds is refused with the path, never cut', () => {
    const features = "<feature name='x'/>".repeat(4097);
    expect(
      refusal(`<capabilities><host><cpu>${features}</cpu></host></capabilities>`).message,
    ).toMatch(/contract: cpu\.features: /);
  });

  test('a document over the size limit is refused', () => {
    const machines = Array.from(
      { length: 4096 },
      (_, at) => `<machine>${'m'.repeat(120)}${at}</machine>`,
    ).join('');
    expect(
      refusal(
        `<capabilities><guest><arch name='a'>${machines}<domain type='kvm'/></arch></guest></capabilities>`,
      ).message,
    ).toContain(`the limit is ${maxDocumentBytes}`);
  });

  test.each([
    ['a torn document', qemu.slice(0, 5000)],
    ['a document type declaration', '<!DOCTYPE c [<!ENTITY a "b">]><capabilities/>'],
  ])('%s is refused with the reader’s error as its cause', (_, xml) => {
    expect(refusal(xml).cause).toBeInstanceOf(XmlError);
  });

  test('another document is refused by name', () => {
    expect(refusal('<domainCapabilities/>').message).toContain('<domainCapabilities>');
  });

  test('whatever a document holds, the result fits the contract or is refused', () => {
    const word = fc.constantFrom(
      ...'host cpu arch feature topology cells cell memory cpus guest os_type machine domain'.split(
        ' ',
      ),
      ...'emulator wordsize name type id num sockets cores threads microcode version uuid'.split(
        ' ',
      ),
    );
    const value = fc.constantFrom('', '0', '-1', '7', '9'.repeat(20), 'x', 'y'.repeat(129));
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
    const fits = (children: string[]): boolean => {
      try {
        const { document, hostPart } = parseCapabilities(
          `<capabilities>${children.join('')}</capabilities>`,
        );
        return (
          capabilitiesSchema.safeParse(document).success &&
          hostPartSchema.safeParse(hostPart).success
        );
      } catch (error) {
        return error instanceof CapabilitiesXmlError;
      }
    };
    expect(() =>
      fc.assert(fc.property(fc.array(element(4), { maxLength: 5 }), fits)),
    ).not.toThrow();
  });
});
