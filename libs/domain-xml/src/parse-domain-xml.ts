/** What a domain's XML says, in the words of the contract. */
import {
  domainConfigSchema,
  uuidPattern,
  type DomainConfig,
  type DomainUuid,
} from '@virtscope/contracts';
import { defaultXmlLimits, parseXml, type XmlElement, XmlError } from '@virtscope/xml';
import { parseDisk } from './disk.ts';
import { parseFirmware } from './firmware.ts';
import { fit } from './fit.ts';
import { parseHostDevice } from './host-device.ts';
import { parseInterface } from './interface.ts';
import { novaLabelRules, type LabelRule } from './label-rules.ts';
import { memoryKiB } from './memory.ts';
import { flattenMetadata } from './metadata.ts';
import { parseChannel, parseGraphics, parseTpm } from './peripherals.ts';
import { parseCpu, parsePlacement } from './processor.ts';
import { count, defined } from './values.ts';

const partsSchema = domainConfigSchema.omit({ observedAt: true, xmlHash: true });

/**
 * A {@link DomainConfig} without its marks of origin. `name` and `uuid` are absent where the XML
 * does not say them in a form that libvirt writes.
 */
export type ParsedDomain = Omit<DomainConfig, 'observedAt' | 'xmlHash'> & {
  name?: string;
  uuid?: DomainUuid;
};

/** The text is not a domain's XML: not XML at all (`cause` is the XmlError), or another document. */
export class DomainXmlError extends Error {
  override readonly name = 'DomainXmlError';
}

/** As libvirt's own reader: a disk's chain of 200 images is 200 elements deep. */
const xmlLimits = { ...defaultXmlLimits, maxDepth: 256 };

/**
 * Reads what libvirt's domainGetXmlDesc answers. Elements and values that are unknown here are
 * left out and break nothing. A value that does not fit the contract's bound is left out too, and
 * `omitted` names its part: a list that is named there holds what fits and is incomplete.
 *
 * @throws {DomainXmlError}
 */
export function parseDomainXml(
  xml: string,
  { labelRules = novaLabelRules }: { labelRules?: readonly LabelRule[] } = {},
): ParsedDomain {
  const domain = rootOf(xml);
  const { candidate, cut } = candidateOf(domain, labelRules);
  const fitted = fit(partsSchema, candidate);
  if (fitted === undefined) throw new DomainXmlError('nothing of the XML fits the contract');
  const omitted = new Set([...cut, ...fitted.cut]);
  const name = domain.child('name')?.text;
  const uuid = domain.childText('uuid')?.toLowerCase();
  return {
    ...(name ? { name } : {}),
    ...(uuid !== undefined && uuidPattern.test(uuid) ? { uuid } : {}),
    ...fitted.fitting,
    ...(omitted.size > 0 ? { omitted: [...omitted] } : {}),
  };
}

function rootOf(xml: string): XmlElement {
  let root: XmlElement;
  try {
    root = parseXml(xml, xmlLimits);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new DomainXmlError(`a domain's XML is not readable: ${error.message}`, { cause: error });
  }
  if (root.name !== 'domain') {
    throw new DomainXmlError(
      `expected a <domain> document, the root is <${root.name.slice(0, 64)}>`,
    );
  }
  return root;
}

/** All that the XML says, not yet held to the contract's bounds, and the lists that were cut. */
function candidateOf(
  domain: XmlElement,
  labelRules: readonly LabelRule[],
): { candidate: Record<string, unknown>; cut: string[] } {
  const os = domain.child('os');
  const osType = os?.child('type');
  const devices = domain.child('devices');
  const memoryMaximumKiB = memoryKiB(domain.child('memory'));
  const vcpu = domain.child('vcpu');
  const vcpusMaximum = count(vcpu?.text);
  const { metadata, labels, cut: metadataCut } = flattenMetadata(domain, labelRules);
  const lists = listsOf(devices);
  const candidate = defined({
    title: domain.child('title')?.text || undefined,
    description: domain.child('description')?.text || undefined,
    virtType: domain.attr('type'),
    arch: osType?.attr('arch'),
    machine: osType?.attr('machine'),
    emulator: devices?.childText('emulator'),
    firmware: parseFirmware(os),
    vcpusMaximum,
    vcpusCurrent: count(vcpu?.attr('current')) ?? vcpusMaximum,
    placement: parsePlacement(domain),
    memoryMaximumKiB,
    memoryCurrentKiB: memoryKiB(domain.child('currentMemory')) ?? memoryMaximumKiB,
    cpu: parseCpu(domain.child('cpu')),
    labels,
    ...lists.parsed,
    metadata,
    processLabel: processLabel(domain),
  });
  return { candidate, cut: [...lists.cut, ...(metadataCut ? ['metadata'] : [])] };
}

/** Of a running domain: what SELinux's dynamic label became. */
function processLabel(domain: XmlElement): string | undefined {
  const selinux = domain
    .childrenNamed('seclabel')
    .find((each) => each.attr('type') === 'dynamic' && each.attr('model') === 'selinux');
  return selinux?.childText('label');
}

/** How many entries of each list are looked at: the contract's bound of it. */
const maxListed = {
  disks: 4096,
  interfaces: 4096,
  graphics: 64,
  hostDevices: 1024,
  channels: 1024,
  tpms: 16,
};

const devicesOf: Record<
  keyof typeof maxListed,
  { element: string; parse: (element: XmlElement) => object; evenEmpty?: true }
> = {
  disks: { element: 'disk', parse: parseDisk, evenEmpty: true },
  interfaces: { element: 'interface', parse: parseInterface, evenEmpty: true },
  graphics: { element: 'graphics', parse: parseGraphics },
  hostDevices: { element: 'hostdev', parse: parseHostDevice },
  channels: { element: 'channel', parse: parseChannel },
  tpms: { element: 'tpm', parse: parseTpm },
};

function listsOf(devices: XmlElement | undefined): {
  parsed: Record<string, object[]>;
  cut: string[];
} {
  const parsed: Record<string, object[]> = {};
  const cut: string[] = [];
  for (const [part, max] of Object.entries(maxListed)) {
    const { element, parse, evenEmpty } = devicesOf[part as keyof typeof maxListed];
    const elements = devices?.childrenNamed(element) ?? [];
    if (elements.length > max) cut.push(part);
    if (elements.length > 0 || evenEmpty) parsed[part] = elements.slice(0, max).map(parse);
  }
  return { parsed, cut };
}
