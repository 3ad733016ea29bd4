import { join } from 'node:path';
import {
  freePort,
  makePki,
  startRedis,
  tempDir,
  waitFor,
  type RedisServer,
} from '@virtscope/testkit';
import { expect, test } from 'vitest';
import { createLogger } from './log.ts';
import { maxRedisCommands, RedisCache, RedisError } from './redis.ts';

const log = createLogger('test', 'test', 'silent');

function open(redisUrl: string): RedisCache {
  return new RedisCache({ name: 'test', env: { redisUrl }, log });
}

async function openReady(redis: RedisServer): Promise<RedisCache> {
  const cache = open(redis.url);
  await waitFor(() => cache.isReady, { what: 'Redis to be connected' });
  return cache;
}

test('what is set is there until its time has come', async () => {
  await using redis = await startRedis();
  await using cache = await openReady(redis);
  expect(await cache.get('key')).toBeUndefined();
  expect(await cache.has('key')).toBe(false);
  await cache.set('key', 'täxt', 1);
  expect(await cache.get('key')).toBe('täxt');
  expect(await cache.has('key')).toBe(true);
  await waitFor(async () => !(await cache.has('key')), { what: 'the key to expire' });
});

test('while Redis is away commands fail at once, and it is used again when it returns', async () => {
  await using redis = await startRedis();
  await using cache = await openReady(redis);
  let returns = 0;
  cache.onReady(() => (returns += 1));
  await redis.kill();
  await waitFor(() => !cache.isReady, { what: 'the loss to be noticed' });
  await expect(cache.get('key')).rejects.toThrow(RedisError);
  await expect(cache.set('key', 'text', 60)).rejects.toThrow(
    `Redis at 127.0.0.1:${redis.port}: SET key: `,
  );
  await redis.start();
  await waitFor(() => returns === 1, { what: 'Redis to return' });
  await cache.set('key', 'text', 60);
  expect(await cache.get('key')).toBe('text');
});

test('a Redis that was never there does no harm, and its password is in no error', async () => {
  await using cache = open('redis://user:secret@127.0.0.1:1/0');
  const error = await cache.get('key').catch((each: unknown) => each);
  expect(error).toBeInstanceOf(RedisError);
  expect(String(error)).toContain('127.0.0.1:1');
  expect(String(error)).not.toContain('secret');
});

test('a hung Redis: commands end by their deadline, too many fail at once, then it is used again', async () => {
  await using redis = await startRedis();
  await using cache = await openReady(redis);
  redis.pause();
  const waiting = Array.from({ length: maxRedisCommands }, () => cache.get('key'));
  const settled = Promise.allSettled(waiting);
  await expect(cache.get('key')).rejects.toThrow(`${maxRedisCommands} commands wait already`);
  expect((await settled).filter(({ status }) => status === 'fulfilled')).toEqual([]);
  redis.resume();
  await waitFor(() => cache.get('key').then(() => true), { what: 'Redis to answer again' });
});

test('a claim is its maker’s: who has another token neither prolongs nor settles it', async () => {
  await using redis = await startRedis();
  await using cache = await openReady(redis);
  const claim = { key: '{k}:claim', token: 'a' };
  const result = { key: '{k}:result', text: 'found', ttlSeconds: 60 };
  expect(await cache.setIfAbsent(claim.key, 'a', 60_000)).toBe(true);
  expect(await cache.setIfAbsent(claim.key, 'b', 60_000)).toBe(false);
  expect(await cache.prolong(claim.key, 'b', 60_000)).toBe(false);
  expect(await cache.prolong(claim.key, 'a', 60_000)).toBe(true);
  expect(await cache.settle({ ...claim, token: 'b' }, result)).toBe(false);
  expect(await cache.get(result.key)).toBeUndefined();
  expect(await cache.settle(claim, result)).toBe(true);
  expect(await cache.get(result.key)).toBe('found');
  expect(await cache.has(claim.key)).toBe(false);
});

test('over TLS, as a user with few rights, under a prefix of its own', async () => {
  await using dir = await tempDir('vs-redis-tls-');
  makePki(dir.path);
  const port = await freePort();
  const file = (name: string): string => join(dir.path, name);
  const args =
    `--tls-port ${port} --tls-auth-clients no --tls-cert-file ${file('servercert.pem')}` +
    ` --tls-key-file ${file('serverkey.pem')} --tls-ca-cert-file ${file('cacert.pem')}`;
  await using redis = await startRedis({ args: args.split(' ') });
  // As docs/operations.md gives it.
  await redis.command(
    'ACL SETUSER caps on >secret ~site1:* +get +set +del +exists +eval +pexpire +lpush +ltrim +lrange +expire +multi +exec +info +client +ping',
  );
  const env = {
    redisUrl: `rediss://caps:secret@127.0.0.1:${port}`,
    redisCaFile: file('cacert.pem'),
    redisKeyPrefix: 'site1:',
  };
  await using cache = new RedisCache({ name: 'test', env, log });
  await waitFor(() => cache.isReady, { what: 'Redis to be connected' });
  await cache.set('key', 'text', 60);
  expect(await cache.get('key')).toBe('text');
  for (const text of ['a', 'b', 'c']) await cache.push('list', text, 2, 60);
  expect(await cache.list('list')).toEqual(['c', 'b']);
  await using plain = await openReady(redis);
  expect(await plain.get('site1:key')).toBe('text');
  expect(await cache.setIfAbsent('{k}:claim', 'a', 60_000)).toBe(true);
  expect(await cache.prolong('{k}:claim', 'a', 60_000)).toBe(true);
  const result = { key: '{k}:result', text: 'found', ttlSeconds: 60 };
  expect(await cache.settle({ key: '{k}:claim', token: 'a' }, result)).toBe(true);
  await using stranger = new RedisCache({ name: 'test', env: { ...env, redisKeyPrefix: '' }, log });
  await waitFor(() => stranger.isReady, { what: 'Redis to be connected' });
  await expect(stranger.get('site2:key')).rejects.toThrow(/NOPERM|No permissions/);
});

test('a Redis that refuses writes says so in the error', async () => {
  await using redis = await startRedis({ args: ['--maxmemory', '1'] });
  await using cache = await openReady(redis);
  await expect(cache.set('key', 'text', 60)).rejects.toThrow(/OOM/);
  expect(await cache.get('key')).toBeUndefined();
});
