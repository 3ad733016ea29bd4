import type { HostDevice } from '@virtscope/contracts';
import type { XmlElement } from '@virtscope/xml';
import { defined, pciAddress, yesNo } from './values.ts';

export function parseHostDevice(element: XmlElement): HostDevice {
  const type = element.attr('type') ?? 'unknown';
  const source = element.child('source');
  return defined({
    type,
    source: source && sourceText(type, source),
    model: element.attr('model'),
    driver: element.child('driver')?.attr('name'),
    managed: yesNo(element.attr('managed')),
    vendorId: source?.child('vendor')?.attr('id'),
    productId: source?.child('product')?.attr('id'),
    alias: element.child('alias')?.attr('name'),
  });
}

function sourceText(type: string, source: XmlElement): string | undefined {
  switch (type) {
    case 'pci':
      return pciAddress(source);
    case 'usb':
      return address(source, ['bus', 'device'])?.join('.');
    case 'mdev':
      return source.child('address')?.attr('uuid');
    case 'scsi':
      return source.attr('name') ?? scsiAddress(source);
    case 'scsi_host':
      return source.attr('wwpn');
    default:
      // A container's: a block device, a character device, a network interface.
      return source.childText('block') ?? source.childText('char') ?? source.childText('interface');
  }
}

function scsiAddress(source: XmlElement): string | undefined {
  const adapter = source.child('adapter')?.attr('name');
  const unit = address(source, ['bus', 'target', 'unit']);
  return adapter === undefined || unit === undefined ? adapter : [adapter, ...unit].join(':');
}

function address(source: XmlElement, parts: readonly string[]): string[] | undefined {
  const element = source.child('address');
  return element && parts.map((part) => element.attr(part) ?? '0');
}
