/** The facts that a row keeps of a thing's XML. */
import {
  networkFactsSchema,
  nodedevFactsSchema,
  poolFactsSchema,
  secretFactsSchema,
  type ThingConfig,
  type ThingRowType,
} from '@virtscope/contracts';
import { defined, fit, listOrNone, yesNo } from '@virtscope/domain-xml';
import { parseXml, type XmlElement } from '@virtscope/xml';

export type ThingFacts = Omit<ThingConfig, 'observedAt' | 'xmlHash'>;

/** Each type's own facts, as they are read out of its XML. */
const readers: Record<
  ThingRowType,
  {
    schema: Parameters<typeof fit>[0];
    facts: (root: XmlElement) => Record<string, unknown>;
  }
> = {
  network: { schema: networkFactsSchema, facts: networkFacts },
  pool: { schema: poolFactsSchema, facts: poolFacts },
  nodedev: { schema: nodedevFactsSchema, facts: nodedevFacts },
  secret: { schema: secretFactsSchema, facts: secretFacts },
};

/**
 * Facts out of libvirt's XML of a thing. What is unknown here is left out and breaks nothing; what
 * exceeds the contract's bounds is left out too, and named in `omitted`.
 *
 * @param known facts that a call gave more exactly than the XML: they win
 * @throws {XmlError}
 */
export function parseThingXml(
  type: ThingRowType,
  xml: string,
  known: Record<string, unknown> = {},
): ThingFacts {
  const { schema, facts } = readers[type];
  const fitted = fit(schema, defined({ ...facts(parseXml(xml)), ...known }));
  if (fitted === undefined) return { omitted: [type] };
  return {
    [type]: fitted.fitting,
    ...(fitted.cut.size === 0 ? {} : { omitted: [...fitted.cut] }),
  };
}

function networkFacts(network: XmlElement): Record<string, unknown> {
  const addresses = network.childrenNamed('ip').flatMap((ip) => {
    const address = ip.attr('address');
    const prefix = ip.attr('prefix') ?? prefixOf(ip.attr('netmask'));
    return address === undefined ? [] : [prefix === undefined ? address : `${address}/${prefix}`];
  });
  const forward = network.child('forward');
  return {
    bridge: network.child('bridge')?.attr('name'),
    // libvirt's default for a <forward> that does not say.
    forward: forward && (forward.attr('mode') ?? 'nat'),
    addresses: listOrNone(addresses),
  };
}

/** `255.255.255.0` is 24; undefined when it is no mask. */
function prefixOf(netmask: string | undefined): string | undefined {
  const bytes = netmask?.split('.').map(Number);
  if (bytes?.length !== 4 || bytes.some((byte) => !(byte >= 0 && byte <= 255))) return undefined;
  const bits = bytes.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return /^1*0*$/.test(bits) ? String(bits.replaceAll('0', '').length) : undefined;
}

function poolFacts(pool: XmlElement): Record<string, unknown> {
  const source = pool.child('source');
  const hosts = (source?.childrenNamed('host') ?? []).flatMap((host) => host.attr('name') ?? []);
  return {
    backend: pool.attr('type'),
    path: pool.child('target')?.childText('path'),
    sourceHosts: listOrNone(hosts),
    source:
      source?.childText('name') ??
      source?.child('dir')?.attr('path') ??
      source?.child('device')?.attr('path') ??
      source?.child('adapter')?.attr('name'),
  };
}

function nodedevFacts(device: XmlElement): Record<string, unknown> {
  const capabilities = device.childrenNamed('capability');
  const all = capabilities.flatMap(function nested(each): XmlElement[] {
    return [each, ...each.childrenNamed('capability').flatMap(nested)];
  });
  const first = capabilities[0];
  const said = (name: string): string | undefined =>
    first?.childText(name) ?? first?.child(name)?.attr('id');
  return {
    parent: device.childText('parent'),
    driver: device.child('driver')?.childText('name'),
    path: device.childText('path'),
    capabilities: listOrNone([...new Set(all.flatMap((each) => each.attr('type') ?? []))]),
    vendor: said('vendor'),
    product: said('product'),
    interface: first?.childText('interface'),
  };
}

function secretFacts(secret: XmlElement): Record<string, unknown> {
  const usage = secret.child('usage');
  return {
    usage: usage?.attr('type'),
    // Each kind of usage says it in an element of its own.
    usageId: usage?.children[0]?.text.trim(),
    ephemeral: yesNo(secret.attr('ephemeral')),
    private: yesNo(secret.attr('private')),
    description: secret.childText('description'),
  };
}
