/** A private libvirtd that listens on TLS and TCP too, with or without SASL. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Libvirtd, freePort, startLibvirtd } from '@virtscope/testkit';
import { makePki } from './pki.ts';
import { testTool } from './tool.ts';

export type ListeningHost = AsyncDisposable & {
  daemon: Libvirtd;
  folder: string;
  pki: string;
  tlsPort: number;
  tcpPort: number;
};

export type SaslUser = { mechanism: 'scram-sha-256' | 'plain'; user: string; password: string };

const realm = 'virtscope';

/** @param conf lines for libvirtd.conf that win over the ones here */
export async function startListeningHost(
  conf: readonly string[] = [],
  sasl?: SaslUser,
): Promise<ListeningHost> {
  const folder = mkdtempSync(join(tmpdir(), 'nlv-'));
  const pki = join(folder, 'pki');
  makePki(pki);
  if (sasl !== undefined) addUser(folder, sasl);
  const [tlsPort, tcpPort] = [await freePort(), await freePort()];
  const daemon = await startLibvirtd({
    dir: join(folder, 'host'),
    env: { PATH: listening(folder) },
    conf: [
      ...conf,
      'listen_tls = 1',
      'listen_tcp = 1',
      'listen_addr = "127.0.0.1"',
      `tls_port = "${tlsPort}"`,
      `tcp_port = "${tcpPort}"`,
      `auth_tls = "${sasl === undefined ? 'none' : 'sasl'}"`,
      `auth_tcp = "${sasl === undefined ? 'none' : 'sasl'}"`,
      ...(sasl === undefined ? [] : ['auth_unix_rw = "sasl"']),
      `ca_file = "${pki}/cacert.pem"`,
      `cert_file = "${pki}/servercert.pem"`,
      `key_file = "${pki}/serverkey.pem"`,
    ],
  });
  return {
    daemon,
    folder,
    pki,
    tlsPort,
    tcpPort,
    [Symbol.asyncDispose]: async () => {
      await daemon[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** libvirtd listens on the network only when it is told to on its command line. */
function listening(folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const { command } = testTool('libvirtd', 'libvirt-daemon');
  writeFileSync(join(bin, 'libvirtd'), `#!/bin/sh\nexec ${command} --listen "$@"\n`, {
    mode: 0o755,
  });
  return `${bin}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
}

/** Where the daemon will see its SASL configuration as /etc/sasl2, and its users beside. */
function addUser(folder: string, { mechanism, user, password }: SaslUser): void {
  const sasl2 = join(folder, 'host/sasl2');
  mkdirSync(sasl2, { recursive: true });
  writeFileSync(
    join(sasl2, 'libvirt.conf'),
    `mech_list: ${mechanism}\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: /etc/sasl2/users.db\n`,
  );
  const { command, env } = testTool('saslpasswd2', 'sasl2-bin');
  const args = ['-p', '-c', '-a', 'libvirt', '-f', join(sasl2, 'users.db'), '-u', realm, user];
  execFileSync(command, args, { input: password, env, stdio: 'pipe' });
}

/** As the daemon's database knows the user. */
export function loginOf(sasl: SaslUser): { username: string; password: string } {
  return { username: `${sasl.user}@${realm}`, password: sasl.password };
}
