/** The names and types that a filter expression may use: checked before anything is compiled. */
import { Environment } from '@marcbachmann/cel-js';

export const maxExpressionLength = 4_096;
export const maxExpressionNodes = 512;
export const maxExpressionDepth = 32;
export const maxListElements = 500;

const disk = {
  target: 'string',
  bus: 'string',
  device: 'string',
  type: 'string',
  source: 'string',
  format: 'string',
  readonly: 'bool',
};

const networkInterface = {
  type: 'string',
  mac: 'string',
  source: 'string',
  model: 'string',
  target: 'string',
};

/** Fields of `config` that hold one value; numbers are declared `int`, as literals are. */
export const configFields = {
  observedAt: 'string',
  xmlHash: 'string',
  title: 'string',
  description: 'string',
  virtType: 'string',
  arch: 'string',
  machine: 'string',
  emulator: 'string',
  vcpusCurrent: 'int',
  vcpusMaximum: 'int',
  memoryCurrentKiB: 'int',
  memoryMaximumKiB: 'int',
} as const;

/** Fields of the row itself; `dyn` where null is possible. */
export const rowFields = {
  host: 'string',
  uuid: 'string',
  name: 'string',
  id: 'dyn',
  state: 'string',
  stateReason: 'string',
  stateObservedAt: 'string',
  persistent: 'dyn',
  autostart: 'dyn',
  managedSave: 'dyn',
  trust: 'string',
} as const;
export type RowField = keyof typeof rowFields;

const refuse = (): never => {
  throw new Error('expressions are compiled, never evaluated by the library');
};

function makeEnvironment(): Environment {
  const environment = new Environment({
    limits: {
      maxAstNodes: maxExpressionNodes,
      maxDepth: maxExpressionDepth,
      maxListElements,
      maxMapEntries: 0,
      maxCallArguments: 4,
    },
  });
  environment.registerType({ name: 'Disk', schema: disk });
  environment.registerType({ name: 'Interface', schema: networkInterface });
  environment.registerType({
    name: 'Config',
    schema: {
      ...configFields,
      disks: 'list<Disk>',
      interfaces: 'list<Interface>',
      omitted: 'list<string>',
    },
  });
  for (const [name, type] of Object.entries(rowFields)) environment.registerVariable(name, type);
  environment.registerVariable('config', 'Config');
  environment.registerVariable('labels', 'map<string, string>');
  environment.registerVariable('stats', 'map<string, dyn>');
  environment.registerFunction('string.glob(string): bool', refuse);
  return environment;
}

export const environment = makeEnvironment();
