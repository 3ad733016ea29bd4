import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { UsageError } from './usage.ts';

/** Hosts that are only simulated, instead of private libvirtd. */
export type FleetOptions = { hosts: number; domains: number; churn: number };

export type UpOptions = {
  detach: boolean;
  port: number;
  /** On the private host. */
  domains: number;
  fleet?: FleetOptions;
};

export type Command =
  | ({ type: 'up' } & UpOptions)
  | ({ type: 'fleet' } & Omit<UpOptions, 'domains' | 'fleet'> & FleetOptions)
  | { type: 'down' }
  | { type: 'status'; json: boolean }
  | { type: 'logs'; service: string | undefined; follow: boolean }
  | { type: 'test'; full: boolean }
  | { type: 'bench'; name: string | undefined; args: string[] }
  | { type: 'install' }
  | { type: 'help' };

/** More of them take minutes to start and gigabytes to run. */
const maxDomains = 200;

/** What one machine may be asked to simulate. */
const maxFleet = { hosts: 2_000, domains: 1_000, churn: 1_000 };

/** @throws {UsageError} the command line says something that nobody understands */
export function parseCommand(argv: readonly string[]): Command {
  const [name = 'help', ...rest] = argv;
  switch (name) {
    case 'up': {
      const { values } = parse(name, rest, 0, {
        detach: { type: 'boolean', default: false },
        port: { type: 'string', default: '8080' },
        domains: { type: 'string', default: '3' },
      });
      return {
        type: 'up',
        detach: values['detach'] === true,
        port: wholeNumber('--port', values['port'], 65_535),
        domains: wholeNumber('--domains', values['domains'], maxDomains),
      };
    }
    case 'fleet': {
      const { values } = parse(name, rest, 0, {
        detach: { type: 'boolean', default: false },
        port: { type: 'string', default: '8080' },
        hosts: { type: 'string', default: '100' },
        domains: { type: 'string', default: '20' },
        churn: { type: 'string', default: '5' },
      });
      return {
        type: 'fleet',
        detach: values['detach'] === true,
        port: wholeNumber('--port', values['port'], 65_535),
        hosts: wholeNumber('--hosts', values['hosts'], maxFleet.hosts),
        domains: wholeNumber('--domains', values['domains'], maxFleet.domains),
        churn: wholeNumber('--churn', values['churn'], maxFleet.churn),
      };
    }
    case 'status': {
      const { values } = parse(name, rest, 0, { json: { type: 'boolean' } });
      return { type: 'status', json: values['json'] === true };
    }
    case 'logs': {
      const { values, positionals } = parse(name, rest, 1, {
        follow: { type: 'boolean', short: 'f' },
      });
      return { type: 'logs', service: positionals[0], follow: values['follow'] === true };
    }
    case 'test': {
      const { values } = parse(name, rest, 0, { full: { type: 'boolean' } });
      return { type: 'test', full: values['full'] === true };
    }
    case 'bench':
      // What follows the name is the benchmark's own.
      return { type: 'bench', name: rest[0], args: rest.slice(1) };
    case 'down':
    case 'install':
      parse(name, rest, 0, {});
      return { type: name };
    case 'help':
    case '--help':
    case '-h':
      return { type: 'help' };
    default:
      throw new UsageError(`./dev has no command ${JSON.stringify(name)}; ./dev help lists them`);
  }
}

type Parsed = {
  values: Record<string, string | boolean | (string | boolean)[] | undefined>;
  positionals: string[];
};

function parse(
  command: string,
  args: string[],
  maxPositionals: number,
  options: ParseArgsOptionsConfig,
): Parsed {
  let parsed: Parsed;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's message names the option and what is wrong with it; its advice about `--` is not ours.
    const [reason] = (error as Error).message.split('. To specify');
    throw new UsageError(`./dev ${command}: ${reason}; ./dev help lists the options`);
  }
  const surplus = parsed.positionals[maxPositionals];
  if (surplus !== undefined) {
    throw new UsageError(
      `./dev ${command} does not know what to do with ${JSON.stringify(surplus)}; see ./dev help`,
    );
  }
  return parsed;
}

function wholeNumber(option: string, text: Parsed['values'][string], max: number): number {
  const number = Number(text);
  if (typeof text !== 'string' || !/^\d+$/.test(text) || number > max) {
    throw new UsageError(
      `${option} must be a whole number from 0 to ${max}, not ${JSON.stringify(text)}`,
    );
  }
  return number;
}
