/** A private libvirtd that listens on TLS and TCP too, with or without SASL. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makePki } from './pki.ts';
import { testTool } from './tool.ts';

/** What it takes of the testkit, handed in by the tests: this package does not know it. */
export type HostKit<Daemon extends AsyncDisposable> = {
  toolsDir(): string;
  freePort(): Promise<number>;
  startLibvirtd(options: {
    dir: string;
    env: Record<string, string>;
    conf: readonly string[];
  }): Promise<Daemon>;
};

export type ListeningHost<Daemon extends AsyncDisposable> = AsyncDisposable & {
  daemon: Daemon;
  folder: string;
  pki: string;
  tlsPort: number;
  tcpPort: number;
};

export type SaslUser = { mechanism: 'scram-sha-256' | 'plain'; user: string; password: string };

const realm = 'virtscope';

export async function startListeningHost<Daemon extends AsyncDisposable>(
  kit: HostKit<Daemon>,
  sasl?: SaslUser,
): Promise<ListeningHost<Daemon>> {
  const folder = mkdtempSync(join(tmpdir(), 'nlv-'));
  const pki = join(folder, 'pki');
  makePki(pki);
  if (sasl !== undefined) addUser(kit.toolsDir(), folder, sasl);
  const [tlsPort, tcpPort] = [await kit.freePort(), await kit.freePort()];
  const daemon = await kit.startLibvirtd({
    dir: join(folder, 'host'),
    env: { PATH: listening(kit.toolsDir(), folder) },
    conf: [
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
function listening(toolsDir: string, folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const { command } = testTool(toolsDir, 'libvirtd', 'libvirt-daemon');
  writeFileSync(join(bin, 'libvirtd'), `#!/bin/sh\nexec ${command} --listen "$@"\n`, {
    mode: 0o755,
  });
  return `${bin}:${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`;
}

/** Where the daemon will see its SASL configuration as /etc/sasl2, and its users beside. */
function addUser(toolsDir: string, folder: string, { mechanism, user, password }: SaslUser): void {
  const sasl2 = join(folder, 'host/sasl2');
  mkdirSync(sasl2, { recursive: true });
  writeFileSync(
    join(sasl2, 'libvirt.conf'),
    `mech_list: ${mechanism}\npwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: /etc/sasl2/users.db\n`,
  );
  const { command, env } = testTool(toolsDir, 'saslpasswd2', 'sasl2-bin');
  const args = ['-p', '-c', '-a', 'libvirt', '-f', join(sasl2, 'users.db'), '-u', realm, user];
  execFileSync(command, args, { input: password, env, stdio: 'pipe' });
}

/** As the daemon's database knows the user. */
export function loginOf(sasl: SaslUser): { username: string; password: string } {
  return { username: `${sasl.user}@${realm}`, password: sasl.password };
}
