/**
 * Gives every workspace package its nx targets by the files that it has, so that no package
 * repeats scripts:
 *
 * - `typecheck`  tsc over the package, cached
 * - `test`       unit tests (`*.test.ts`), cached
 * - `itest`      tests that start daemons (`*.libvirtd.test.ts`, `*.nats.test.ts`, ...), never cached
 * - `serve`      `node --watch src/main.ts` for the services
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { daemonTestPattern } from './test-kinds.ts';

type Target = Record<string, unknown>;
type Context = { workspaceRoot: string };

const run = (command: string, extra: Target = {}): Target => ({
  executor: 'nx:run-commands',
  options: { command, cwd: '{workspaceRoot}' },
  ...extra,
});

function targetsOf(workspaceRoot: string, root: string): Record<string, Target> {
  const dir = join(workspaceRoot, root);
  const files = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(
    (file) => !file.includes('node_modules'),
  );
  const tests = files.filter((file) => file.endsWith('.test.ts'));
  const targets: Record<string, Target> = {};
  if (existsSync(join(dir, 'tsconfig.json'))) {
    targets['typecheck'] = run(`tsc -p ${root}/tsconfig.json`);
  }
  if (tests.some((file) => !daemonTestPattern.test(file))) {
    targets['test'] = run(`node tools/vitest-run.ts unit ${root}`);
  }
  if (tests.some((file) => daemonTestPattern.test(file))) {
    targets['itest'] = run(`node tools/vitest-run.ts daemons ${root}`, { parallelism: false });
  }
  if (existsSync(join(dir, 'src/main.ts'))) {
    targets['serve'] = run(`node --watch ${root}/src/main.ts`, { continuous: true });
  }
  return targets;
}

export const createNodesV2 = [
  '{apps/*,libs/*,infra/dev,e2e,bench,tools,examples}/package.json',
  (configs: readonly string[], _options: unknown, context: Context) =>
    configs
      .filter((config) => !config.includes('node_modules'))
      .map((config) => {
        const root = dirname(config);
        return [
          config,
          { projects: { [root]: { root, targets: targetsOf(context.workspaceRoot, root) } } },
        ];
      }),
];
