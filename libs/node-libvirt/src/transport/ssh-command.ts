/**
 * What is run to reach a daemon over ssh: an argument vector for the system's `ssh`, whose options,
 * agent, jump hosts and known hosts are the user's own configuration.
 */
import { type ConnectUri, isSessionUri } from '../uri.ts';
import { daemonOfDriver } from './socket-path.ts';

/** libvirt's own client looks for the far daemon's socket here. */
const farFolder = '/var/run/libvirt';

/** Arguments for `ssh`; nothing in the URI can become an option. */
export function sshArguments(uri: ConnectUri, readOnly: boolean): string[] {
  const { host = 'localhost', port, user, keyfile } = uri;
  return [
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(keyfile === undefined ? [] : ['-i', keyfile]),
    '-T',
    '-e',
    'none',
    ...(uri.noTty ? ['-o', 'BatchMode=yes'] : []),
    ...(uri.noVerify ? ['-o', 'StrictHostKeyChecking=no'] : []),
    '--',
    host,
    // The login shell of the far user may be any: it sees two words and one quoted one.
    `sh -c ${quote(farScript(uri, readOnly))}`,
  ];
}

/** A POSIX script that becomes the pipe to the far daemon. */
export function farScript(uri: ConnectUri, readOnly: boolean): string {
  const native = `virt-ssh-helper ${readOnly ? '-r ' : ''}${quote(uri.name)}`;
  const netcat = netcatScript(uri, readOnly);
  // A user's session has a socket that only the helper knows how to find, and to start.
  if (isSessionUri(uri)) return native;
  const forced = uri.socket !== undefined || uri.netcat !== undefined;
  if (uri.proxy === 'native') return native;
  if (uri.proxy === 'netcat' || forced) return netcat;
  return `if command -v virt-ssh-helper >/dev/null 2>&1; then ${native}; else ${netcat}; fi`;
}

function netcatScript(uri: ConnectUri, readOnly: boolean): string {
  const nc = quote(uri.netcat ?? 'nc');
  const daemon = uri.mode === 'direct' ? (daemonOfDriver[uri.driver] ?? 'libvirt') : 'libvirt';
  const socket = uri.socket ?? `${farFolder}/${daemon}-sock${readOnly ? '-ro' : ''}`;
  // OpenBSD's netcat must be told to end with its input, others must not be.
  return (
    `if ${nc} -q 2>&1 | grep 'requires an argument' >/dev/null 2>&1; then q=-q0; else q=; fi; ` +
    `${nc} $q -U ${quote(socket)}`
  );
}

/** One word for a POSIX shell, whatever is in it. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
