import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readYamlFile } from '@virtscope/runtime';
import { tempDir } from '@virtscope/testkit';
import { expect, test } from 'vitest';
import { readTokens } from './token-file.ts';

const hash = 'a'.repeat(64);

async function read(text: string): Promise<unknown> {
  await using dir = await tempDir('vs-tokens-');
  const file = join(dir.path, 'tokens.yaml');
  writeFileSync(file, text);
  return readTokens(await readYamlFile(file));
}

test('a token has a name, a hash, and what it sees', async () => {
  expect(
    await read(`tokens:
  - { name: ops, sha256: ${hash.toUpperCase()} }
  - name: tenant-a
    sha256: ${'b'.repeat(64)}
    expires: 2030-01-01T00:00:00Z
    hosts: { zone: a }
    domains: { project: x }
`),
  ).toEqual([
    { name: 'ops', sha256: hash },
    {
      name: 'tenant-a',
      sha256: 'b'.repeat(64),
      expires: '2030-01-01T00:00:00Z',
      hosts: { zone: 'a' },
      domains: { project: 'x' },
    },
  ]);
});

test.each([
  ['no list', 'token: []', /tokens.yaml:1:\d+: .*tokens/],
  ['a token in the clear', 'tokens:\n  - { name: a, token: s3cret }', /tokens\.0/],
  ['a hash that is none', 'tokens:\n  - { name: a, sha256: s3cret }', /tokens\.0\.sha256: 64 hex/],
  ['a moment that is none', `tokens:\n  - { name: a, sha256: ${hash}, expires: soon }`, /expires/],
  [
    'two of one name',
    `tokens:\n  - { name: a, sha256: ${hash} }\n  - { name: a, sha256: ${'b'.repeat(64)} }`,
    /:3:\d+: tokens\.1\.name: another token has it/,
  ],
])('%s is refused with its place, and no secret is repeated', async (_, text, reason) => {
  const error = await read(text).catch((cause: unknown) => cause);
  expect(String(error)).toMatch(reason);
  expect(String(error)).not.toContain('s3cret');
});
