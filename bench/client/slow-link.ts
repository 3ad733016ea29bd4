/** A far host: carries bytes between a TCP-like pair of sockets, each way late by a fixed time. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** Listens on `path`; what arrives goes on to `target` after `delayMs`, and back likewise. */
export async function slowLink(
  path: string,
  target: string,
  delayMs: number,
): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const carry = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (chunk) => {
      setTimeout(() => to.writable && to.write(chunk), delayMs);
    });
    from.on('close', () => {
      sockets.delete(from);
      setTimeout(() => to.destroy(), delayMs);
    });
    from.on('error', () => from.destroy());
  };
  const server = createServer((near) => {
    const far = connect(target);
    carry(near, far);
    carry(far, near);
  }).listen(path);
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
