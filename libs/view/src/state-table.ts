/**
 * The rows of VIRT_STATE and their indexes.
 *
 * What it holds is a function of the set of messages applied, not of their order or number:
 * - R1 of one subject the message of the highest (epoch, stream sequence) counts;
 * - R2 once a host's record says `synced` for epoch E, its rows below E are a stale writer's
 *   word: dropped, counted, and never back, whatever the record says later (bus rule 1);
 * - R3 only a tombstone, or R2, removes a row (bus rule 5);
 * - R4 a malformed message changes no row, but its subject is `unreadable` until a good one
 *   follows: the view then knows that it does not know.
 */
import { hash } from 'node:crypto';
import {
  isInactive,
  isTombstone,
  parseStateSubject,
  presencesDigestText,
  uuidPattern,
  type DomainRow,
  type DomainUuid,
  type Epoch,
  type HostId,
  type HostRecord,
} from '@virtscope/contracts';
import { disksOf, hostDevicesOf, macsOf } from './config-keys.ts';
import type { StateMessage } from './decode.ts';
import { MultiIndex } from './multi-index.ts';
import { forgetJson, makeRow, type Row } from './row.ts';

/**
 * How many ended subjects are remembered, to recognise what is older than their end. At the bound
 * the oldest end is forgotten: the epoch of the host's record still refuses what lies below it.
 */
export const maxRememberedEnds = 200_000;

export const ignoredReasons = [
  /** The same message again. */
  'duplicate',
  /** A newer message of this subject was applied. */
  'superseded',
  /** Below the epoch that the host stands at. */
  'stale-writer',
  /** A thing that this version keeps no rows of. */
  'other-type',
] as const;
export type IgnoredReason = (typeof ignoredReasons)[number];
export type Applied = 'applied' | IgnoredReason;

type Version = { epoch: Epoch; seq: number };

/** One presence before and after a message; undefined where there was or is none. */
export type RowChange = {
  host: HostId;
  uuid: DomainUuid;
  before: Row | undefined;
  after: Row | undefined;
  /** Once this change is told, all up to here is: one message may end many rows. */
  toldSeq: number;
};
export type RowListener = (change: RowChange) => void;

/** What is known of one host. */
export class HostSlot {
  readonly host: HostId;
  record: HostRecord | undefined;
  recordSeq = 0;
  /** The highest epoch that the host's record was seen `synced` at; 0 for none. */
  syncedEpoch: Epoch = 0;
  readonly rows = new Map<DomainUuid, Row>();
  readonly byId = new MultiIndex<number, Row>();
  readonly byName = new MultiIndex<string, Row>();
  /** Rows of domains that run under an id that nobody could read yet. */
  readonly awaitingId = new Set<Row>();
  /** Subjects whose newest message is malformed, with its sequence. */
  readonly unreadable = new Map<DomainUuid, number>();
  recordUnreadable = 0;
  #sorted: Row[] | undefined;

  constructor(host: HostId) {
    this.host = host;
  }

  /** The rows in the order of their UUIDs. */
  get sorted(): readonly Row[] {
    this.#sorted ??= [...this.rows.values()].toSorted((a, b) => (a.uuid < b.uuid ? -1 : 1));
    return this.#sorted;
  }

  put(row: Row): void {
    this.rows.set(row.uuid, row);
    if (row.id !== null) this.byId.add(row.id, row);
    else if (!isInactive(row.state)) this.awaitingId.add(row);
    this.byName.add(row.name, row);
    this.#sorted = undefined;
  }

  remove(row: Row): void {
    this.rows.delete(row.uuid);
    if (row.id !== null) this.byId.delete(row.id, row);
    this.awaitingId.delete(row);
    this.byName.delete(row.name, row);
    this.#sorted = undefined;
  }
}

export class StateTable {
  readonly hosts = new Map<HostId, HostSlot>();
  readonly byUuid = new MultiIndex<DomainUuid, Row>();
  readonly byName = new MultiIndex<string, Row>();
  readonly byState = new Map<string, Set<Row>>();
  /** By what their disks' sources name. */
  readonly byDisk = new MultiIndex<string, Row>();
  /** By the MAC addresses of their interfaces, in lower case. */
  readonly byMac = new MultiIndex<string, Row>();
  /** By the devices of their hosts: one name is another device on another host. */
  readonly byHostDevice = new MultiIndex<string, Row>();
  /** Rows without a configuration, which may use any disk and any MAC. */
  readonly unconfigured = new Set<Row>();
  /** Rows whose size limit took parts of their configuration away. */
  readonly shortened = new Set<Row>();
  /** Hears of every change of a row, after it was made. */
  listener: RowListener | undefined;
  readonly ignored: Record<IgnoredReason, number> = {
    duplicate: 0,
    superseded: 0,
    'stale-writer': 0,
    'other-type': 0,
  };
  readonly #ends = new Map<string, Version>();
  #endsForgottenThrough = 0;
  #rows = 0;
  #appliedSeq = 0;
  #sortedHosts: HostSlot[] | undefined;

  get rows(): number {
    return this.#rows;
  }

  /** Everything up to this stream sequence is in the table: the view's revision. */
  get appliedSeq(): number {
    return this.#appliedSeq;
  }

  get sortedHosts(): readonly HostSlot[] {
    this.#sortedHosts ??= [...this.hosts.values()].toSorted((a, b) => (a.host < b.host ? -1 : 1));
    return this.#sortedHosts;
  }

  /** The presence that answers under the name of this message. */
  rowOf({ host, uuid }: { host: HostId; uuid: DomainUuid }): Row | undefined {
    return this.hosts.get(host)?.rows.get(uuid);
  }

  apply(seq: number, message: StateMessage): Applied {
    this.advance(seq);
    const outcome = this.#applyAt(seq, message);
    if (outcome !== 'applied') this.ignored[outcome]++;
    return outcome;
  }

  #applyAt(seq: number, message: StateMessage): Applied {
    if (message.type === 'host') return this.#applyRecord(seq, message.record);
    return message.type === 'domain' ? this.#applyRow(seq, message.row) : 'other-type';
  }

  /** A message of this subject and sequence could not be read (R4). */
  applyMalformed(seq: number, subject: string): void {
    this.advance(seq);
    const about = parseStateSubject(subject);
    if (about === undefined) return;
    if (about.type === 'host' && about.id === about.host) {
      const slot = this.#slot(about.host);
      if (seq > slot.recordSeq) slot.recordUnreadable = Math.max(slot.recordUnreadable, seq);
    } else if (about.type === 'domain' && uuidPattern.test(about.id)) {
      const slot = this.#slot(about.host);
      const newest = slot.rows.get(about.id) ?? this.#ends.get(endKey(about.host, about.id));
      const known = Math.max(newest?.seq ?? 0, slot.unreadable.get(about.id) ?? 0);
      if (seq > known) slot.unreadable.set(about.id, seq);
    }
  }

  /** The feed has nothing below `seq` that it did not deliver. */
  advance(seq: number): void {
    if (seq > this.#appliedSeq) this.#appliedSeq = seq;
  }

  /**
   * Takes the rows of another table's hosts that have not been synced here: an emptied bus is not
   * an empty fleet. They stand at epoch 0, so that any word of this stream outranks them.
   */
  carryFrom(old: StateTable, isWanted: (host: HostId) => boolean): void {
    for (const from of old.hosts.values()) {
      const slot = this.hosts.get(from.host);
      if (!isWanted(from.host) || (slot?.syncedEpoch ?? 0) > 0) continue;
      for (const row of from.rows.values()) {
        const known =
          slot?.rows.has(row.uuid) === true || this.#ends.has(endKey(row.host, row.uuid));
        if (!known)
          this.#insert(this.#slot(row.host), { ...row, epoch: 0, seq: 0, json: undefined });
      }
    }
  }

  /** Ends carried rows of a host that nobody will ever sync again. */
  dropCarried(host: HostId): void {
    this.#dropBelow(this.hosts.get(host), 1, this.#appliedSeq);
  }

  /**
   * Whether the host's rows are those that lay there when its record was written. To be asked when
   * the record comes, of a stream that was followed without a break.
   */
  fitsRecord(host: HostId): boolean {
    const slot = this.hosts.get(host);
    const record = slot?.record;
    if (slot === undefined || record?.digest === undefined || record.sync !== 'synced') return true;
    // What cannot be read is no row here, and one there.
    if (slot.unreadable.size > 0) return true;
    return record.digest === hash('sha256', presencesDigestText(slot.rows.values()), 'base64url');
  }

  /**
   * Takes the host's subjects as they lay in the stream after it ended at `asOf`: what is held from
   * before, and lies there no more, has ended, though nobody said so (bus rule 6).
   *
   * @param lying every domain whose subject has a message, malformed ones too
   * @returns what has ended
   */
  reread(
    host: HostId,
    asOf: number,
    lying: ReadonlySet<DomainUuid>,
    messages: readonly { seq: number; message: StateMessage }[],
  ): Row[] {
    const slot = this.#slot(host);
    const ended: Row[] = [];
    for (const row of slot.rows.values()) {
      if (row.seq > asOf || lying.has(row.uuid)) continue;
      this.#delete(slot, row);
      this.#end(endKey(host, row.uuid), { epoch: row.epoch, seq: this.#appliedSeq });
      const { uuid } = row;
      const toldSeq = this.#appliedSeq - 1;
      this.listener?.({ host, uuid, before: row, after: undefined, toldSeq });
      ended.push(row);
    }
    for (const { seq, message } of messages) {
      // What is newer than the feed is still to come by it.
      if (seq <= this.#appliedSeq) this.#applyAt(seq, message);
    }
    return ended;
  }

  /** Tombstones up to here may have been purged: who holds rows from before may hold ended ones. */
  get purgedThrough(): number {
    let highest = 0;
    for (const { record } of this.hosts.values()) {
      highest = Math.max(highest, record?.purgedThrough ?? 0);
    }
    return highest;
  }

  /** What ended after `seq`: who saw the stream up to there may still hold it. */
  *endedSince(seq: number): Generator<{ host: HostId; uuid: DomainUuid }> {
    for (const [key, end] of this.#ends) {
      if (end.seq <= seq) continue;
      const slash = key.indexOf('/');
      yield { host: key.slice(0, slash), uuid: key.slice(slash + 1) };
    }
  }

  /** Ends at or below this sequence may have been forgotten. */
  get endsForgottenThrough(): number {
    return this.#endsForgottenThrough;
  }

  #applyRow(seq: number, row: DomainRow): Applied {
    const slot = this.#slot(row.host);
    const key = endKey(row.host, row.uuid);
    const held = slot.rows.get(row.uuid);
    if (row.epoch < slot.syncedEpoch) {
      // R2. Another replica may have shown it: whoever resumes here must hear that it ended.
      if (held === undefined && !this.#ends.has(key)) {
        this.#end(key, { epoch: row.epoch, seq: Math.max(seq, slot.recordSeq) });
      }
      return 'stale-writer';
    }
    const refused = refuse(held ?? this.#ends.get(key), { epoch: row.epoch, seq });
    if (refused !== undefined) return refused;
    if (seq > (slot.unreadable.get(row.uuid) ?? 0)) slot.unreadable.delete(row.uuid);
    if (held !== undefined) this.#delete(slot, held);
    let after: Row | undefined;
    if (isTombstone(row)) {
      this.#end(key, { epoch: row.epoch, seq });
    } else {
      this.#ends.delete(key);
      after = makeRow(seq, row);
      this.#insert(slot, after);
    }
    if (held !== undefined || after !== undefined) {
      this.listener?.({ host: row.host, uuid: row.uuid, before: held, after, toldSeq: seq });
    }
    return 'applied';
  }

  #applyRecord(seq: number, record: HostRecord): Applied {
    const slot = this.#slot(record.host);
    if (record.sync === 'synced' && record.epoch > slot.syncedEpoch) {
      slot.syncedEpoch = record.epoch;
      this.ignored['stale-writer'] += this.#dropBelow(slot, record.epoch, seq); // R2
    }
    const held = slot.record && { epoch: slot.record.epoch, seq: slot.recordSeq };
    const refused = refuse(held, { epoch: record.epoch, seq });
    if (refused !== undefined) return refused;
    if (seq > slot.recordUnreadable) slot.recordUnreadable = 0;
    slot.record = record;
    slot.recordSeq = seq;
    return 'applied';
  }

  /** @returns how many rows of this stream were dropped; carried ones are not counted */
  #dropBelow(slot: HostSlot | undefined, epoch: Epoch, seq: number): number {
    let dropped = 0;
    for (const row of slot?.rows.values() ?? []) {
      if (slot === undefined || row.epoch >= epoch) continue;
      this.#delete(slot, row);
      // Who saw it must hear that it ended, though no tombstone says so yet.
      this.#end(endKey(row.host, row.uuid), { epoch: row.epoch, seq });
      if (row.epoch > 0) dropped++;
      const { host, uuid } = row;
      this.listener?.({ host, uuid, before: row, after: undefined, toldSeq: seq - 1 });
    }
    return dropped;
  }

  #slot(host: HostId): HostSlot {
    let slot = this.hosts.get(host);
    if (slot === undefined) {
      slot = new HostSlot(host);
      this.hosts.set(host, slot);
      this.#sortedHosts = undefined;
    }
    return slot;
  }

  #insert(slot: HostSlot, row: Row): void {
    slot.put(row);
    this.byUuid.add(row.uuid, row);
    this.byName.add(row.name, row);
    let peers = this.byState.get(row.state);
    if (peers === undefined) this.byState.set(row.state, (peers = new Set()));
    peers.add(row);
    this.#rows++;
    if (row.config === undefined) this.unconfigured.add(row);
    if (row.config?.omitted !== undefined) this.shortened.add(row);
    for (const path of disksOf(row.config)) this.byDisk.add(path, row);
    for (const mac of macsOf(row.config)) this.byMac.add(mac, row);
    for (const device of hostDevicesOf(row.config)) this.byHostDevice.add(device, row);
  }

  #delete(slot: HostSlot, row: Row): void {
    slot.remove(row);
    this.byUuid.delete(row.uuid, row);
    this.byName.delete(row.name, row);
    const peers = this.byState.get(row.state);
    peers?.delete(row);
    if (peers?.size === 0) this.byState.delete(row.state);
    this.#rows--;
    forgetJson(row);
    this.unconfigured.delete(row);
    this.shortened.delete(row);
    for (const path of disksOf(row.config)) this.byDisk.delete(path, row);
    for (const mac of macsOf(row.config)) this.byMac.delete(mac, row);
    for (const device of hostDevicesOf(row.config)) this.byHostDevice.delete(device, row);
  }

  #end(key: string, version: Version): void {
    this.#ends.delete(key);
    this.#ends.set(key, version);
    if (this.#ends.size > maxRememberedEnds) {
      const [oldest] = this.#ends;
      if (oldest === undefined) return;
      this.#ends.delete(oldest[0]);
      this.#endsForgottenThrough = Math.max(this.#endsForgottenThrough, oldest[1].seq);
    }
  }
}

const endKey = (host: HostId, uuid: DomainUuid): string => `${host}/${uuid}`;

/** Why `next` does not replace `held`; undefined when it does (R1). */
function refuse(held: Version | undefined, next: Version): IgnoredReason | undefined {
  if (held === undefined) return undefined;
  if (next.epoch < held.epoch) return 'stale-writer';
  if (next.epoch > held.epoch) return undefined;
  if (next.seq === held.seq) return 'duplicate';
  return next.seq < held.seq ? 'superseded' : undefined;
}
