/**
 * The workbench behind ./dev: parses the command line, runs one command, and turns what goes
 * wrong into a line on stderr and an exit code (1: it cannot be done, 2: nobody understands it).
 */
import { type Command, parseCommand } from './arguments.ts';
import { bench } from './commands/bench.ts';
import { down } from './commands/down.ts';
import { logs } from './commands/logs.ts';
import { status } from './commands/status.ts';
import { test } from './commands/test.ts';
import { up } from './commands/up.ts';
import { installForTests } from './install/install.ts';
import { pathsOf } from './paths.ts';
import { lineProgress } from './progress.ts';
import { UsageError, usage } from './usage.ts';

const paths = pathsOf(process.env);
const progress = lineProgress((line) => console.log(line));

async function run(command: Command): Promise<number> {
  switch (command.type) {
    case 'up':
      await up(command, paths, progress, interruption());
      return 0;
    case 'fleet': {
      const { detach, port, hosts, domains, churn } = command;
      const fleet = { hosts, domains, churn };
      await up({ detach, port, domains: 0, fleet }, paths, progress, interruption());
      return 0;
    }
    case 'down':
      await down(paths, progress);
      return 0;
    case 'status':
      await status(paths, command);
      return 0;
    case 'logs':
      return logs(paths, command);
    case 'test':
      return test(command, progress);
    case 'bench':
      return bench(command.name, command.args);
    case 'install':
      await installForTests(progress);
      return 0;
    case 'help':
      process.stdout.write(usage);
      return 0;
  }
}

/** Aborts at the first Ctrl-C or SIGTERM, so that what runs is ended in order. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => controller.abort(new Error(`ended by ${signal}`)));
  }
  return controller.signal;
}

try {
  process.exitCode = await run(parseCommand(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
