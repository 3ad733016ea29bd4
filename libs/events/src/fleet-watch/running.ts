/** Which domains run where, as far as the bus says: of a fleet's rows, what can be in conflict. */
import {
  isInactive,
  type DomainUuid,
  type Epoch,
  type HostId,
  type HostRecord,
  type Presence,
  type Tombstone,
} from '@virtscope/contracts';

/** One domain's process on one host. */
export type Running = {
  host: HostId;
  uuid: DomainUuid;
  name: string;
  id: number | null;
  epoch: Epoch;
};

/** What of a row matters here. */
export type RowBrief =
  | Pick<Presence, 'host' | 'uuid' | 'epoch' | 'name' | 'id' | 'state' | 'stateReason'>
  | Pick<Tombstone, 'host' | 'uuid' | 'epoch' | 'tombstone'>;

type Host = {
  record: HostRecord | undefined;
  /** The highest epoch that its record was seen `synced` at; 0 for none. */
  syncedEpoch: Epoch;
  running: Map<DomainUuid, Running>;
  /** A row was seen: a sync wrote once. */
  hasRows: boolean;
};

/** QEMU waits for a migration, on either side: the other side is the one that runs. */
const waitingReasons = new Set(['migration', 'postcopy', 'postcopy-failed', 'starting-up']);

export class RunningDomains {
  readonly hosts = new Map<HostId, Host>();
  readonly #byUuid = new Map<DomainUuid, Running[]>();
  /** Domains that began or ceased to run somewhere since they were last asked for. */
  readonly #moved = new Set<DomainUuid>();

  /** Where it runs; a process that waits for a migration does not count. */
  of(uuid: DomainUuid): readonly Running[] {
    return this.#byUuid.get(uuid) ?? [];
  }

  /** The domains whose places changed since the last call. */
  takeMoved(): DomainUuid[] {
    const moved = [...this.#moved];
    this.#moved.clear();
    return moved;
  }

  row(row: RowBrief): void {
    const host = this.#host(row.host);
    host.hasRows = true;
    const held = host.running.get(row.uuid);
    // A stale writer's word (bus rule 1).
    if (row.epoch < host.syncedEpoch || row.epoch < (held?.epoch ?? 0)) return;
    const runs =
      !('tombstone' in row) &&
      !isInactive(row.state) &&
      !(row.state === 'paused' && waitingReasons.has(row.stateReason));
    if (!runs) {
      if (held !== undefined) this.#remove(host, held);
      return;
    }
    const { uuid, name, id, epoch } = row;
    if (held === undefined) {
      this.#add(host, { host: row.host, uuid, name, id, epoch });
    } else {
      if (id !== null && held.id !== id) this.#moved.add(uuid);
      Object.assign(held, { name, id, epoch });
    }
  }

  record(record: HostRecord): void {
    const host = this.#host(record.host);
    if (record.sync === 'synced' && record.epoch > host.syncedEpoch) {
      host.syncedEpoch = record.epoch;
      for (const each of host.running.values()) {
        if (each.epoch < record.epoch) this.#remove(host, each);
      }
    }
    if (record.epoch >= (host.record?.epoch ?? 0)) host.record = record;
  }

  #host(id: HostId): Host {
    let host = this.hosts.get(id);
    if (host === undefined) {
      host = { record: undefined, syncedEpoch: 0, running: new Map(), hasRows: false };
      this.hosts.set(id, host);
    }
    return host;
  }

  #add(host: Host, running: Running): void {
    host.running.set(running.uuid, running);
    const places = this.#byUuid.get(running.uuid);
    if (places === undefined) this.#byUuid.set(running.uuid, [running]);
    else places.push(running);
    this.#moved.add(running.uuid);
  }

  #remove(host: Host, running: Running): void {
    const { uuid } = running;
    host.running.delete(uuid);
    const left = this.of(uuid).filter((each) => each !== running);
    if (left.length === 0) this.#byUuid.delete(uuid);
    else this.#byUuid.set(uuid, left);
    this.#moved.add(uuid);
  }
}
