/** What makes a private libvirtd listen on TCP and TLS, and ask for a name and a password. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { saslTool } from './tool.ts';

export type SaslUser = {
  mechanism: 'scram-sha-256' | 'plain';
  /** With a realm, as libvirt knows it: `alice@virtscope`. */
  user: string;
  password: string;
};

export type ListenOptions = {
  /** Default 127.0.0.1, or the far end of the host's link. */
  address?: string;
  /** On plain TCP. */
  tcp?: true;
  /** On TLS: the folder of `cacert.pem`, `servercert.pem` and `serverkey.pem`. */
  tls?: { pkiFolder: string };
  /** Its only user, on TCP, on TLS and on the read-write Unix socket. Default: it asks nobody. */
  sasl?: SaslUser;
};

export type ListenPorts = { tcp: number | undefined; tls: number | undefined };

export async function listenPorts({ tcp, tls }: ListenOptions = {}): Promise<ListenPorts> {
  return {
    tcp: tcp === undefined ? undefined : await freePort(),
    tls: tls === undefined ? undefined : await freePort(),
  };
}

/** Lines for libvirtd.conf. */
export function listenConf(listen: ListenOptions | undefined, ports: ListenPorts): string[] {
  if (listen === undefined) return [];
  const { address = '127.0.0.1', tls, sasl } = listen;
  const auth = sasl === undefined ? 'none' : 'sasl';
  const lines = [
    `listen_addr = "${address}"`,
    `listen_tcp = ${ports.tcp === undefined ? 0 : 1}`,
    `listen_tls = ${ports.tls === undefined ? 0 : 1}`,
    `auth_tcp = "${auth}"`,
    `auth_tls = "${auth}"`,
    `auth_unix_rw = "${auth}"`,
  ];
  if (ports.tcp !== undefined) lines.push(`tcp_port = "${ports.tcp}"`);
  if (tls !== undefined) {
    lines.push(
      `tls_port = "${ports.tls}"`,
      `ca_file = "${tls.pkiFolder}/cacert.pem"`,
      `cert_file = "${tls.pkiFolder}/servercert.pem"`,
      `key_file = "${tls.pkiFolder}/serverkey.pem"`,
    );
  }
  return lines;
}

/** Fills the folder that the daemon will see as /etc/sasl2: its configuration, its user beside. */
export function writeSaslConfiguration(
  folder: string,
  { mechanism, user, password }: SaslUser,
): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'libvirt.conf'),
    `mech_list: ${mechanism}\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: /etc/sasl2/users.db\n`,
  );
  const [name = '', realm = ''] = user.split('@');
  const { command, env } = saslTool();
  const args = ['-p', '-c', '-a', 'libvirt', '-f', join(folder, 'users.db'), '-u', realm, name];
  execFileSync(command, args, { input: password, env: { ...process.env, ...env }, stdio: 'pipe' });
}
