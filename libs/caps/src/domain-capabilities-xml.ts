/** libvirt's domainCapabilities XML, normalised: equal emulators have equal documents. */
import { domainCapabilitiesSchema, type DomainCapabilities } from '@virtscope/contracts';
import type { XmlElement } from '@virtscope/xml';
import { CapabilitiesXmlError } from './capabilities-xml-error.ts';
import { count, present, rootOf, sortedBy } from './xml-values.ts';

type Offer = DomainCapabilities['devices'][string];

/**
 * Reads what libvirt's connectGetDomainCapabilities answers (docs: formatdomaincaps). Devices and
 * features are taken as they come, so that one which libvirt learns later is told as well.
 *
 * @throws {CapabilitiesXmlError}
 */
export function parseDomainCapabilities(xml: string): DomainCapabilities {
  const root = rootOf(xml, { name: 'domainCapabilities', what: 'domain capabilities' });
  const os = root.child('os');
  const cpu = root.child('cpu');
  const parsed = domainCapabilitiesSchema.safeParse({
    v: 1,
    type: 'domain',
    emulator: root.childText('path'),
    arch: root.childText('arch') ?? 'unknown',
    machine: root.childText('machine'),
    virtType: root.childText('domain') ?? 'unknown',
    maxVcpus: count(root.child('vcpu')?.attr('max')),
    os: {
      supported: isSupported(os),
      firmware: enumsOf(os)?.['firmware'] ?? [],
      loader: enumsOf(os?.child('loader')) ?? {},
    },
    cpu: { ...parseModes(cpu), models: parseModels(cpu) },
    memoryBacking: offerOf(root.child('memoryBacking')),
    devices: offersOf(root.child('devices')),
    features: offersOf(root.child('features')),
  });
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new CapabilitiesXmlError(
      `the domain capabilities do not fit the contract: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    );
  }
  return parsed.data;
}

function parseModes(
  cpu: XmlElement | undefined,
): Pick<DomainCapabilities['cpu'], 'modes' | 'hostModel'> {
  const modes = (cpu?.childrenNamed('mode') ?? []).filter(isSupported);
  const hostModel = modes.find((mode) => mode.attr('name') === 'host-model');
  const named = {
    modes: modes.flatMap((mode) => mode.attr('name') ?? []).sort(),
  };
  if (hostModel === undefined) return named;
  return {
    ...named,
    hostModel: {
      ...present('model', hostModel.childText('model')),
      ...present('vendor', hostModel.childText('vendor')),
      features: sortedByName(
        hostModel.childrenNamed('feature').flatMap((feature) => {
          const name = feature.attr('name');
          return name === undefined ? [] : [{ name, policy: feature.attr('policy') ?? 'require' }];
        }),
      ),
    },
  };
}

/** Blockers stand beside the models, an element for each model that has some (libvirt 8.10). */
function parseModels(cpu: XmlElement | undefined): DomainCapabilities['cpu']['models'] {
  const custom = cpu?.childrenNamed('mode').find((mode) => mode.attr('name') === 'custom');
  if (custom === undefined || !isSupported(custom)) return [];
  const blockers = new Map(
    custom.childrenNamed('blockers').map((each) => [
      each.attr('model') ?? '',
      each
        .childrenNamed('feature')
        .flatMap((feature) => feature.attr('name') ?? [])
        .sort(),
    ]),
  );
  return sortedByName(
    custom.childrenNamed('model').map((model) => {
      const name = model.text.trim();
      const usable = model.attr('usable');
      const vendor = model.attr('vendor');
      const blocked = blockers.get(name);
      return {
        name,
        usable: usable === 'yes' || usable === 'no' ? usable : ('unknown' as const),
        ...(model.attr('deprecated') === 'yes' ? { deprecated: true } : {}),
        ...(vendor === undefined || vendor === 'unknown' ? {} : { vendor }),
        ...(blocked === undefined ? {} : { blockers: blocked }),
      };
    }),
  );
}

function offersOf(parent: XmlElement | undefined): Record<string, Offer> {
  return Object.fromEntries(
    (parent?.children ?? []).flatMap((each) => {
      const offer = offerOf(each);
      return offer === undefined ? [] : [[each.name, offer]];
    }),
  );
}

function offerOf(element: XmlElement | undefined): Offer | undefined {
  if (element === undefined) return undefined;
  const enums = enumsOf(element);
  const facts = element.children
    .filter(({ name, children, text }) => name !== 'enum' && children.length === 0 && text.trim())
    .map(({ name, text }) => [name, text.trim()] as const);
  return {
    supported: isSupported(element),
    ...(enums === undefined ? {} : { enums }),
    ...(facts.length === 0 ? {} : { facts: Object.fromEntries(facts) }),
  };
}

/** Values keep libvirt's order, which is that of its own table. */
function enumsOf(element: XmlElement | undefined): Record<string, string[]> | undefined {
  const enums = element?.childrenNamed('enum') ?? [];
  if (enums.length === 0) return undefined;
  return Object.fromEntries(
    enums.map((each) => [
      each.attr('name') ?? '',
      each.childrenNamed('value').map(({ text }) => text.trim()),
    ]),
  );
}

/** Only what says "no" is not supported: some elements say nothing. */
function isSupported(element: XmlElement | undefined): boolean {
  return element !== undefined && element.attr('supported') !== 'no';
}

const sortedByName = <T extends { name: string }>(items: readonly T[]): T[] =>
  sortedBy(items, ({ name }) => name);
