import type { Interface } from '@virtscope/contracts';
import type { XmlElement } from '@virtscope/xml';
import { count, defined, definedOrNone, listOrNone, pciAddress } from './values.ts';

export function parseInterface(element: XmlElement): Interface {
  const type = element.attr('type') ?? 'unknown';
  const source = element.child('source');
  const port = element.child('virtualport');
  const parameters = port?.child('parameters');
  const vlans = element.child('vlan')?.childrenNamed('tag') ?? [];
  return defined({
    type,
    mac: element.child('mac')?.attr('address')?.toLowerCase(),
    source: source && sourceText(type, source),
    mode: type === 'direct' ? source?.attr('mode') : undefined,
    bridge: type === 'network' ? source?.attr('bridge') : undefined,
    model: element.child('model')?.attr('type'),
    target: element.child('target')?.attr('dev'),
    mtu: count(element.child('mtu')?.attr('size')),
    linkState: element.child('link')?.attr('state'),
    vlans: listOrNone(vlans.flatMap((tag) => count(tag.attr('id')) ?? [])),
    virtualPort: definedOrNone({
      type: port?.attr('type'),
      interfaceId: parameters?.attr('interfaceid'),
      profileId: parameters?.attr('profileid'),
    }),
    filter: element.child('filterref')?.attr('filter'),
    alias: element.child('alias')?.attr('name'),
  });
}

function sourceText(type: string, source: XmlElement): string | undefined {
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
    source.attr('switchid') ??
    (port === undefined ? peer : `${peer ?? ''}:${port}`) ??
    pciAddress(source)
  );
}
