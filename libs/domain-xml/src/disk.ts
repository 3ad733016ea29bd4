import { maxBackingLayers, type Disk, type DiskLayer } from '@virtscope/contracts';
import type { XmlElement } from '@virtscope/xml';
import { count, defined, definedOrNone, listOrNone, pciAddress, present } from './values.ts';

export function parseDisk(disk: XmlElement): Disk {
  const target = disk.child('target');
  const driver = disk.child('driver');
  const mirror = disk.child('mirror');
  return defined({
    ...layer(disk, driver?.attr('type')),
    target: target?.attr('dev') ?? '',
    bus: target?.attr('bus'),
    device: disk.attr('device'),
    readonly: present(disk.child('readonly')),
    shareable: present(disk.child('shareable')),
    transient: present(disk.child('transient')),
    serial: disk.childText('serial'),
    wwn: disk.childText('wwn'),
    driver: definedOrNone({
      name: driver?.attr('name'),
      cache: driver?.attr('cache'),
      io: driver?.attr('io'),
      discard: driver?.attr('discard'),
      detectZeroes: driver?.attr('detect_zeroes'),
      iothread: count(driver?.attr('iothread')),
      queues: count(driver?.attr('queues')),
    }),
    alias: disk.child('alias')?.attr('name'),
    backing: backingOf(disk),
    mirror: mirror && layer(mirror, mirror.child('format')?.attr('type')),
  });
}

/**
 * The chain is written as elements in elements. An empty `<backingStore/>` is its end; without
 * one it is not told.
 */
function backingOf(disk: XmlElement): DiskLayer[] | undefined {
  let below = disk.child('backingStore');
  if (below === undefined) return undefined;
  const layers: DiskLayer[] = [];
  // One above the bound is taken, so that the contract's check sees that it is too long.
  while (below?.attr('type') !== undefined && layers.length <= maxBackingLayers) {
    layers.push(layer(below, below.child('format')?.attr('type')));
    below = below.child('backingStore');
  }
  return layers;
}

function layer(element: XmlElement, format: string | undefined): DiskLayer {
  const source = element.child('source');
  const encryption = source?.child('encryption') ?? element.child('encryption');
  return defined({
    type: element.attr('type') ?? 'unknown',
    source: source && sourceText(source),
    format,
    network: source && networkOf(source),
    encryption: encryption?.attr('format'),
  });
}

function sourceText(source: XmlElement): string | undefined {
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
    nvme(source)
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

function nvme(source: XmlElement): string | undefined {
  const address = pciAddress(source);
  const namespace = source.attr('namespace');
  return address === undefined || namespace === undefined ? address : `${address}/${namespace}`;
}

function networkOf(source: XmlElement): DiskLayer['network'] {
  const protocol = source.attr('protocol');
  if (protocol === undefined) return undefined;
  const hosts = source.childrenNamed('host').map((host) =>
    defined({
      name: host.attr('name'),
      port: count(host.attr('port')),
      transport: host.attr('transport'),
      socket: host.attr('socket'),
    }),
  );
  return defined({ protocol, name: source.attr('name'), hosts: listOrNone(hosts) });
}
