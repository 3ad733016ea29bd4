import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Health,
  connectNats,
  createLogger,
  ensureBus,
  readEnv,
  systemClock,
} from '@virtscope/runtime';
import { startNats, tempDir } from '@virtscope/testkit';
import { expect, test } from 'vitest';

const program = join(import.meta.dirname, 'fleet-apply.ts');

test('an inventory is applied, and one that would take out many only when it is meant', async () => {
  await using nats = await startNats();
  await using dir = await tempDir('vs-apply-');
  const stop = new AbortController();
  const { signal } = stop;
  const log = createLogger('test', 'test', 'silent');
  const env = readEnv({ VIRTSCOPE_NATS_URL: nats.url });
  await using nc = await connectNats({ name: 'test', env, log, health: new Health(), signal });
  await ensureBus(nc, { clock: systemClock, log, signal });
  const file = join(dir.path, 'fleet.yaml');
  const write = (...ids: string[]): void => {
    const lines = ids.map((id) => `  - { id: ${id}, uri: "qemu:///system" }`);
    writeFileSync(file, ['hosts:', ...lines, ''].join('\n'));
  };
  const apply = (...args: string[]): Promise<{ code: number; said: string }> =>
    new Promise((resolve) => {
      const { execPath } = process;
      const options = { env: { ...process.env, VIRTSCOPE_NATS_URL: nats.url } };
      execFile(execPath, [program, ...args], options, (error, stdout, stderr) => {
        resolve({ code: Number(error?.code ?? 0), said: stdout + stderr });
      });
    });
  write('hv1', 'hv2', 'hv3');
  expect(await apply(file)).toEqual({
    code: 0,
    said: 'applied 3 hosts of source fleet; 3 are wanted in all\n',
  });
  write('hv4');
  expect(await apply(file, '--source', 'lab')).toMatchObject({
    code: 0,
    said: 'applied 1 hosts of source lab; 4 are wanted in all\n',
  });
  write('hv1');
  const refused = await apply(file);
  expect([refused.code, refused.said]).toEqual([1, expect.stringContaining('2 of 3 hosts')]);
  expect((await apply(file, '--allow-removals')).code).toBe(0);
  write('bad id');
  const bad = await apply(file);
  expect([bad.code, bad.said]).toEqual([2, expect.stringContaining('hosts.0.id')]);
  expect((await apply()).code).toBe(2);
  expect((await apply(join(dir.path, 'none.yaml'))).code).toBe(2);
  stop.abort();
});
