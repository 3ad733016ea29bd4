/** query-api as a process: who is let in, and what it takes to be open. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ServerStartError,
  startService,
  tempDir,
  waitFor,
  type ServiceOptions,
} from '@virtscope/testkit';
import { expect, test } from 'vitest';

const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');

/** Nobody listens there: what is asked here needs no bus. */
const options = (dir: string, env: Record<string, string>): ServiceOptions => ({
  name: 'query-api',
  dir,
  fleetFile: join(dir, 'fleet.yaml'),
  natsUrl: 'nats://127.0.0.1:1',
  redisUrl: 'redis://127.0.0.1:1',
  env,
});

test('the file of tokens is read again when it changes, and a wrong one is not used', async () => {
  await using dir = await tempDir('vs-tokens-');
  const file = join(dir.path, 'tokens.yaml');
  const write = (...tokens: string[]): void =>
    writeFileSync(
      file,
      [
        'tokens:',
        ...tokens.map((token) => `  - { name: ${token}, sha256: ${sha256(token)} }`),
      ].join('\n'),
    );
  write('one', 'two');
  await using service = await startService(options(dir.path, { VIRTSCOPE_HTTP_TOKENS: file }));
  const status = async (token: string): Promise<number> =>
    (await fetch(service.url, { headers: { authorization: `Bearer ${token}` } })).status;
  // It lives before it listens.
  await waitFor(async () => (await fetch(service.url)).status === 401, { what: 'query-api' });
  expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  expect([await status('one'), await status('two')]).toEqual([200, 200]);
  writeFileSync(file, 'tokens: [{ name: three }]');
  write('two', 'three');
  await waitFor(async () => (await status('three')) === 200, { what: 'the new token' });
  expect([await status('one'), await status('two')]).toEqual([401, 200]);
  writeFileSync(file, 'tokens: [{ name: broken }]');
  await waitFor(() => readFileSync(service.logFile, 'utf8').includes('tokens are not used'), {
    what: 'the wrong file to be refused',
  });
  expect((await service.metric('virtscope_http_refused_total')).length).toBeGreaterThan(0);
  expect(await status('three')).toBe(200);
});

test.each([
  ['open to a network', { VIRTSCOPE_HTTP_LISTEN: '0.0.0.0:0' }, /off loopback callers need tokens/],
  ['without its file', { VIRTSCOPE_HTTP_TOKENS: '/nowhere/tokens.yaml' }, /\/nowhere\/tokens.yaml/],
])('%s it does not start, and says why', async (_, env, reason) => {
  await using dir = await tempDir('vs-tokens-');
  const error = await startService(options(dir.path, env)).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(ServerStartError);
  expect(String(error)).toMatch(reason);
});
