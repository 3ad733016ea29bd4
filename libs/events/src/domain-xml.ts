/** What a domain's XML says, in the words of the contract. */
import {
  diskSchema,
  domainConfigSchema,
  interfaceSchema,
  uuidPattern,
  type Disk,
  type DomainConfig,
  type DomainUuid,
  type Interface,
} from '@virtscope/contracts';
import { parseXml, type XmlElement, XmlError } from '@virtscope/xml';

type ConfigParts = Omit<DomainConfig, 'observedAt' | 'xmlHash'>;

/**
 * A {@link DomainConfig} without its marks of origin. `name` and `uuid` are absent where the XML
 * does not say them in a form that libvirt writes.
 */
export type ParsedDomain = ConfigParts & { name?: string; uuid?: DomainUuid };

/** The text is not a domain's XML: not XML at all (`cause` is the XmlError), or another document. */
export class DomainXmlError extends Error {
  override readonly name = 'DomainXmlError';
}

/**
 * Reads what libvirt's domainGetXmlDesc answers. Elements and values that are unknown here are
 * left out and break nothing. A value that does not fit the contract's bound is left out too, and
 * `omitted` names its part: a list that is named there holds what fits and is incomplete.
 *
 * @throws {DomainXmlError}
 */
export function parseDomainXml(xml: string): ParsedDomain {
  const domain = rootOf(xml);
  const omitted: string[] = [];

  const os = domain.child('os')?.child('type');
  const devices = domain.child('devices');
  const memoryMaximumKiB = memoryKiB(domain.child('memory'));
  const vcpu = domain.child('vcpu');
  const vcpusMaximum = count(vcpu?.text);

  const values = fitting(
    {
      title: domain.child('title')?.text || undefined,
      description: domain.child('description')?.text || undefined,
      virtType: domain.attr('type'),
      arch: os?.attr('arch'),
      machine: os?.attr('machine'),
      emulator: devices?.childText('emulator'),
      vcpusMaximum,
      vcpusCurrent: count(vcpu?.attr('current')) ?? vcpusMaximum,
      memoryMaximumKiB,
      memoryCurrentKiB: memoryKiB(domain.child('currentMemory')) ?? memoryMaximumKiB,
    },
    omitted,
  );
  const disks = listed(devices?.childrenNamed('disk') ?? [], parseDisk, {
    part: 'disks',
    fits: (disk) => diskSchema.safeParse(disk).success,
    omitted,
  });
  const interfaces = listed(devices?.childrenNamed('interface') ?? [], parseInterface, {
    part: 'interfaces',
    fits: (each) => interfaceSchema.safeParse(each).success,
    omitted,
  });
  const name = domain.child('name')?.text;
  const uuid = domain.childText('uuid')?.toLowerCase();
  return {
    ...(name ? { name } : {}),
    ...(uuid !== undefined && uuidPattern.test(uuid) ? { uuid } : {}),
    ...values,
    disks,
    interfaces,
    ...(omitted.length > 0 ? { omitted } : {}),
  };
}

function rootOf(xml: string): XmlElement {
  let root: XmlElement;
  try {
    root = parseXml(xml);
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

type Values = Omit<ConfigParts, 'disks' | 'interfaces' | 'omitted'>;

/** Keeps what is there and fits the contract; names the rest in `omitted`. */
function fitting(
  candidates: { [Key in keyof Values]-?: Values[Key] | undefined },
  omitted: string[],
): Values {
  const kept: Record<string, string | number> = {};
  for (const [part, value] of Object.entries(candidates)) {
    if (value === undefined) continue;
    const schema = domainConfigSchema.shape[part as keyof Values];
    if (schema.safeParse(value).success) kept[part] = value;
    else omitted.push(part);
  }
  return kept;
}

/** The contract's bound of a list, see domainConfigSchema. */
const maxListed = 4096;

function listed<T>(
  elements: readonly XmlElement[],
  parse: (element: XmlElement) => T,
  rule: { part: string; fits: (each: T) => boolean; omitted: string[] },
): T[] {
  const kept = elements.slice(0, maxListed).map(parse).filter(rule.fits);
  if (kept.length < elements.length) rule.omitted.push(rule.part);
  return kept;
}

function parseDisk(disk: XmlElement): Disk {
  const target = disk.child('target');
  return {
    target: target?.attr('dev') ?? '',
    type: disk.attr('type') ?? 'unknown',
    ...defined({
      bus: target?.attr('bus'),
      device: disk.attr('device'),
      source: diskSource(disk.child('source')),
      format: disk.child('driver')?.attr('type'),
    }),
    ...(disk.child('readonly') === undefined ? {} : { readonly: true }),
  };
}

function diskSource(source: XmlElement | undefined): string | undefined {
  if (source === undefined) return undefined;
  const pool = source.attr('pool');
  const volume = source.attr('volume');
  if (pool !== undefined && volume !== undefined) return `${pool}/${volume}`;
  return (
    source.attr('file') ??
    source.attr('dev') ??
    source.attr('dir') ??
    source.attr('name') ??
    source.attr('path') ??
    networkPeer(source) ??
    pciAddress(source)
  );
}

/** An NBD export may have no name: its server is what tells it from others. */
function networkPeer(source: XmlElement): string | undefined {
  const peer = source.child('host');
  const protocol = source.attr('protocol');
  if (peer === undefined || protocol === undefined) return undefined;
  const socket = peer.attr('socket');
  if (socket !== undefined) return `${protocol}+unix:${socket}`;
  const port = peer.attr('port');
  return `${protocol}://${peer.attr('name') ?? ''}${port === undefined ? '' : `:${port}`}`;
}

/** An NVMe disk, or a host's network device, given to the domain by its PCI address. */
function pciAddress(source: XmlElement): string | undefined {
  const address = source.child('address');
  if (address === undefined) return undefined;
  const hex = (name: string, digits: number): string =>
    (address.attr(name) ?? '0').replace(/^0x/, '').padStart(digits, '0');
  const device = `${hex('domain', 4)}:${hex('bus', 2)}:${hex('slot', 2)}.${hex('function', 1)}`;
  const namespace = source.attr('namespace');
  return namespace === undefined ? device : `${device}/${namespace}`;
}

function parseInterface(element: XmlElement): Interface {
  const type = element.attr('type') ?? 'unknown';
  return {
    type,
    ...defined({
      mac: element.child('mac')?.attr('address')?.toLowerCase(),
      source: interfaceSource(type, element.child('source')),
      model: element.child('model')?.attr('type'),
      target: element.child('target')?.attr('dev'),
    }),
  };
}

function interfaceSource(type: string, source: XmlElement | undefined): string | undefined {
  if (source === undefined) return undefined;
  // A running domain's source also says what libvirt derived: `network` and `bridge` together.
  const named = type === 'network' || type === 'bridge' ? source.attr(type) : undefined;
  const peer = source.attr('address');
  const port = source.attr('port');
  return (
    named ??
    source.attr('dev') ??
    source.attr('path') ??
    source.attr('name') ??
    source.attr('bridge') ??
    (port === undefined ? peer : `${peer ?? ''}:${port}`) ??
    pciAddress(source)
  );
}

/** Bytes in a unit, as libvirt scales them: any case, `k` and `KiB` alike. */
const unitBytes = new Map<string, bigint>([
  ['b', 1n],
  ['byte', 1n],
  ['bytes', 1n],
  ...['k', 'm', 'g', 't', 'p', 'e'].flatMap((letter, at): [string, bigint][] => {
    const binary = 1024n ** BigInt(at + 1);
    return [
      [letter, binary],
      [`${letter}ib`, binary],
      [`${letter}b`, 1000n ** BigInt(at + 1)],
    ];
  }),
]);

/** Rounds up to a whole KiB, as libvirt does. */
function memoryKiB(element: XmlElement | undefined): number | undefined {
  const text = element?.text.trim() ?? '';
  const unit = unitBytes.get((element?.attr('unit') ?? 'KiB').toLowerCase());
  if (unit === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  return Number((BigInt(text) * unit + 1023n) / 1024n);
}

function count(text: string | undefined): number | undefined {
  const digits = text?.trim() ?? '';
  return /^\d{1,9}$/.test(digits) ? Number(digits) : undefined;
}

/** The entries that have a value: an absent one is absent, not undefined. */
function defined<T extends Record<string, string | undefined>>(
  entries: T,
): { [Key in keyof T]?: string } {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: string;
  };
}
