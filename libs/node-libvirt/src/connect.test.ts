import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connect } from './connect.ts';
import { ConnectError, InvalidUriError, LibvirtError } from './errors.ts';
import { type Script, ScriptedServer } from './testing/scripted-server.ts';
import { until } from './testing/until.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nlv-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function failure(
  uri: string,
  options?: Parameters<typeof connect>[1],
): Promise<ConnectError> {
  const error = await connect(uri, options).then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ConnectError);
  return error as ConnectError;
}

test('no socket: the error names its path and what to look for', async () => {
  const path = join(folder, 'none');
  const error = await failure(`qemu:///system?socket=${path}`);
  expect(error).toMatchObject({ reason: 'not-found', address: path });
  expect(error.message).toContain(path);
  expect(error.message).toContain('libvirtd');
});

test('a socket that nobody listens on is refused', async () => {
  const path = join(folder, 'sock');
  const server = createServer().listen(path);
  await once(server, 'listening');
  // A file that is no socket refuses as well.
  writeFileSync(join(folder, 'file'), '');
  const error = await failure(`qemu:///system?socket=${join(folder, 'file')}`);
  expect(error.reason).toBe('refused');
  server.close();
});

test('a socket that this user may not open says so', async () => {
  await using server = await ScriptedServer.start();
  chmodSync(server.path, 0);
  // Root may open everything: be nobody for the moment of asking.
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  const attempt = failure(server.uri);
  if (root) process.seteuid?.(0);
  expect((await attempt).reason).toBe('permission');
});

test('a path that does not fit a socket address says so', async () => {
  const error = await failure(`qemu:///system?socket=/${'x'.repeat(107)}`);
  expect(error.message).toContain('107 bytes');
});

test('a daemon that accepts and says nothing is given up at the deadline', async () => {
  await using server = await ScriptedServer.start({ bringUp: false });
  const error = await failure(server.uri, { connectTimeoutMs: 50 });
  expect(error).toMatchObject({ reason: 'deadline', address: server.path });
  expect(error.message).toContain('50 ms');
  await until('nothing is left open', () => server.peer.closed);
});

test('a daemon that hangs up during bring-up says so', async () => {
  await using server = await ScriptedServer.start({
    bringUp: false,
    onFrame: (_, peer) => peer.hangUp(),
  });
  expect((await failure(server.uri)).reason).toBe('hung-up');
});

test('a peer that speaks something else is recognised', async () => {
  await using server = await ScriptedServer.start({
    bringUp: false,
    onFrame: (_, peer) => peer.raw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')),
  });
  expect((await failure(server.uri)).reason).toBe('protocol');
});

const authTypes = (...types: number[]): Script => ({
  bringUp: false,
  onFrame: (call, peer) => {
    if (call.procedure === 66) {
      peer.reply(call, (writer) => {
        writer.uint(types.length);
        for (const type of types) writer.int(type);
      });
    } else if (call.procedure === 70) {
      peer.refuse(call, 45, 'authentication failed', 60);
    } else {
      peer.refuse(call, 39, 'authentication required', 7);
    }
  },
});

test('polkit is asked when the daemon wants it, and its refusal is one of authentication', async () => {
  await using server = await ScriptedServer.start(authTypes(2));
  const error = await failure(server.uri);
  expect(error.reason).toBe('authentication');
  expect(error.cause).toBeInstanceOf(LibvirtError);
  expect(server.peer.calls(70)).toHaveLength(1);
});

test('an authentication that nobody knows is one of the protocol', async () => {
  await using server = await ScriptedServer.start(authTypes(9));
  expect((await failure(server.uri)).reason).toBe('protocol');
});

test('a driver that the daemon does not have is told by its code', async () => {
  await using server = await ScriptedServer.start({
    bringUp: false,
    onFrame: (call, peer) => {
      if (call.procedure === 66) peer.reply(call, (writer) => writer.uint(0));
      else if (call.procedure === 60) peer.reply(call, (writer) => writer.int(0));
      else peer.refuse(call, 5, 'no connection driver available', 0);
    },
  });
  const error = await failure(server.uri);
  expect(error).toMatchObject({ reason: 'refused-by-libvirt', cause: { code: 5 } });
});

test('aborting ends the attempt with the reason of the caller', async () => {
  await using server = await ScriptedServer.start({ bringUp: false });
  const abort = new AbortController();
  const attempt = connect(server.uri, { signal: abort.signal });
  await until('it has begun', () => server.peers.length === 1);
  const reason = new Error('shutting down');
  abort.abort(reason);
  await expect(attempt).rejects.toBe(reason);
  await until('nothing is left open', () => server.peer.closed);
  await expect(connect(server.uri, { signal: abort.signal })).rejects.toBe(reason);
});

test('a wrong URI or a wrong option fails before anything is opened', async () => {
  await using server = await ScriptedServer.start();
  await expect(connect('qemu:///system?sock=1')).rejects.toThrow(InvalidUriError);
  await expect(server.connect({ maxInFlight: 0 })).rejects.toThrow(RangeError);
  await expect(server.connect({ connectTimeoutMs: -1 })).rejects.toThrow(RangeError);
  expect(server.peers).toHaveLength(0);
});

test('a writable session says so in OPEN', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect({ readOnly: false });
  expect(server.peer.calls(1)[0]?.payload.readUInt32BE(24)).toBe(0);
  expect(session.uri).toBe(server.uri);
});
