import { createServer as createTcpServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import {
  type Libvirtd,
  startLibvirtd,
  type TempDir,
  tempDir,
  makePki,
  mixPki,
} from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connect, type ConnectOptions } from './connect.ts';
import { ConnectError } from './errors.ts';

let dir: TempDir;
let host: Libvirtd;
let ours: string;
let strangers: string;

beforeAll(async () => {
  dir = await tempDir();
  ours = join(dir.path, 'pki');
  strangers = join(dir.path, 'strangers');
  makePki(ours);
  makePki(strangers);
  host = await startLibvirtd({ listen: { tcp: true, tls: { pkiFolder: ours } } });
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
  await dir[Symbol.asyncDispose]();
});

const tlsUri = (name: string, pki: string, more = ''): string =>
  `test+tls://${name}:${host.tlsPort}/default?pkipath=${pki}${more}`;

async function failure(uri: string, options?: ConnectOptions): Promise<ConnectError> {
  const error = await connect(uri, { connectTimeoutMs: 5_000, ...options }).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

test.each(['127.0.0.1', 'localhost'])('a session over TLS to %s', async (name) => {
  await using session = await connect(tlsUri(name, ours));
  expect(await session.connectGetUri()).toBe('test:///default');
  expect(session.address).toBe(`${name}:${host.tlsPort}`);
  await using events = await session.domainEvents(['lifecycle']);
  await session.ping();
  expect(events.received).toBe(0);
});

test("a server certificate of another CA is not accepted, unless we don't look", async () => {
  const pki = mixPki(join(dir.path, 'foreign-ca'), {
    'cacert.pem': join(strangers, 'cacert.pem'),
    'clientcert.pem': join(ours, 'clientcert.pem'),
    'clientkey.pem': join(ours, 'clientkey.pem'),
  });
  const error = await failure(tlsUri('127.0.0.1', pki));
  expect(error.reason).toBe('certificate');
  await using session = await connect(tlsUri('127.0.0.1', pki, '&no_verify=1'));
  expect(await session.connectGetType()).toBe('TEST');
});

test('a server certificate for another name is not accepted', async () => {
  // The resolver makes 127.0.0.1 of it, and the certificate does not know it by that name.
  const error = await failure(tlsUri('127.1', ours));
  expect(error).toMatchObject({
    reason: 'certificate',
    cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
  });
});

test('a client certificate of another CA is told apart by the missing byte', async () => {
  const pki = mixPki(join(dir.path, 'foreign-client'), {
    'cacert.pem': join(ours, 'cacert.pem'),
    'clientcert.pem': join(strangers, 'clientcert.pem'),
    'clientkey.pem': join(strangers, 'clientkey.pem'),
  });
  expect((await failure(tlsUri('127.0.0.1', pki))).reason).toBe('certificate');
});

test('without a client certificate the daemon hangs up, and the error says what is missing', async () => {
  const pki = mixPki(join(dir.path, 'no-client'), {
    'cacert.pem': join(ours, 'cacert.pem'),
  });
  const error = await failure(tlsUri('127.0.0.1', pki));
  expect(error.reason).toBe('certificate');
  expect(error.message).toContain('our certificate');
});

test('a CA that is not there is named', async () => {
  const error = await failure(tlsUri('127.0.0.1', '/nowhere'));
  expect(error.reason).toBe('certificate');
  expect(error.message).toContain('/nowhere/cacert.pem');
});

test('a port that nobody listens on is refused', async () => {
  const error = await failure(`test+tls://127.0.0.1:1/default?pkipath=${ours}`);
  expect(error).toMatchObject({ reason: 'refused', address: '127.0.0.1:1' });
});

test('a peer that never finishes its handshake is given up at the deadline', async () => {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const uri = `test+tls://127.0.0.1:${port}/default?pkipath=${ours}`;
  expect((await failure(uri, { connectTimeoutMs: 200 })).reason).toBe('deadline');
  server.close();
});

test('a peer that does not speak TLS is recognised', async () => {
  const uri = `test+tls://127.0.0.1:${host.tcpPort}/default?pkipath=${ours}`;
  const error = await failure(uri, { connectTimeoutMs: 1_000 });
  expect(['certificate', 'hung-up', 'deadline']).toContain(error.reason);
});

test('plain TCP works where the daemon asks for nothing', async () => {
  await using session = await connect(`test+tcp://127.0.0.1:${host.tcpPort}/default`);
  expect(await session.connectGetHostname()).toBe('hv1.test');
});

test('a reply of many TLS records comes whole', async () => {
  await using session = await connect(tlsUri('127.0.0.1', ours));
  const xml = await session.connectGetCapabilities();
  expect(xml.trimEnd().endsWith('</capabilities>')).toBe(true);
});
