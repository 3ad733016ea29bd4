import type { DomainConfig, DomainUuid, Epoch, HostId, Presence } from '@virtscope/contracts';

/** A presence as the view keeps it. Its JSON is made when it is first asked for, by `rowJson`. */
export type Row = {
  readonly host: HostId;
  readonly uuid: DomainUuid;
  readonly name: string;
  readonly id: number | null;
  readonly state: string;
  readonly stateReason: string;
  readonly stateObservedAt: string;
  readonly persistent: boolean | null;
  readonly autostart: boolean | null;
  readonly managedSave: boolean | null;
  readonly config: DomainConfig | undefined;
  readonly epoch: Epoch;
  /** Stream sequence of the message; 0 for a row carried over from a lost stream. */
  readonly seq: number;
  json: string | undefined;
};

export function makeRow(seq: number, presence: Presence): Row {
  const { host, uuid, name, id, state, epoch, config } = presence;
  const { stateReason, stateObservedAt, persistent, autostart, managedSave } = presence;
  return {
    host: shared(host),
    uuid,
    name,
    id,
    state: shared(state),
    stateReason: shared(stateReason),
    stateObservedAt,
    persistent,
    autostart,
    managedSave,
    config: config && compact(config),
    epoch,
    seq,
    json: undefined,
  };
}

/**
 * Rows whose JSON is kept ready, in two generations: when the younger is full, the older forgets.
 * So at most twice as many texts are kept.
 */
const maxReady = 65_536;
let younger = new Set<Row>();
let older = new Set<Row>();

/** The answer's object up to its id and trust, without its closing brace. */
export function rowJson(row: Row): string {
  return row.json ?? makeJson(row);
}

function makeJson(row: Row): string {
  const { host, uuid, name, state, stateReason, stateObservedAt, config } = row;
  const { persistent, autostart, managedSave } = row;
  const start = `{"host":"${host}","uuid":"${uuid}","name":${JSON.stringify(name)},"state":"${state}","stateReason":${JSON.stringify(stateReason)},"stateObservedAt":"${stateObservedAt}","persistent":${persistent},"autostart":${autostart},"managedSave":${managedSave}`;
  const json = config === undefined ? start : `${start},"config":${JSON.stringify(config)}`;
  row.json = json;
  if (younger.size >= maxReady) {
    for (const each of older) if (!younger.has(each)) each.json = undefined;
    older = younger;
    younger = new Set();
  }
  younger.add(row);
  return json;
}

/** A row that answers no more keeps no text. */
export function forgetJson(row: Row): void {
  if (row.json === undefined) return;
  row.json = undefined;
  younger.delete(row);
  older.delete(row);
}

/** Words kept once: a fleet says the same few machine types and drivers over and over. */
const maxSharedWords = 20_000;
const words = new Map<string, string>();

function shared(word: string): string {
  const known = words.get(word);
  if (known !== undefined) return known;
  // At the bound the words are said anew: only memory is lost, never a word.
  if (words.size >= maxSharedWords) words.clear();
  words.set(word, word);
  return word;
}

const sharedKeys = new Set(
  'virtType arch machine emulator bus device type format target model'.split(' '),
);

function compact(config: DomainConfig): DomainConfig {
  const { disks, interfaces } = config;
  return {
    ...withSharedWords(config),
    disks: disks.map(withSharedWords),
    interfaces: interfaces.map(withSharedWords),
  };
}

function withSharedWords<T extends object>(thing: T): T {
  const copy = { ...thing } as Record<string, unknown>;
  for (const key of Object.keys(copy)) {
    const value = copy[key];
    if (typeof value === 'string' && sharedKeys.has(key)) copy[key] = shared(value);
  }
  return copy as T;
}
