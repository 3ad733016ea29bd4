import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { installForTests } from '../install/install.ts';
import { root } from '../paths.ts';
import { type Progress, formatSeconds } from '../progress.ts';
import { runVisibly } from '../run-visibly.ts';

type Check = { what: string; command: string; args: readonly string[] };

/** In this order: what is fast and says most first. */
const checks: readonly Check[] = [
  { what: 'format', command: 'oxfmt', args: ['--check'] },
  { what: 'lint', command: 'oxlint', args: [] },
  { what: 'boundaries', command: 'node', args: ['tools/boundaries.ts'] },
  { what: 'types', command: 'nx', args: ['run-many', '-t', 'typecheck'] },
  { what: 'unit tests', command: 'nx', args: ['run-many', '-t', 'test'] },
  {
    what: 'tests with daemons',
    command: 'nx',
    args: ['run-many', '-t', 'itest', '--parallel=1'],
  },
];

/**
 * Runs every check and every test, whatever fails on the way; the report of all tests comes
 * last, and its last line counts them.
 *
 * @returns 0 when all is well
 */
export async function test(options: { full: boolean }, progress: Progress): Promise<number> {
  const env: Record<string, string> = options.full ? { VIRTSCOPE_FULL: '1' } : {};
  const failed: string[] = [];
  heading('servers');
  await installForTests(progress).catch((error: Error) => {
    console.error(error.message);
    failed.push('servers');
  });
  // A report of an earlier run must not stand in for one that is not written now; those of
  // cached tests come back from the cache.
  rmSync(join(root, '.nx/reports'), { recursive: true, force: true });
  for (const { what, command, args } of checks) {
    heading(what);
    const beganMs = performance.now();
    const code = await runVisibly(command, args, env);
    console.log(
      `${what}: ${code === 0 ? 'ok' : 'FAILED'} (${formatSeconds(performance.now() - beganMs)})`,
    );
    if (code !== 0) failed.push(what);
  }
  heading('report');
  return runVisibly('node', ['tools/test-report.ts', ...failed.map((what) => `--failed=${what}`)]);
}

function heading(what: string): void {
  console.log(`\n== ${what}`);
}
