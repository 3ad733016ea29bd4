/** Displays, channels and TPMs. */
import type { Channel, Graphics, Tpm } from '@virtscope/contracts';
import type { XmlElement } from '@virtscope/xml';
import { count, defined, yesNo } from './values.ts';

/** Says nothing of the password, should libvirt tell it. */
export function parseGraphics(element: XmlElement): Graphics {
  const listens = element.childrenNamed('listen');
  const said = (name: string): string | undefined =>
    listens.map((each) => each.attr(name)).find((value) => value !== undefined);
  return defined({
    type: element.attr('type') ?? 'unknown',
    // libvirt writes -1 where it has still to choose.
    port: count(element.attr('port')),
    tlsPort: count(element.attr('tlsPort')),
    websocketPort: count(element.attr('websocket')),
    autoport: yesNo(element.attr('autoport')),
    listen: element.attr('listen') ?? said('address'),
    socket: element.attr('socket') ?? said('socket'),
  });
}

export function parseChannel(element: XmlElement): Channel {
  const source = element.child('source');
  const target = element.child('target');
  return defined({
    type: element.attr('type') ?? 'unknown',
    source: source?.attr('path') ?? source?.attr('channel') ?? source?.attr('service'),
    targetType: target?.attr('type'),
    target: target && (target.attr('name') ?? guestPort(target)),
    state: target?.attr('state'),
  });
}

function guestPort(target: XmlElement): string | undefined {
  const address = target.attr('address');
  const port = target.attr('port');
  return address === undefined || port === undefined ? address : `${address}:${port}`;
}

export function parseTpm(element: XmlElement): Tpm {
  const backend = element.child('backend');
  return defined({
    model: element.attr('model'),
    backend: backend?.attr('type'),
    version: backend?.attr('version'),
    source: backend?.child('device')?.attr('path') ?? backend?.child('source')?.attr('path'),
    persistentState: yesNo(backend?.attr('persistent_state')),
  });
}
