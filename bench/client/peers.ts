/** libvirt clients of other languages, where this machine has them. */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toolsDir } from '@virtscope/testkit';

const run = promisify(execFile);

/** How to run the work of `peer.*`: arguments are MODE TARGET COUNT. */
export type Peer = { command: string; args: string[]; env: NodeJS.ProcessEnv };

/** python3-libvirt, installed or unpacked among the tools. */
export function pythonPeer(): Peer | undefined {
  const unpacked = join(toolsDir(), 'python3-libvirt/usr/lib/python3/dist-packages');
  const { PYTHONPATH: inherited = '' } = process.env;
  const env = { ...process.env, PYTHONPATH: `${unpacked}:${inherited}` };
  try {
    execFileSync('python3', ['-c', 'import libvirt'], { env, stdio: 'ignore' });
  } catch {
    return undefined;
  }
  return { command: 'python3', args: [join(import.meta.dirname, 'peer.py')], env };
}

/** Debian's go-libvirt, compiled here by an installed Go, or one unpacked among the tools. */
export function goPeer(folder: string): Peer | undefined {
  const root = [join(toolsDir(), 'golang'), '/'].find((candidate) =>
    existsSync(join(candidate, 'usr/share/gocode/src/github.com/digitalocean/go-libvirt')),
  );
  if (root === undefined) return undefined;
  const go = ['usr/lib/go-1.19', 'usr/lib/go'].map((path) => join(root, path)).find(existsSync);
  if (go === undefined) return undefined;
  const command = join(folder, 'go-peer');
  const env = {
    ...process.env,
    GOROOT: go,
    GOPATH: join(root, 'usr/share/gocode'),
    GO111MODULE: 'off',
    GOCACHE: join(folder, 'go-cache'),
  };
  const source = join(import.meta.dirname, 'peer.go');
  execFileSync(join(go, 'bin/go'), ['build', '-o', command, source], { env, stdio: 'inherit' });
  return { command, args: [], env: process.env };
}

/** Our own worker, as a peer among peers. */
export const ours: Peer = {
  command: process.execPath,
  args: [join(import.meta.dirname, 'worker.ts')],
  env: process.env,
};

/** Runs one piece of work and reads its line of JSON. */
export async function ask<Answer>(
  peer: Peer,
  mode: string,
  target: string,
  count: number,
): Promise<Answer> {
  const args = [...peer.args, mode, target, String(count)];
  const { stdout } = await run(peer.command, args, { env: peer.env, timeout: 600_000 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Answer;
}
