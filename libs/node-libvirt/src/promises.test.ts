import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '..');
const page = readFileSync(join(folder, 'docs/promises.md'), 'utf8');
const lines = [...page.matchAll(/^\| *(.+?) *\| *(.+?) *\| *(src\/\S+) *\|$/gm)];

test('each promise names a test that is there', () => {
  expect(lines.length).toBeGreaterThan(20);
  for (const [, promise, name = '', file = ''] of lines) {
    expect(readFileSync(join(folder, file), 'utf8'), promise).toContain(`'${name}'`);
  }
});
