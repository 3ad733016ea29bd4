import type { DomainConfig, DomainUuid, Epoch, HostId, Presence } from '@virtscope/contracts';

/** A presence as the view keeps it: what is searched, and ready JSON of all of it. */
export type Row = {
  host: HostId;
  uuid: DomainUuid;
  name: string;
  id: number | null;
  state: string;
  stateReason: string;
  stateObservedAt: string;
  persistent: boolean | null;
  autostart: boolean | null;
  managedSave: boolean | null;
  config: DomainConfig | undefined;
  epoch: Epoch;
  /** Stream sequence of the message; 0 for a row carried over from a lost stream. */
  seq: number;
  /** The answer's object up to its id and trust, without its closing brace. */
  json: string;
};

export function makeRow(seq: number, presence: Presence): Row {
  const { host, uuid, name, id, state, epoch, config } = presence;
  const { stateReason, stateObservedAt, persistent, autostart, managedSave } = presence;
  const json = JSON.stringify({
    host,
    uuid,
    name,
    state,
    stateReason,
    stateObservedAt,
    persistent,
    autostart,
    managedSave,
    ...(config === undefined ? {} : { config }),
  }).slice(0, -1);
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
    json,
  };
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
