/**
 * Runs one package's unit or daemon tests, and leaves a JSON report for `test-report.ts`:
 *
 *     node tools/vitest-run.ts unit|daemons PACKAGE_FOLDER [more vitest arguments]
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { daemonTestPattern } from './test-kinds.ts';

const [kind, folder, ...rest] = process.argv.slice(2);
if ((kind !== 'unit' && kind !== 'daemons') || folder === undefined) {
  console.error('usage: node tools/vitest-run.ts unit|daemons PACKAGE_FOLDER');
  process.exit(2);
}
const root = resolve(import.meta.dirname, '..');
const { name } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
  name: string;
};
const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
  .filter((file) => daemonTestPattern.test(file) === (kind === 'daemons'))
  .map((file) => join(folder, file));
if (files.length === 0) {
  console.log(`${folder} has no ${kind === 'unit' ? 'unit tests' : 'tests that start daemons'}`);
  process.exit(0); // without a file vitest would run the whole repository's
}
// nx substitutes {projectName} in its outputs without the slash being special: keep it so here.
const report = join('.nx/reports', `${name}.${kind === 'unit' ? 'unit' : 'daemons'}.json`);
const result = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...(kind === 'daemons' ? ['--no-file-parallelism'] : []),
    ...rest,
    ...files,
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exit(result.status ?? 1);
