/** Which UNIX socket a local URI means; the selection rule of libvirt's own client. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectUri, isSessionUri } from '../uri.ts';

/** Drivers that have a daemon of their own, as socket names. */
export const daemonOfDriver: Readonly<Record<string, string>> = {
  bhyve: 'virtbhyved',
  ch: 'virtchd',
  interface: 'virtinterfaced',
  lxc: 'virtlxcd',
  network: 'virtnetworkd',
  nodedev: 'virtnodedevd',
  nwfilter: 'virtnwfilterd',
  qemu: 'virtqemud',
  secret: 'virtsecretd',
  storage: 'virtstoraged',
  vbox: 'virtvboxd',
  xen: 'virtxend',
};

/** Where sockets lie, and whether one is there; injected in tests. */
export type SocketWorld = {
  systemFolder: string;
  sessionFolder: string;
  exists(path: string): boolean;
};

export function realSocketWorld(): SocketWorld {
  const runtime = process.env['XDG_RUNTIME_DIR'] ?? join('/run/user', String(process.getuid?.()));
  return {
    // As libvirt's client writes it: it resolves on every distribution, also where /run is not used.
    systemFolder: '/var/run/libvirt',
    sessionFolder: join(runtime, 'libvirt'),
    exists: existsSync,
  };
}

/**
 * The socket for a URI without a host. `socket=` wins. Else, with `mode=auto`, the socket of the
 * driver's own daemon if it is there, else libvirtd's. Read-only means the `-ro` socket; a
 * session's daemon has none.
 */
export function socketPath(
  uri: ConnectUri,
  readOnly: boolean,
  world: SocketWorld = realSocketWorld(),
): string {
  if (uri.socket !== undefined) return uri.socket;
  const session = isSessionUri(uri);
  const folder = session ? world.sessionFolder : world.systemFolder;
  const suffix = readOnly && !session ? '-sock-ro' : '-sock';
  const legacy = join(folder, `libvirt${suffix}`);
  const daemon = daemonOfDriver[uri.driver];
  if (daemon === undefined || uri.mode === 'legacy') return legacy;
  const direct = join(folder, `${daemon}${suffix}`);
  return uri.mode === 'direct' || world.exists(direct) ? direct : legacy;
}
