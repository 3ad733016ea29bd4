/** What a stranger gets: the examples, and the packed package outside of the workspace. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { cpSync, globSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type Libvirtd,
  type TempDir,
  defineAndStart,
  pulseGuest,
  startLibvirtd,
  tempDir,
} from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pack } from '../pack.ts';
import { until } from './testing/until.ts';

const run = promisify(execFile);
const examples = join(import.meta.dirname, '../examples');
const uuid = '6695eb01-f6a4-8304-79aa-97f2502e193f';
let daemon: Libvirtd;
let outside: TempDir;

beforeAll(async () => {
  daemon = await startLibvirtd({ name: 'pkg' });
  await defineAndStart(daemon, pulseGuest(daemon.dir, { name: 'pulse' }));
  outside = await tempDir('nlv-out-');
});
afterAll(async () => {
  await daemon[Symbol.asyncDispose]();
  await outside[Symbol.asyncDispose]();
});

async function example(name: string, ...args: string[]): Promise<string> {
  return (await run(process.execPath, [join(examples, name), ...args])).stdout.trim();
}

test('the first program lists the domains and then says what happens', async () => {
  const child = spawn(process.execPath, [join(examples, 'list-domains.ts'), daemon.testUri]);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  await until('it has listed', () => said.includes(`${uuid} test running`));
  await daemon.virshTest('suspend', 'test');
  await until('it has heard', () => said.includes('test suspended (paused)'));
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  expect(await exited).toBe(0);
});

test('the load of a running domain is a number of CPUs', async () => {
  expect(await example('cpu-load.ts', daemon.uri, '0.2')).toMatch(/^pulse \d+\.\d\d$/);
});

test('each failure is told apart', async () => {
  expect(await example('errors.ts', daemon.testUri, uuid)).toBe('there: test');
  const nobody = '11111111-1111-1111-1111-111111111111';
  expect(await example('errors.ts', daemon.testUri, nobody)).toBe('gone');
  expect(await example('errors.ts', 'test:///default?socket=/none', uuid)).toBe(
    'no session: not-found',
  );
});

test('the packed package installs, compiles and runs outside of the workspace', async () => {
  const tarball = pack(outside.path);
  const app = join(outside.path, 'app');
  cpSync(examples, app, { recursive: true });
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }');
  const npm = ['install', '--offline', '--no-audit', '--no-fund', tarball];
  execFileSync('npm', npm, { cwd: app, stdio: 'pipe' });
  expect(globSync('node_modules/**/*.test.*', { cwd: app })).toEqual([]);
  expect(globSync('node_modules/*', { cwd: app })).toEqual(['node_modules/node-libvirt']);
  const list = await run(process.execPath, ['errors.ts', daemon.testUri, uuid], { cwd: app });
  expect(list.stdout).toBe('there: test\n');
  const workspace = join(import.meta.dirname, '../../..');
  cpSync(join(workspace, 'node_modules/@types'), join(app, 'node_modules/@types'), {
    recursive: true,
    dereference: true,
  });
  const options =
    '--noEmit --strict --module nodenext --target es2024 --lib es2024,esnext --types node';
  const files = globSync('*.ts', { cwd: app });
  const tsc = join(workspace, 'node_modules/.bin/tsc');
  const skip = ['--skipLibCheck', '--allowImportingTsExtensions'];
  await run(tsc, [...options.split(' '), ...skip, ...files], { cwd: app });
});
