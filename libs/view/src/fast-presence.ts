/**
 * Presences are most of what a view reads, and a replay is a hundred thousand of them: what has
 * the form that writers give it is taken by hand, field by field, at a fifth of the schema's cost.
 * Anything else goes to the schema, which knows what is wrong with it, or that it is right after
 * all: this file only ever says yes to what the schema says yes to.
 */
import { hostIdPattern, uuidPattern, type Presence } from '@virtscope/contracts';

type Json = Readonly<Record<string, unknown>>;
type Config = NonNullable<Presence['config']>;
type Disk = Config['disks'][number];
type Interface = Config['interfaces'][number];

const statePattern = /^(?:[a-z]+|unknown-\d+)$/;
/** What our writers send: whole in UTC with milliseconds. */
const timePattern =
  /^20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** @returns undefined where the schema must decide */
export function fastPresence(value: unknown): Presence | undefined {
  if (!isObject(value)) return undefined;
  const { v, type, host, uuid, epoch, seq, name, id, state, stateReason } = value;
  const { stateFrom, stateObservedAt, persistent, autostart, managedSave, lastEvent, settling } =
    value;
  if (v !== 1 || type !== 'domain' || 'tombstone' in value) return undefined;
  if (!isText(host, 63) || !hostIdPattern.test(host)) return undefined;
  if (!isText(uuid, 36) || !uuidPattern.test(uuid)) return undefined;
  if (!isEpoch(epoch) || !isCount(seq) || !isText(name, 4096)) return undefined;
  if (id !== null && !isCount(id)) return undefined;
  if (!isText(state, 64) || !statePattern.test(state) || !isText(stateReason, 64)) return undefined;
  if (stateFrom !== 'read' && stateFrom !== 'event') return undefined;
  if (!isText(stateObservedAt, 24) || !timePattern.test(stateObservedAt)) return undefined;
  if (!isSwitch(persistent) || !isSwitch(autostart) || !isSwitch(managedSave)) return undefined;
  if (lastEvent !== undefined) {
    if (!isObject(lastEvent)) return undefined;
    if (!isEpoch(lastEvent['epoch']) || !isCount(lastEvent['seq'])) return undefined;
  }
  if (settling !== undefined && !isSettling(settling)) return undefined;
  const config = value['config'] === undefined ? undefined : configOf(value['config']);
  if (config === undefined && value['config'] !== undefined) return undefined;
  return {
    v,
    type,
    host,
    uuid,
    epoch,
    seq,
    name,
    id,
    state,
    stateReason,
    stateFrom,
    stateObservedAt,
    persistent,
    autostart,
    managedSave,
    ...(config === undefined ? {} : { config }),
  };
}

const configTexts: readonly (readonly [keyof Config, number])[] = [
  ['title', 4096],
  ['description', 65_536],
  ['virtType', 64],
  ['arch', 64],
  ['machine', 128],
  ['emulator', 4096],
  ['processLabel', 256],
];
const configCounts = [
  'vcpusCurrent',
  'vcpusMaximum',
  'memoryCurrentKiB',
  'memoryMaximumKiB',
] as const;

const configKeys = new Set<string>([
  'observedAt',
  'xmlHash',
  'disks',
  'interfaces',
  ...configTexts.map(([key]) => key),
  ...configCounts,
]);

function configOf(value: unknown): Config | undefined {
  if (!isObject(value) || !hasOnly(value, configKeys)) return undefined;
  const { observedAt, xmlHash, disks, interfaces, omitted } = value;
  if (!isText(observedAt, 24) || !timePattern.test(observedAt)) return undefined;
  if (!isText(xmlHash, 64) || omitted !== undefined) return undefined;
  const config: Record<string, unknown> = { observedAt, xmlHash };
  for (const [key, length] of configTexts) {
    const text = value[key];
    if (text === undefined) continue;
    if (!isText(text, length)) return undefined;
    config[key] = text;
  }
  for (const key of configCounts) {
    const count = value[key];
    if (count === undefined) continue;
    if (!isCount(count)) return undefined;
    config[key] = count;
  }
  const someDisks = listOf(disks, diskOf);
  const someInterfaces = listOf(interfaces, interfaceOf);
  if (someDisks === undefined || someInterfaces === undefined) return undefined;
  config['disks'] = someDisks;
  config['interfaces'] = someInterfaces;
  return config as Config;
}

function listOf<T>(value: unknown, read: (each: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value) || value.length > 4096) return undefined;
  const all: T[] = [];
  for (const each of value as readonly unknown[]) {
    const one = read(each);
    if (one === undefined) return undefined;
    all.push(one);
  }
  return all;
}

const diskTexts = [
  ['target', 256],
  ['bus', 64],
  ['device', 64],
  ['type', 64],
  ['source', 4096],
  ['format', 64],
] as const;

const diskKeys = new Set<string>(['readonly', ...diskTexts.map(([key]) => key)]);

function diskOf(value: unknown): Disk | undefined {
  const disk = textsOf(value, diskTexts);
  if (disk === undefined || !isObject(value) || !hasOnly(value, diskKeys)) return undefined;
  const { readonly } = value;
  if (disk['target'] === undefined || disk['type'] === undefined) return undefined;
  if (readonly !== undefined) {
    if (typeof readonly !== 'boolean') return undefined;
    disk['readonly'] = readonly;
  }
  return disk as unknown as Disk;
}

const interfaceTexts = [
  ['type', 64],
  ['mac', 64],
  ['source', 1024],
  ['model', 64],
  ['target', 256],
] as const;

const interfaceKeys = new Set<string>(interfaceTexts.map(([key]) => key));

function interfaceOf(value: unknown): Interface | undefined {
  if (!isObject(value) || !hasOnly(value, interfaceKeys)) return undefined;
  const found = textsOf(value, interfaceTexts);
  return found?.['type'] === undefined ? undefined : (found as unknown as Interface);
}

function textsOf(
  value: unknown,
  keys: readonly (readonly [string, number])[],
): Record<string, unknown> | undefined {
  if (!isObject(value)) return undefined;
  const found: Record<string, unknown> = {};
  for (const [key, length] of keys) {
    const text = value[key];
    if (text === undefined) continue;
    if (!isText(text, length)) return undefined;
    found[key] = text;
  }
  return found;
}

/** A key that is not known here may be one that the schema knows: it must not be dropped. */
function hasOnly(value: Json, keys: ReadonlySet<string>): boolean {
  for (const key in value) if (!keys.has(key)) return false;
  return true;
}

function isSettling(value: unknown): boolean {
  if (!isObject(value) || !isText(value['at'], 24) || !timePattern.test(value['at'])) return false;
  const { before } = value;
  if (before === null) return true;
  if (!isObject(before) || !isText(before['state'], 64)) return false;
  return before['id'] === null || isCount(before['id']);
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown, length: number): value is string {
  return typeof value === 'string' && value.length <= length;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isSafeInteger(value);
}

/** Larger ones the schema knows about. */
function isEpoch(value: unknown): value is number {
  return isCount(value) && value >= 1 && value < 2 ** 47;
}

function isSwitch(value: unknown): value is boolean | null {
  return typeof value === 'boolean' || value === null;
}
