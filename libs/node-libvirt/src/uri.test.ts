import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidUriError } from './errors.ts';
import { isSessionUri, parseUri } from './uri.ts';

test.each([
  ['qemu:///system', 'unix', undefined, 'qemu:///system'],
  ['qemu:///session', 'unix', undefined, 'qemu:///session'],
  ['test:///default', 'unix', undefined, 'test:///default'],
  ['test+unix:///default', 'unix', undefined, 'test:///default'],
  ['test:///tmp/node.xml', 'unix', undefined, 'test:///tmp/node.xml'],
  ['qemu+unix:///system?socket=/x/sock', 'unix', undefined, 'qemu:///system'],
  ['qemu://h/system', 'tls', 'h', 'qemu:///system'],
  ['qemu+tls://h:1234/system', 'tls', 'h', 'qemu:///system'],
  ['qemu+ssh://root@h/system', 'ssh', 'h', 'qemu:///system'],
  ['qemu+ssh:///system', 'ssh', undefined, 'qemu:///system'],
  ['test+tcp://127.0.0.1:16509/default', 'tcp', '127.0.0.1', 'test:///default'],
  ['qemu+tls://[fe80::1]:16514/system', 'tls', 'fe80::1', 'qemu:///system'],
  ['remote+tls://h/', 'tls', 'h', ''],
  ['QEMU+TLS://h/system', 'tls', 'h', 'qemu:///system'],
  ['xen:///', 'unix', undefined, 'xen:///'],
  ['qemu+tls://h/system?name=qemu:///session', 'tls', 'h', 'qemu:///session'],
  ['remote+tls://h/?name=', 'tls', 'h', ''],
] as const)('%s: transport %s, host %s, OPEN says "%s"', (text, transport, host, name) => {
  expect(parseUri(text)).toMatchObject({ text, transport, host, name });
});

test('parameters are taken apart and never sent on', () => {
  const uri = parseUri(
    'qemu+ssh://alice%40corp@h:2222/system?keyfile=%2Fk%20ey&no_tty=1&no_verify=0&proxy=netcat&netcat=nc6&mode=direct',
  );
  expect(uri).toMatchObject({
    user: 'alice@corp',
    port: 2222,
    keyfile: '/k ey',
    noTty: true,
    noVerify: false,
    proxy: 'netcat',
    netcat: 'nc6',
    mode: 'direct',
    name: 'qemu:///system',
  });
});

test.each([
  ['', 'LIBVIRT_DEFAULT_URI is not set'],
  ['/system', 'not a libvirt URI'],
  ['qemu', 'not a libvirt URI'],
  ['qemu+unix://h/system', 'has no host'],
  ['qemu+vsock://h/system', 'unknown transport "vsock"'],
  ['qemu+ext:///system', 'unknown transport "ext"'],
  ['qemu+tls://h:99999/system', 'no such port'],
  ['qemu+tls://h:x/system', 'is not [user@]host[:port]'],
  ['qemu:///system?sokcet=/x', 'unknown parameter "sokcet"'],
  ['qemu+ssh://h/system?command=/bin/rm', 'parameter "command"'],
  ['qemu+tls://h/system?tls_priority=NORMAL', 'parameter "tls_priority"'],
  ['qemu:///system?mode=fast', 'mode= takes auto, legacy, direct'],
  ['qemu+ssh://h/system?no_tty=yes', 'no_tty= takes 0 or 1'],
  ['qemu:///system?socket=/a&socket=/b', 'comes twice'],
  ['qemu:///system?socket=%zz', 'is not percent-encoded'],
  ['qemu:///system?socket=%00', 'NUL'],
  ['qemu+ssh://-oProxyCommand=x/system', 'must not begin with "-"'],
  ['qemu+ssh://-l@h/system', 'must not begin with "-"'],
  ['qemu:///system?name=qemu://other/system', 'dial out'],
  ['qemu:///system?name=qemu%2Btls:///system', 'dial out'],
])('%s is refused: %s', (text, why) => {
  expect(() => parseUri(text)).toThrow(InvalidUriError);
  expect(() => parseUri(text)).toThrow(why);
});

test('no text makes OPEN name a host: the daemon would dial out', () => {
  const piece = fc.constantFrom(
    'qemu',
    'test',
    '+tls',
    '+unix',
    ':',
    '//',
    '/',
    'h',
    '@',
    'u',
    '?',
    'name=',
    '&',
    '%2F',
    '%3A',
    'system',
    ';',
    '#',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
      const text = pieces.join('');
      let refused: unknown;
      let name = '';
      try {
        ({ name } = parseUri(text));
      } catch (error) {
        refused = error;
      }
      expect(refused ?? new InvalidUriError('', '')).toBeInstanceOf(InvalidUriError);
      expect(name).not.toMatch(/^[^:/?#]+:\/\/[^/?#]/);
    }),
    { numRuns: 2_000 },
  );
});

test('a session URI is known by its path', () => {
  expect(isSessionUri(parseUri('qemu:///session'))).toBe(true);
  expect(isSessionUri(parseUri('qemu:///system'))).toBe(false);
});
