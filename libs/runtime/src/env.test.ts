import { expect, test } from 'vitest';
import { z } from 'zod';
import { EnvError, parseVariables, readEnv } from './env.ts';

test('without variables a service starts on loopback with its defaults', () => {
  expect(readEnv({})).toEqual({
    fleetFile: 'fleet.yaml',
    natsUrl: 'nats://127.0.0.1:4222',
    redisUrl: 'redis://127.0.0.1:6379',
    redisCaFile: undefined,
    redisKeyPrefix: '',
    httpListen: { host: '127.0.0.1', port: 8080 },
    managementListen: { host: '127.0.0.1', port: 0 },
    logLevel: 'info',
  });
});

test('an address may be IPv6 in brackets, and an empty variable counts as absent', () => {
  expect(readEnv({ VIRTSCOPE_HTTP_LISTEN: '[::1]:9', VIRTSCOPE_NATS_URL: '' })).toMatchObject({
    httpListen: { host: '::1', port: 9 },
    natsUrl: 'nats://127.0.0.1:4222',
  });
});

test('every bad variable is named with its value and the reason', () => {
  const bad = {
    VIRTSCOPE_HTTP_LISTEN: '8080',
    VIRTSCOPE_MANAGEMENT_LISTEN: '127.0.0.1:70000',
    VIRTSCOPE_LOG_LEVEL: 'loud',
    VIRTSCOPE_NATS_URL: 'http://x',
  };
  expect(() => readEnv(bad)).toThrow(EnvError);
  for (const [name, value] of Object.entries(bad)) {
    expect(() => readEnv({ [name]: value })).toThrow(`${name}=${value}: `);
  }
});

test("a service's own variables are read in the same way", () => {
  const shape = { VIRTSCOPE_PERIOD_MS: z.coerce.number().int().min(100).default(2_000) };
  expect(parseVariables({}, shape)).toEqual({ VIRTSCOPE_PERIOD_MS: 2_000 });
  expect(parseVariables({ VIRTSCOPE_PERIOD_MS: '500' }, shape)).toEqual({
    VIRTSCOPE_PERIOD_MS: 500,
  });
  expect(() => parseVariables({ VIRTSCOPE_PERIOD_MS: '5' }, shape)).toThrow(
    'VIRTSCOPE_PERIOD_MS=5',
  );
});
