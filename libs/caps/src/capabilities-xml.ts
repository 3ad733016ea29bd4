/** A host's capabilities XML, normalised: equal hosts have equal documents. */
import {
  capabilitiesSchema,
  hostPartSchema,
  type Capabilities,
  type HostPart,
} from '@virtscope/contracts';
import type { XmlElement } from '@virtscope/xml';
import { canonicalText, contentHash } from './canonical.ts';
import { CapabilitiesXmlError } from './capabilities-xml-error.ts';
import { count, present, rootOf, sortedBy } from './xml-values.ts';

type Guest = Capabilities['guests'][number];
type Machine = Guest['machines'][number];

/**
 * The longest document, as canonical text, that is kept and answered: the answer travels in one
 * NATS message, whose usual bound is 1 MiB. A QEMU with every target has some 200 KiB.
 */
export const maxDocumentBytes = 512 * 1024;

export type ParsedCapabilities = {
  document: Capabilities;
  /** The document's canonical text, and its SHA-256. */
  text: string;
  hash: string;
  hostPart: HostPart;
};

/**
 * Reads what libvirt's connectGetCapabilities answers. What differs between equal hosts stands
 * apart, in `hostPart`: UUID, cells and their memory. Lists that libvirt writes in the order of a
 * hash table are sorted. Unknown elements are left out.
 *
 * @throws {CapabilitiesXmlError}
 */
export function parseCapabilities(xml: string): ParsedCapabilities {
  const root = rootOf(xml, { name: 'capabilities', what: 'capabilities' });
  const host = root.child('host');
  const document = capabilitiesSchema.safeParse({
    v: 1,
    cpu: parseCpu(host?.child('cpu')),
    migrationTransports: (
      host?.child('migration_features')?.child('uri_transports')?.childrenNamed('uri_transport') ??
      []
    )
      .map((transport) => transport.text.trim())
      .sort(),
    guests: sortedBy(root.childrenNamed('guest').flatMap(parseGuest), canonicalText),
  });
  const hostPart = hostPartSchema.safeParse({
    hostUuid: host?.childText('uuid')?.toLowerCase(),
    cells: parseCells(host?.child('topology')),
  });
  const issue = document.error?.issues[0] ?? hostPart.error?.issues[0];
  if (!document.success || !hostPart.success) {
    throw new CapabilitiesXmlError(
      `the capabilities do not fit the contract: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    );
  }
  const text = canonicalText(document.data);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxDocumentBytes) {
    throw new CapabilitiesXmlError(
      `the capabilities have ${bytes} bytes, the limit is ${maxDocumentBytes}`,
    );
  }
  return { document: document.data, text, hash: contentHash(text), hostPart: hostPart.data };
}

function parseCpu(cpu: XmlElement | undefined): Capabilities['cpu'] {
  const topology = cpu?.child('topology');
  const sockets = count(topology?.attr('sockets'));
  const dies = count(topology?.attr('dies'));
  const cores = count(topology?.attr('cores'));
  const threads = count(topology?.attr('threads'));
  return {
    arch: cpu?.childText('arch') ?? 'unknown',
    ...present('model', cpu?.childText('model')),
    ...present('vendor', cpu?.childText('vendor')),
    ...present('microcode', cpu?.child('microcode')?.attr('version')),
    ...(sockets === undefined || cores === undefined || threads === undefined
      ? {}
      : { topology: { sockets, ...present('dies', dies), cores, threads } }),
    features: (cpu?.childrenNamed('feature') ?? [])
      .flatMap((feature) => feature.attr('name') ?? [])
      .sort(),
  };
}

/**
 * One architecture of a guest. A domain type with an emulator or machines of its own (another
 * binary for KVM, say) is an entry of its own, as it offers something else.
 */
function parseGuest(guest: XmlElement): Guest[] {
  const osType = guest.childText('os_type') ?? 'unknown';
  return guest.childrenNamed('arch').flatMap((arch) => {
    const common = {
      osType,
      arch: arch.attr('name') ?? 'unknown',
      ...present('wordSize', count(arch.childText('wordsize'))),
      ...present('emulator', arch.childText('emulator')),
      machines: parseMachines(arch),
    };
    const types = arch.childrenNamed('domain');
    const own = types.filter((type) => type.child('emulator') ?? type.child('machine'));
    const shared = types.filter((type) => !own.includes(type));
    return [
      { ...common, domainTypes: typeNames(shared) },
      ...own.map((type) => ({
        ...common,
        ...present('emulator', type.childText('emulator')),
        ...(type.child('machine') === undefined ? {} : { machines: parseMachines(type) }),
        domainTypes: typeNames([type]),
      })),
    ].filter(({ domainTypes }) => domainTypes.length > 0 || types.length === 0);
  });
}

function parseMachines(parent: XmlElement): Machine[] {
  const machines = parent.childrenNamed('machine').map((machine) => ({
    name: machine.text.trim(),
    ...present('canonical', machine.attr('canonical')),
    ...present('maxCpus', count(machine.attr('maxCpus'))),
    ...(machine.attr('deprecated') === 'yes' ? { deprecated: true } : {}),
  }));
  return sortedBy(machines, ({ name }) => name);
}

function typeNames(types: readonly XmlElement[]): string[] {
  return types.flatMap((type) => type.attr('type') ?? []).sort();
}

function parseCells(topology: XmlElement | undefined): HostPart['cells'] {
  const cells = (topology?.child('cells')?.childrenNamed('cell') ?? []).flatMap((cell) => {
    const id = count(cell.attr('id'));
    if (id === undefined) return [];
    // libvirt writes a cell's memory always in KiB.
    const memoryKiB = count(cell.childText('memory')) ?? 0;
    return [{ id, memoryKiB, cpus: count(cell.child('cpus')?.attr('num')) ?? 0 }];
  });
  return cells.sort((a, b) => a.id - b.id);
}
