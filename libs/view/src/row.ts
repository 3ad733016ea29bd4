import type { DomainUuid, Epoch, HostId, Presence } from '@virtscope/contracts';

/** A presence as the view keeps it: what is searched, and ready JSON of the rest. */
export type Row = {
  host: HostId;
  uuid: DomainUuid;
  name: string;
  id: number | null;
  state: string;
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
  return { host, uuid, name, id, state, epoch, seq, json };
}
