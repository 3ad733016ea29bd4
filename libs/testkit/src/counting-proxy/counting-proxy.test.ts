import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import {
  bareFrame,
  keepaliveProgram,
  remoteProgram,
  statusError,
  statusOk,
  typeCall,
  typeMessage,
  typeReply,
} from '../libvirt-wire/frame.ts';
import { tempDir } from '../temp-dir.ts';
import { waitFor } from '../wait-for.ts';
import { emptyBill, sumOf } from './bill.ts';
import { maxClosedConnections, startCountingProxy } from './counting-proxy.ts';

const frame = (program: number, procedure: number, type: number, status = statusOk): Buffer =>
  bareFrame({ program, procedure, type, serial: 1, status });

/** A daemon that does with each connection what it is told. */
async function daemon(
  path: string,
  serve: (socket: Socket) => void,
): Promise<AsyncDisposable & { server: Server }> {
  const server = createServer({ allowHalfOpen: true }, serve);
  server.listen(path);
  await once(server, 'listening');
  return {
    server,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

test('both directions pass unchanged, and each frame is on the bill under its name', async () => {
  const up = Buffer.concat([
    frame(remoteProgram, 66, typeCall),
    frame(remoteProgram, 344, typeCall),
    frame(remoteProgram, 344, typeCall),
    frame(keepaliveProgram, 2, typeMessage),
    frame(remoteProgram, 999, typeCall),
  ]);
  const down = Buffer.concat([
    frame(remoteProgram, 66, typeReply),
    frame(remoteProgram, 344, typeReply),
    frame(remoteProgram, 344, typeReply, statusError),
    frame(keepaliveProgram, 1, typeMessage),
    frame(remoteProgram, 318, typeMessage),
    frame(remoteProgram, 0, 3),
  ]);
  await using dir = await tempDir();
  const target = join(dir.path, 'daemon');
  let arrived: Promise<Buffer> | undefined;
  await using _daemon = await daemon(target, (socket) => {
    arrived = buffer(socket);
    socket.end(down);
  });
  await using proxy = await startCountingProxy({ target });
  const client = connect({ path: proxy.socket, allowHalfOpen: true });
  for (const byte of up) client.write(Buffer.from([byte]));
  client.end();
  expect((await buffer(client)).equals(down)).toBe(true);
  expect((await arrived)?.equals(up)).toBe(true);
  expect(proxy.bill()).toEqual({
    calls: { authList: 1, connectGetAllDomainStats: 2, 'procedure-999': 1 },
    replies: { authList: 1, connectGetAllDomainStats: 2 },
    refusals: { connectGetAllDomainStats: 1 },
    events: { domainEventCallbackLifecycle: 1 },
    pings: { fromClient: 0, fromDaemon: 1 },
    pongs: { fromClient: 1, fromDaemon: 0 },
    others: { fromClient: 0, fromDaemon: 1 },
    bytes: { fromClient: up.length, fromDaemon: down.length },
    unreadable: false,
  });
  expect(sumOf(proxy.bill().calls)).toBe(4);
});

test('what is no frame passes unchanged as well, and the bill says that it is no proof', async () => {
  await using dir = await tempDir();
  const target = join(dir.path, 'daemon');
  await using _daemon = await daemon(target, (socket) => socket.pipe(socket));
  await using proxy = await startCountingProxy({ target });
  const noise = Buffer.alloc(1_000_000, 'GET / HTTP/1.1\r\n');
  const client = connect({ path: proxy.socket, allowHalfOpen: true });
  client.end(noise);
  expect((await buffer(client)).equals(noise)).toBe(true);
  const { unreadable, calls, bytes } = proxy.bill();
  expect({ unreadable, calls }).toEqual({ unreadable: true, calls: {} });
  expect(bytes).toEqual({ fromClient: noise.length, fromDaemon: noise.length });
});

test('each connection has its own bill, and a reset begins all of them anew', async () => {
  await using dir = await tempDir();
  const target = join(dir.path, 'daemon');
  await using _daemon = await daemon(target, (socket) => socket.pipe(socket));
  await using proxy = await startCountingProxy({ target });
  const one = connect(proxy.socket);
  const two = connect(proxy.socket);
  const ask = async (socket: Socket, procedure: number): Promise<void> => {
    socket.write(frame(remoteProgram, procedure, typeCall));
    await once(socket, 'data');
  };
  await ask(one, 212);
  await ask(two, 14);
  await ask(two, 14);
  const calls = (): unknown[] =>
    proxy.connections().map(({ number, bill }) => [number, bill.calls]);
  expect(calls()).toEqual([
    [1, { domainGetState: 1 }],
    [2, { domainGetXmlDesc: 2 }],
  ]);
  expect(proxy.bill().calls).toEqual({ domainGetState: 1, domainGetXmlDesc: 2 });
  two.destroy();
  await waitFor(() => proxy.connections()[1]?.open === false, { what: 'the second to close' });
  proxy.reset();
  expect(proxy.bill()).toEqual(emptyBill());
  await ask(one, 3);
  expect(calls()).toEqual([[1, { connectGetType: 1 }]]);
  one.destroy();
});

test('of closed connections the newest are remembered, and the total remembers all', async () => {
  await using dir = await tempDir();
  const target = join(dir.path, 'daemon');
  await using _daemon = await daemon(target, (socket) => socket.pipe(socket));
  await using proxy = await startCountingProxy({ target });
  const count = maxClosedConnections + 5;
  for (let i = 0; i < count; i++) {
    const client = connect(proxy.socket);
    client.end(frame(remoteProgram, 66, typeCall));
    await buffer(client);
  }
  const numbers = (): number[] => proxy.connections().map(({ number }) => number);
  await waitFor(() => numbers().length === maxClosedConnections, { what: 'the last to close' });
  expect(numbers()[0]).toBe(6);
  expect(proxy.bill().calls).toEqual({ authList: count });
});

test('a daemon that is not there hangs up on the client, and is there as soon as it comes', async () => {
  await using dir = await tempDir();
  const target = join(dir.path, 'daemon');
  await using proxy = await startCountingProxy({ target });
  const early = connect(proxy.socket);
  await once(early, 'close');
  await using _daemon = await daemon(target, (socket) => socket.pipe(socket));
  const client = connect(proxy.socket);
  client.write(frame(remoteProgram, 66, typeCall));
  await once(client, 'data');
  expect(proxy.bill().calls).toEqual({ authList: 1 });
  client.destroy();
});

test('the end of the proxy is the end of its connections', async () => {
  await using dir = await tempDir();
  const target = join(dir.path, 'daemon');
  await using _daemon = await daemon(target, (socket) => socket.pipe(socket));
  const proxy = await startCountingProxy({ target });
  const client = connect(proxy.socket);
  client.write(frame(remoteProgram, 66, typeCall));
  await once(client, 'data');
  const closed = once(client, 'close');
  await proxy[Symbol.asyncDispose]();
  await closed;
  expect(client.destroyed).toBe(true);
  await proxy[Symbol.asyncDispose]();
});
