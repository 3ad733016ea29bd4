import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createLogger } from './log.ts';
import { watchYamlFile } from './watch-file.ts';
import { YamlFileError, readYamlFile } from './yaml-file.ts';

const dir = mkdtempSync(join(tmpdir(), 'vs-yaml-'));
const file = join(dir, 'fleet.yaml');
const log = createLogger('test', 'test', 'silent');

afterAll(() => rmSync(dir, { recursive: true }));

test('a value is located by line and column, a missing one by its nearest parent', async () => {
  writeFileSync(file, 'hosts:\n  - id: a\n  - id: b c\n');
  const yaml = await readYamlFile(file);
  expect(yaml.value).toEqual({ hosts: [{ id: 'a' }, { id: 'b c' }] });
  expect(yaml.locate(['hosts', 1, 'id'])).toBe(`${file}:3:9`);
  expect(yaml.locate(['hosts', 1, 'uri'])).toBe(`${file}:3:5`);
  expect(yaml.locate(['nothing'])).toBe(`${file}:1:1`);
});

test('what is no YAML, or is not there, is an error with file, line and reason', async () => {
  writeFileSync(file, 'hosts: [\n');
  await expect(readYamlFile(file)).rejects.toThrow(new RegExp(`^${file}:2:1: `));
  await expect(readYamlFile(join(dir, 'none'))).rejects.toThrow(YamlFileError);
});

test('aliases cannot make a small file a huge value', async () => {
  const bomb = [
    'a: &a [x]',
    ...'bcdefgh'.split('').map((name, i) => {
      const before = 'abcdefgh'[i] ?? '';
      return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(', ')}]`;
    }),
  ].join('\n');
  writeFileSync(file, bomb);
  await expect(readYamlFile(file)).rejects.toThrow();
});

test('a changed file is read again; one that turned bad leaves what was read before', async () => {
  const stop = new AbortController();
  const contents: unknown[] = [];
  const changed = Promise.withResolvers<void>();
  writeFileSync(file, 'a: 1');
  await watchYamlFile(file, { log, signal: stop.signal }, ({ value }) => {
    contents.push(value);
    if (contents.length === 2) changed.resolve();
  });
  writeFileSync(file, 'a: [');
  writeFileSync(file, 'a: 22');
  await changed.promise;
  stop.abort();
  expect(contents).toEqual([{ a: 1 }, { a: 22 }]);
});
