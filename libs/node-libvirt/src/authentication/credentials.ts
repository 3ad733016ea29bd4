/** Who we say we are, for SASL. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

export type Credentials = {
  /** As the daemon's database has it; often `user@realm`. */
  username: string;
  password: string;
};

/**
 * The credentials for a host in a file of libvirt's auth.conf format:
 *
 *     [credentials-NAME]            [auth-libvirt-HOST]  or  [auth-libvirt-default]
 *     authname=alice                credentials=NAME
 *     password=secret
 */
export function findCredentials(text: string, host: string): Credentials | undefined {
  const groups = parseGroups(text);
  const choice = groups.get(`auth-libvirt-${host}`) ?? groups.get('auth-libvirt-default');
  const entry = groups.get(`credentials-${choice?.get('credentials') ?? ''}`);
  const username = entry?.get('authname') ?? entry?.get('username');
  const password = entry?.get('password');
  return username === undefined || password === undefined ? undefined : { username, password };
}

/** The file that `authfile=` names, else the first of libvirt's usual places that is there. */
export function authFilePath(authfile: string | undefined): string | undefined {
  if (authfile !== undefined) return authfile;
  const configured = process.env['LIBVIRT_AUTH_FILE'];
  if (configured !== undefined && configured !== '') return configured;
  const configHome = process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  return [join(configHome, 'libvirt/auth.conf'), '/etc/libvirt/auth.conf'].find(existsSync);
}

export async function readCredentials(
  path: string,
  host: string,
): Promise<Credentials | undefined> {
  return findCredentials(await readFile(path, 'utf8'), host);
}

/** Groups of `name=value` lines under `[group]`; `#` begins a comment. */
function parseGroups(text: string): Map<string, Map<string, string>> {
  const groups = new Map<string, Map<string, string>>();
  let group: Map<string, string> | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const header = /^\[(.+)\]$/.exec(line);
    if (header !== null) {
      group = new Map();
      groups.set(header[1] ?? '', group);
    } else if (!line.startsWith('#')) {
      const equals = line.indexOf('=');
      if (equals > 0) group?.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim());
    }
  }
  return groups;
}
