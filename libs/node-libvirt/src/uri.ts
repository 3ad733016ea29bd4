/**
 * libvirt's connection URIs:
 *
 *     driver[+transport]://[user@][host][:port]/path[?parameters]
 *
 * The daemon is told `driver:///path` alone: transport, user, host and port are ours. A name with a
 * host in it would make the daemon itself dial out, so such a name is never sent.
 */
import { InvalidUriError } from './errors.ts';

export type TransportName = 'unix' | 'tls' | 'ssh' | 'tcp';
export type DaemonMode = 'auto' | 'legacy' | 'direct';
export type SshProxy = 'auto' | 'native' | 'netcat';

/** A URI taken apart. */
export type ConnectUri = {
  /** What was given. */
  text: string;
  /** `qemu`, `test`, `lxc` …; `remote` leaves the choice to the daemon. */
  driver: string;
  transport: TransportName;
  user: string | undefined;
  /** Without the brackets of an IPv6 address. */
  host: string | undefined;
  port: number | undefined;
  /** `/system`, `/session`, `/default` … */
  path: string;
  /** What OPEN says: `qemu:///system`. */
  name: string;
  /** UNIX socket, given outright. */
  socket: string | undefined;
  /** Which daemon's socket: the hypervisor's own (`direct`) or libvirtd's (`legacy`). */
  mode: DaemonMode;
  /** Skip the check of the server's certificate (tls) or key (ssh). */
  noVerify: boolean;
  /** Never ask on a terminal (ssh). */
  noTty: boolean;
  /** Folder of cacert.pem, clientcert.pem and clientkey.pem. */
  pkipath: string | undefined;
  /** Private key file (ssh). */
  keyfile: string | undefined;
  /** How to reach the socket on the far host (ssh). */
  proxy: SshProxy;
  /** Program to use as netcat on the far host (ssh). */
  netcat: string | undefined;
  /** File of credentials, libvirt's auth.conf format (SASL). */
  authfile: string | undefined;
};

const grammar =
  /^([a-z][a-z0-9.-]*)(?:\+([a-z0-9]*))?:(?:\/\/([^/?#]*))?(\/[^?#]*)?(?:\?([^#]*))?(?:#.*)?$/i;
const authorityGrammar = /^(?:([^@]*)@)?(\[[0-9a-fA-F:.%]+\]|[^:[\]]*)(?::(\d{1,5}))?$/;

/** Parameters of libvirt's own client that change nothing here, or that we refuse; why. */
const refused: Readonly<Record<string, string>> = {
  command: "would run a program of the URI's choice",
  auth: 'belongs to the libssh transports, which are not offered',
  sshauth: 'belongs to the libssh transports, which are not offered',
  known_hosts: 'belongs to the libssh transports; configure ssh itself',
  known_hosts_verify: 'belongs to the libssh transports; configure ssh itself',
  tls_priority: "is written in GnuTLS's language, which Node does not speak",
};

/**
 * Takes a connection URI apart.
 *
 * @throws {InvalidUriError} malformed, an unknown transport or parameter, or one that is refused
 */
export function parseUri(text: string): ConnectUri {
  const fail = (why: string): never => {
    throw new InvalidUriError(text, why);
  };
  const parts = grammar.exec(text);
  if (text === '') return fail('no URI given, and LIBVIRT_DEFAULT_URI is not set');
  if (parts === null) {
    return fail('not a libvirt URI, such as qemu:///system or qemu+tls://host/system');
  }
  const [, scheme = '', suffix, authority = '', path = '', query = ''] = parts;
  const at = authorityGrammar.exec(authority);
  if (at === null) return fail(`"${authority}" is not [user@]host[:port]`);
  const user = at[1] === undefined ? undefined : decode(at[1], fail);
  const hostText = at[2] === undefined || at[2] === '' ? undefined : at[2];
  const host = hostText?.startsWith('[') === true ? hostText.slice(1, -1) : hostText;
  const port = at[3] === undefined ? undefined : Number(at[3]);
  if (port !== undefined && (port < 1 || port > 65_535)) fail(`no such port: ${port}`);
  // ssh takes an argument that begins with a hyphen for an option.
  if (host?.startsWith('-') === true) fail('a host must not begin with "-"');
  if (user?.startsWith('-') === true) fail('a user must not begin with "-"');

  const transport = transportOf(suffix, host, fail);
  const parameters = parseQuery(query, fail);
  const take = (name: string): string | undefined => {
    const value = parameters.get(name);
    parameters.delete(name);
    return value;
  };
  const flag = (name: string): boolean => {
    const value = take(name);
    if (value !== undefined && value !== '0' && value !== '1') fail(`${name}= takes 0 or 1`);
    return value === '1';
  };
  const driver = scheme.toLowerCase();
  const uri: ConnectUri = {
    text,
    driver,
    transport,
    user,
    host,
    port,
    path,
    name: wireName(driver, path, take('name'), fail),
    socket: take('socket'),
    mode: oneOf('mode', take('mode'), ['auto', 'legacy', 'direct'], fail),
    noVerify: flag('no_verify'),
    noTty: flag('no_tty'),
    pkipath: take('pkipath'),
    keyfile: take('keyfile'),
    proxy: oneOf('proxy', take('proxy'), ['auto', 'native', 'netcat'], fail),
    netcat: take('netcat'),
    authfile: take('authfile'),
  };
  // libvirt's client uses it to skip a check of local files' existence, which we do not make.
  flag('no_sanity');
  for (const name of parameters.keys()) {
    const why = refused[name];
    fail(why === undefined ? `unknown parameter "${name}"` : `parameter "${name}" ${why}`);
  }
  return uri;
}

/** Sessions of a user, as against the system's: they have no read-only socket. */
export function isSessionUri(uri: ConnectUri): boolean {
  return uri.path === '/session';
}

function transportOf(
  suffix: string | undefined,
  host: string | undefined,
  fail: (why: string) => never,
): TransportName {
  // As in libvirt: no transport named means TLS to a host, and the local socket without one.
  if (suffix === undefined) return host === undefined ? 'unix' : 'tls';
  const name = suffix.toLowerCase();
  if (name === 'unix') {
    return host === undefined ? 'unix' : fail('a UNIX socket has no host: leave it out');
  }
  if (name !== 'tls' && name !== 'ssh' && name !== 'tcp') {
    return fail(`unknown transport "${suffix}": unix, tls, ssh and tcp are offered`);
  }
  // libvirt's own client means the local host here.
  return name;
}

function parseQuery(query: string, fail: (why: string) => never): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of query.split(/[&;]/)) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const name = decode(equals < 0 ? pair : pair.slice(0, equals), fail);
    if (parameters.has(name)) fail(`parameter "${name}" comes twice`);
    parameters.set(name, equals < 0 ? '' : decode(pair.slice(equals + 1), fail));
  }
  return parameters;
}

function decode(text: string, fail: (why: string) => never): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    return fail(`"${text}" is not percent-encoded`);
  }
  return decoded.includes('\0') ? fail('NUL in a part') : decoded;
}

function oneOf<Value extends string>(
  parameter: string,
  value: string | undefined,
  values: readonly [Value, ...Value[]],
  fail: (why: string) => never,
): Value {
  if (value === undefined) return values[0];
  return (
    values.find((known) => known === value) ?? fail(`${parameter}= takes ${values.join(', ')}`)
  );
}

function wireName(
  driver: string,
  path: string,
  override: string | undefined,
  fail: (why: string) => never,
): string {
  if (override === undefined) return driver === 'remote' ? '' : `${driver}://${path}`;
  const parts = grammar.exec(override);
  if (override !== '' && parts === null) fail('name= is not a URI');
  if (parts?.[2] !== undefined || (parts?.[3] ?? '') !== '') {
    fail('name= must not name a host or transport: the daemon would dial out itself');
  }
  return override;
}
