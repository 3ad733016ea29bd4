import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Libvirtd,
  type SaslUser,
  startLibvirtd,
  type TempDir,
  tempDir,
  makePki,
} from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type ConnectOptions } from './connect.ts';
import { ConnectError } from './errors.ts';

const scram: SaslUser = {
  mechanism: 'scram-sha-256',
  user: 'alice@virtscope',
  password: 'päss=,wörd',
};
const plain: SaslUser = { mechanism: 'plain', user: 'bob@virtscope', password: 'sécret' };
let dir: TempDir;
let pki: string;
let scramHost: Libvirtd;
let plainHost: Libvirtd;

beforeAll(async () => {
  dir = await tempDir();
  pki = join(dir.path, 'pki');
  makePki(pki);
  const listen = { tcp: true, tls: { pkiFolder: pki } } as const;
  scramHost = await startLibvirtd({ listen: { ...listen, sasl: scram } });
  plainHost = await startLibvirtd({ listen: { ...listen, sasl: plain } });
});
afterAll(async () => {
  await scramHost[Symbol.asyncDispose]();
  await plainHost[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

const loginOf = ({ user, password }: SaslUser): { username: string; password: string } => ({
  username: user,
  password,
});

const tlsUri = ({ tlsPort }: Libvirtd, more = ''): string =>
  `test+tls://127.0.0.1:${tlsPort}/default?pkipath=${pki}${more}`;

async function failure(uri: string, options?: ConnectOptions): Promise<ConnectError> {
  const error = await connect(uri, options).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

test('SCRAM-SHA-256 over TLS and over the UNIX socket', async () => {
  for (const uri of [tlsUri(scramHost), scramHost.testUriRw]) {
    await using session = await connect(uri, { credentials: loginOf(scram) });
    expect(await session.connectGetType()).toBe('TEST');
  }
});

test('PLAIN over TLS', async () => {
  const credentials = (): Promise<ReturnType<typeof loginOf>> => Promise.resolve(loginOf(plain));
  await using session = await connect(tlsUri(plainHost), { credentials });
  expect(await session.connectGetType()).toBe('TEST');
});

test('PLAIN is not said where nothing hides it', async () => {
  const error = await failure(plainHost.testUriRw, { credentials: loginOf(plain) });
  expect(error.reason).toBe('authentication');
  expect(error.message).toContain('SCRAM-SHA-256 on unix');
});

test.each([
  ['password', { ...scram, password: 'wrong' }],
  ['user', { ...scram, user: 'mallory@virtscope' }],
])('a wrong %s is an error of authentication', async (_, who) => {
  const error = await failure(tlsUri(scramHost), { credentials: loginOf(who) });
  expect(error).toMatchObject({ reason: 'authentication', cause: { code: 45 } });
});

test('SASL on plain TCP is refused with the reason, and nothing secret is said', async () => {
  const uri = `test+tcp://127.0.0.1:${scramHost.tcpPort}/default`;
  const error = await failure(uri, { credentials: loginOf(scram) });
  expect(error.reason).toBe('authentication');
  expect(error.message).toContain('plain TCP');
});

test('without credentials the error says where they may be given', async () => {
  const nothing = join(dir.path, 'empty.conf');
  writeFileSync(nothing, '');
  const error = await failure(tlsUri(scramHost, `&authfile=${nothing}`));
  expect(error.reason).toBe('authentication');
  expect(error.message).toContain('authfile=');
});

test('credentials come from a file of the format of libvirt', async () => {
  const file = join(dir.path, 'auth.conf');
  const { username, password } = loginOf(scram);
  writeFileSync(
    file,
    `[credentials-x]\nauthname=${username}\npassword=${password}\n\n[auth-libvirt-127.0.0.1]\ncredentials=x\n`,
  );
  await using session = await connect(tlsUri(scramHost, `&authfile=${file}`));
  expect(await session.connectGetType()).toBe('TEST');
});
