import { existsSync, globSync, readdirSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** A program to run, with the environment that lets it find its libraries. */
export type Tool = { command: string; env: Record<string, string> };

export type NatsVersion = '2.9' | '2.10';

/** The machine's own libvirt, or libvirt 11 with its QEMU, unpacked beside it. */
export type LibvirtVersion = 'installed' | '11';

/** The program is nowhere. The message says how to get it. */
export class ToolMissingError extends Error {
  override readonly name = 'ToolMissingError';
}

/**
 * Where `./dev` unpacks servers: one folder per tool, each the root of a small file system.
 * `VIRTSCOPE_TOOLS_DIR` moves it.
 */
export function toolsDir(): string {
  return (
    process.env['VIRTSCOPE_TOOLS_DIR'] ??
    resolve(import.meta.dirname, '../../..', '.virtscope/tools')
  );
}

/** nats-server: of one version line, or (without one) 2.9 before any other. */
export function natsTool(version?: NatsVersion): Tool {
  const unpacked =
    version === undefined
      ? ['nats-server-2.9', ...unpackedTools('nats-server-')]
      : [`nats-server-${version}`];
  const tool = firstUnpacked(unpacked, 'nats-server');
  if (tool !== undefined) return tool;
  const onPath = version === undefined ? findOnPath('nats-server') : undefined;
  return onPath ?? missing(`nats-server${version === undefined ? '' : ` ${version}`}`);
}

export function redisTool(): Tool {
  return (
    firstUnpacked(['redis-server'], 'redis-server') ??
    findOnPath('redis-server') ??
    missing('redis-server')
  );
}

/**
 * The root of the small file system that holds libvirt 11, its QEMU, and every library and command
 * that they need: its programs run where its `usr` covers the machine's.
 */
export function libvirt11Root(): string {
  const root = join(toolsDir(), 'libvirt-11');
  return existsSync(join(root, 'usr/sbin/libvirtd')) ? root : missing('libvirt 11');
}

/** The command that runs virsh, without arguments of virsh's own. */
export function virshCommand(version: LibvirtVersion = 'installed'): string[] {
  return version === '11' ? unpackedCommand(libvirt11Root(), 'usr/bin/virsh') : ['virsh'];
}

/** Runs a program of an unpacked file system with that system's own loader and libraries. */
export function unpackedCommand(root: string, program: string): string[] {
  const [loader] = globSync('usr/lib{64,}/ld-linux-*.so.*', { cwd: root });
  if (loader === undefined) return missing(`the C library of ${program} below ${root}`);
  const libraries = globSync('usr/lib/*-linux-*', { cwd: root }).map((lib) => join(root, lib));
  return [join(root, loader), '--library-path', libraries.join(delimiter), join(root, program)];
}

/** saslpasswd2, of Debian's sasl2-bin. */
export function saslTool(): Tool {
  return (
    firstUnpacked(['sasl2-bin'], 'saslpasswd2') ??
    findOnPath('saslpasswd2') ??
    missing('saslpasswd2 (of sasl2-bin)')
  );
}

/** A program that is installed on the machine. */
export function systemTool(program: string): string {
  return (findOnPath(program) ?? missing(program)).command;
}

function firstUnpacked(folders: readonly string[], program: string): Tool | undefined {
  for (const folder of folders) {
    const root = join(toolsDir(), folder);
    for (const bin of ['usr/sbin', 'usr/bin']) {
      const command = join(root, bin, program);
      if (existsSync(command)) return { command, env: libraryPath(root) };
    }
  }
  return undefined;
}

function unpackedTools(prefix: string): string[] {
  if (!existsSync(toolsDir())) return [];
  return readdirSync(toolsDir()).filter((name) => name.startsWith(prefix));
}

function libraryPath(root: string): Record<string, string> {
  const folders = globSync('{usr/,}lib/*-linux-*', { cwd: root }).map((lib) => join(root, lib));
  if (folders.length === 0) return {};
  const inherited = process.env['LD_LIBRARY_PATH'];
  if (inherited !== undefined && inherited !== '') folders.push(inherited);
  return { LD_LIBRARY_PATH: folders.join(delimiter) };
}

/** Servers lie in sbin folders, which the PATH of an ordinary user leaves out. */
function findOnPath(program: string): Tool | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).concat('/usr/sbin', '/sbin');
  for (const folder of folders) {
    const command = join(folder, program);
    if (folder !== '' && existsSync(command)) return { command, env: {} };
  }
  return undefined;
}

function missing(what: string): never {
  throw new ToolMissingError(
    `${what} is missing: neither in ${toolsDir()} nor on PATH. Run ./dev install, which gets it.`,
  );
}
