import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { remainsOfKilledOwner } from './killed-owner.ts';
import { startRedis } from './redis-server.ts';
import { ServerStartError } from './server-process.ts';
import { tempDir } from './temp-dir.ts';

async function ask(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`${command}\r\n`);
  const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(5_000) })) as [Buffer];
  socket.destroy();
  return answer.toString().trim();
}

test('a started redis-server serves on its port, and flush empties it', async () => {
  await using redis = await startRedis();
  expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`);
  expect(await ask(redis.port, 'SET key value')).toBe('+OK');
  await redis.flush();
  expect(await ask(redis.port, 'DBSIZE')).toBe(':0');
});

test('a restarted redis-server keeps its port and forgets its keys', async () => {
  await using redis = await startRedis();
  const { port } = redis;
  await ask(port, 'SET key value');
  await redis.kill();
  await expect(ask(port, 'PING')).rejects.toThrow();
  await redis.restart();
  expect(redis.port).toBe(port);
  expect(await ask(port, 'DBSIZE')).toBe(':0');
});

test('a redis-server that cannot start says why with the end of its log', async () => {
  await expect(startRedis({ args: ['--no-such-option', 'yes'] })).rejects.toThrow(ServerStartError);
  await expect(startRedis({ args: ['--no-such-option', 'yes'] })).rejects.toThrow(/no-such-option/);
});

test('an owner killed with SIGKILL leaves no redis-server', async () => {
  await using dir = await tempDir();
  const remains = await remainsOfKilledOwner('redis', dir.path);
  expect(remains).toEqual({ started: 1, processes: [], mounts: [] });
});
