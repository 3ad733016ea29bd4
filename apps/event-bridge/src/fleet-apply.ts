/**
 * `fleet apply`: makes the entries of one source in the bucket `virt_hosts` those of an inventory file,
 * and writes the source's mark last. event-bridge does the same by itself for its own file.
 *
 *     VIRTSCOPE_NATS_URL=nats://127.0.0.1:4222 node fleet-apply.ts FILE [--source NAME] [--allow-removals]
 *
 * Exit codes: 0 applied; 1 the bus refused or does not answer; 2 the arguments or the file are wrong.
 * A file with one bad entry is not applied: nobody is there to keep what was wanted before.
 */
import { parseArgs } from 'node:util';
import { hostEntry, inventoryOf, mayRemove } from '@virtscope/fleet';
import {
  EnvError,
  Health,
  YamlFileError,
  applyInventory,
  connectNats,
  createLogger,
  readEnv,
  readYamlFile,
} from '@virtscope/runtime';

const name = 'fleet-apply';
/** An operator waits for it: beyond this the bus is not there. */
const timeoutMs = 30_000;

class UsageError extends Error {}

process.exitCode = await apply().then(
  (said) => {
    process.stdout.write(`${said}\n`);
    return 0;
  },
  (error: unknown) => {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`);
    const isOurs =
      error instanceof UsageError || error instanceof EnvError || error instanceof YamlFileError;
    return isOurs ? 2 : 1;
  },
);

async function apply(): Promise<string> {
  const { file, source, allowRemovals } = argumentsOf(process.argv.slice(2));
  const read = await readYamlFile(file);
  const { hosts, problems, allowRemovals: fileAllows } = inventoryOf(read, []);
  if (hosts === undefined || problems.length > 0) throw new UsageError(problems.join('\n'));
  const signal = AbortSignal.timeout(timeoutMs);
  const log = createLogger(name, name, 'silent');
  const env = readEnv(process.env);
  const nc = await connectNats({ name, env, log, health: new Health(), signal });
  try {
    const entries = hosts.map((host) => hostEntry(host, source));
    const mayTake = allowRemovals || fileAllows ? (all: number) => all : mayRemove;
    const wanted = await applyInventory(nc, source, entries, mayTake);
    return `applied ${hosts.length} hosts of source ${source}; ${wanted.size} are wanted in all`;
  } finally {
    await nc.close();
  }
}

function argumentsOf(args: string[]): { file: string; source: string; allowRemovals: boolean } {
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: { source: { type: 'string' }, 'allow-removals': { type: 'boolean' } },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  const { positionals, values } = parsed;
  const [file, ...rest] = positionals;
  if (file === undefined || rest.length > 0) {
    throw new UsageError('usage: fleet-apply FILE [--source NAME] [--allow-removals]');
  }
  const { source = 'fleet' } = values;
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(source)) {
    throw new UsageError(`--source ${source}: letters, digits, "_" and "-"`);
  }
  return { file, source, allowRemovals: values['allow-removals'] === true };
}
