/** A real sshd on a port of 127.0.0.1, for one user with one key, and the `ssh` that reaches it. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { testTool } from './tool.ts';
import { until } from './until.ts';

export type Sshd = AsyncDisposable & {
  port: number;
  user: string;
  /** Private keys: one that opens the door, one that does not. */
  keyfile: string;
  wrongKeyfile: string;
  /** Arguments that keep ssh to this test's own files. */
  clientOptions: string;
  /** Forgets the host's key, or remembers a wrong one. */
  knownHosts(content: 'right' | 'wrong' | 'none'): void;
};

/** What it takes of the testkit, handed in by the tests: this package does not know it. */
export type SshdKit = { toolsDir(): string; freePort(): Promise<number> };

/**
 * In a mount namespace of its own: sshd wants an account to which it gives up root, and a folder
 * below /run, and the machine shall keep neither.
 */
const enterScript = `
passwd=$1; shift
grep -q ^sshd: "$passwd" || echo sshd:x:64056:65534::/run/sshd:/usr/sbin/nologin >>"$passwd"
mount --bind "$passwd" /etc/passwd
mount -t tmpfs none /run
mkdir /run/sshd
exec "$@"
`;

/** @param farPath what the far side's PATH begins with: where its helpers are */
export async function startSshd(kit: SshdKit, farPath: string): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'nlv-sshd-'));
  for (const name of ['host', 'user', 'wrong']) {
    const file = join(folder, name);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  }
  const port = await kit.freePort();
  copyFileSync(join(folder, 'user.pub'), join(folder, 'authorized'));
  copyFileSync('/etc/passwd', join(folder, 'passwd'));
  const config = join(folder, 'sshd_config');
  writeFileSync(config, sshdConfig(folder, port, farPath));
  const { command, env } = testTool(kit.toolsDir(), 'sshd', 'openssh-server');
  const child = spawn(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-ec', enterScript, 'enter'].concat(
      join(folder, 'passwd'),
      [command, '-D', '-e', '-f', config],
    ),
    { env, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until('sshd listens', () => {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${said}`);
    return said.includes('Server listening');
  });
  const knownHosts = join(folder, 'known_hosts');
  const line = (name: string): string =>
    `[127.0.0.1]:${port} ${readFileSync(join(folder, `${name}.pub`), 'utf8')}`;
  return {
    port,
    user: userInfo().username,
    keyfile: join(folder, 'user'),
    wrongKeyfile: join(folder, 'wrong'),
    clientOptions: [
      '-F /dev/null -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes -o IdentityAgent=none',
      `-o UserKnownHostsFile=${knownHosts}`,
    ].join(' '),
    knownHosts: (content) => {
      const lines = { right: line('host'), wrong: line('wrong'), none: '' };
      writeFileSync(knownHosts, lines[content]);
    },
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, 'exit');
      child.kill();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function sshdConfig(folder: string, port: number, farPath: string): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${join(folder, 'host')}`,
    `AuthorizedKeysFile ${join(folder, 'authorized')}`,
    'PidFile none',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    // The folder lies below /tmp, which everybody may write to.
    'StrictModes no',
    `SetEnv PATH=${farPath}:/usr/sbin:/usr/bin:/sbin:/bin`,
    '',
  ].join('\n');
}
