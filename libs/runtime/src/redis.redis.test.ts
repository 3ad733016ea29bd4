import { startRedis, waitFor, type RedisServer } from '@virtscope/testkit';
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

test('a Redis that refuses writes says so in the error', async () => {
  await using redis = await startRedis({ args: ['--maxmemory', '1'] });
  await using cache = await openReady(redis);
  await expect(cache.set('key', 'text', 60)).rejects.toThrow(/OOM/);
  expect(await cache.get('key')).toBeUndefined();
});
