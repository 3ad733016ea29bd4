import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { domainCapabilitiesSchema } from '@virtscope/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CapabilitiesXmlError } from './capabilities-xml-error.ts';
import { parseDomainCapabilities } from './domain-capabilities-xml.ts';

const fixture = (version: string): string =>
  readFileSync(new URL(`./fixtures/domain-q35-on-libvirt-${version}.xml`, import.meta.url), 'utf8');
const old = fixture('9.0');
const recent = fixture('11.3');

function parsedOrRefused(xml: string): unknown {
  try {
    return parseDomainCapabilities(xml);
  } catch (error) {
    return error;
  }
}

describe.each([
  ['9.0', old],
  ['11.3', recent],
])('what libvirt %s writes', (_, xml) => {
  const document = parseDomainCapabilities(xml);

  test('the emulator, its machine and its limits', () => {
    expect(document).toMatchObject({
      emulator: '/usr/bin/qemu-system-x86_64',
      arch: 'x86_64',
      virtType: 'qemu',
      maxVcpus: Number(/<vcpu max='(\d+)'/.exec(xml)?.[1]),
      machine: /<machine>(.*)<\/machine>/.exec(xml)?.[1],
      os: { supported: true, loader: { type: ['rom', 'pflash'], secure: ['no'] } },
      memoryBacking: { supported: true },
    });
  });

  test('every CPU model once, and what host-model is', () => {
    const { models, hostModel, modes } = document.cpu;
    expect(modes).toEqual(['custom', 'host-model', 'maximum']);
    expect(models.length).toBe(xml.split('<model usable=').length - 1);
    expect(models.find(({ name }) => name === 'qemu64')).toMatchObject({ usable: 'yes' });
    expect(hostModel?.features.length).toBe(xml.split('<feature policy=').length - 1);
  });

  test('devices and features with their values, and what is not supported', () => {
    expect(document.devices['tpm']).toMatchObject({
      supported: true,
      enums: { model: ['tpm-tis', 'tpm-crb'] },
    });
    expect(document.devices['disk']?.enums?.['bus']).toContain('virtio');
    expect(document.features['sev']).toMatchObject({ supported: false });
    expect(document.features['hyperv']?.enums?.['features']).toContain('spinlocks');
  });

  test('models come in the order of their names, as libvirt takes them from a hash table', () => {
    const names = document.cpu.models.map(({ name }) => name);
    expect(names).toEqual(names.toSorted());
    const opening = /^ *<model usable=.*\n/m;
    const first = opening.exec(xml)?.[0] ?? '';
    const moved = xml.replace(first, '').replace(/^( *<\/mode>\n *<\/cpu>)/m, `${first}$1`);
    expect(moved).not.toBe(xml);
    expect(parseDomainCapabilities(moved)).toEqual(document);
  });

  test('damage is refused in our words, or makes a document that fits the contract', () => {
    fc.assert(
      fc.property(fc.nat(xml.length), fc.nat(200), fc.string({ maxLength: 20 }), (at, cut, put) => {
        const damaged = xml.slice(0, at) + put + xml.slice(at + cut);
        const outcome = parsedOrRefused(damaged);
        assert.ok(
          outcome instanceof CapabilitiesXmlError ||
            domainCapabilitiesSchema.safeParse(outcome).success,
        );
      }),
      { numRuns: 200 },
    );
  });
});

test('newer libvirt names what a model lacks here', () => {
  const broadwell = parseDomainCapabilities(recent).cpu.models.find(
    ({ name }) => name === 'Broadwell',
  );
  expect(broadwell).toMatchObject({ usable: 'no', vendor: 'Intel' });
  expect(broadwell?.blockers).toEqual(expect.arrayContaining(['hle', 'invpcid', 'pcid', 'rtm']));
});

test('numbers and texts that a feature states are kept', () => {
  const xml = `<domainCapabilities><path>/q</path><domain>kvm</domain><arch>x86_64</arch>
    <features><sev supported='yes'><cbitpos>51</cbitpos><maxGuests>15</maxGuests></sev>
    <tdx supported='no'/></features></domainCapabilities>`;
  expect(parseDomainCapabilities(xml).features).toEqual({
    sev: { supported: true, facts: { cbitpos: '51', maxGuests: '15' } },
    tdx: { supported: false },
  });
});

test('another document is refused', () => {
  expect(() => parseDomainCapabilities('<capabilities/>')).toThrow(
    'expected a <domainCapabilities> document, the root is <capabilities>',
  );
});
