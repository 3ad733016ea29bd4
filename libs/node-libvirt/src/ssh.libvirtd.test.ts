import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as testkit from '@virtscope/testkit';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { connect } from './connect.ts';
import { ConnectError, ConnectionLostError } from './errors.ts';
import { fakeSsh } from './testing/fake-ssh.ts';
import { type Sshd, startSshd } from './testing/sshd.ts';

let daemon: testkit.Libvirtd;
let sshd: Sshd;
let ssh: Disposable;
let far: testkit.TempDir;

/** As OpenBSD's netcat, as far as libvirt's clients use it. */
const netcat = `#!${process.execPath}
const [flag, ...rest] = process.argv.slice(2);
if (flag === '-q') {
  console.error('nc: option requires an argument -- q');
  process.exit(1);
}
const socket = require('node:net').connect(rest.at(-1));
process.stdin.pipe(socket).pipe(process.stdout);
`;

beforeAll(async () => {
  daemon = await testkit.startLibvirtd({ name: 'far' });
  far = await testkit.tempDir('nlv-far-');
  writeFileSync(join(far.path, 'nc'), netcat, { mode: 0o755 });
  // The helper looks for its socket where libvirt is compiled to look: in the daemon's own view.
  const helper = `#!/bin/sh\nexec nsenter --mount --target ${daemon.pid} /usr/bin/virt-ssh-helper "$@"\n`;
  writeFileSync(join(far.path, 'virt-ssh-helper'), helper, { mode: 0o755 });
  sshd = await startSshd(testkit, far.path);
  // The real ssh, kept away from this user's own configuration.
  ssh = fakeSsh(`exec /usr/bin/ssh ${sshd.clientOptions} "$@"`);
});
beforeEach(() => {
  sshd.knownHosts('right');
});
afterAll(async () => {
  ssh[Symbol.dispose]();
  await sshd[Symbol.asyncDispose]();
  await daemon[Symbol.asyncDispose]();
  await far[Symbol.asyncDispose]();
});

const uri = (more = '', keyfile = sshd.keyfile): string =>
  `test+ssh://${sshd.user}@127.0.0.1:${sshd.port}/default?no_tty=1&keyfile=${keyfile}${more}`;

async function failure(target: string): Promise<ConnectError> {
  const error = await connect(target).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

test.each([
  ['netcat to a socket', () => `&socket=${daemon.socketRo}`],
  ['the native helper', () => '&proxy=native'],
  ['whatever the far side has', () => ''],
])('a session through ssh and %s', async (_, more) => {
  await using session = await connect(uri(more()));
  expect(await session.connectGetHostname()).toBe('far.test');
  expect(await session.connectGetUri()).toBe('test:///default');
  await using events = await session.domainEvents(['lifecycle']);
  await session.ping();
  expect(events.missingKinds).toEqual([]);
});

test('when the far daemon dies the session is lost', async () => {
  await using session = await connect(uri('&proxy=native'));
  await daemon.kill();
  expect(await session.closed).toBeInstanceOf(ConnectionLostError);
  await daemon.start();
});

test.each(['wrong', 'none'] as const)(
  'a known host key that is %s is an error of its own',
  async (known) => {
    sshd.knownHosts(known);
    const error = await failure(uri('&proxy=native'));
    expect(error.reason).toBe('host-key');
  },
);

test('a key that the far side does not know is an error of authentication', async () => {
  expect((await failure(uri('&proxy=native', sshd.wrongKeyfile))).reason).toBe('authentication');
});

test('a port where nobody listens is refused', async () => {
  const error = await failure('test+ssh://127.0.0.1:1/default?no_tty=1');
  expect(error.reason).toBe('refused');
});

test('a far side without the helper says so', async () => {
  const error = await failure(uri('&netcat=/no/such/nc&proxy=netcat'));
  expect(error.reason).toBe('not-found');
});
