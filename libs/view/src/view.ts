/**
 * The mind of query-api: everything heard on the bus, and what may be believed of it. It has no
 * clock and no socket: messages come in decoded order with their stream sequences, times as
 * values, and answers are made by the functions beside this file from what it holds.
 *
 * Inputs are methods; each says what it counts or refuses. See the README for the contract.
 */
import {
  epochKey,
  formatRevision,
  heartbeatTtlMs,
  isInactive,
  isTombstone,
  parseStateSubject,
  settleMs,
  type DomainUuid,
  type Epoch,
  type HostId,
  type Trust,
} from '@virtscope/contracts';
import { Pulses, judgeHost, type HostTrust, type RoundTrip } from '@virtscope/trust';
import {
  decodeEpochEntry,
  decodeHeartbeat,
  decodeState,
  decodeStats,
  type Malformed,
  type StateMessage,
} from './decode.ts';
import { StateTable, type Applied, type RowListener } from './state-table.ts';
import { Departures } from './departures.ts';
import { StatsHistory, type HistoryOptions } from './history.ts';
import { LeaseBook, type LeaseOnHost } from './leases.ts';
import { StatsTable } from './stats-table.ts';
import { WantedHosts, type BucketMessage } from './wanted-hosts.ts';

/** The view may be behind the stream for this long before its hosts stop being live. */
export const maxLagMs = 2_000;

/** For this long after a host left the inventory, nobody may claim fleet-wide absence (T6). */
export const removedHostHorizonMs = 3_600_000;

/** Which stream the rows were counted in: its creation time, and the timeline of `virt_epochs`. */
export type StreamIdentity = { createdMs: number; timeline: number };

/** Two readings of the reader's clocks: ages by the first, words for people by the second. */
export type Moment = { monotonicMs: number; wallMs: number };

/** Hears what becomes of the rows that answer. */
export type ViewFollower = {
  changed: RowListener;
  /** Other rows answer now: of another stream, or read anew. */
  replaced: () => void;
};

export type StateOutcome = Applied | 'malformed';

export class View {
  readonly pulses = new Pulses();
  readonly history: StatsHistory;
  readonly #samplerEpochs = new Map<HostId, Epoch>();
  #stats = new StatsTable(this.#samplerEpochs);
  #leases = new LeaseBook();
  #table = new StateTable();
  #identity: StreamIdentity | undefined;
  /** A replay under way: it takes the messages, while the table before it goes on answering. */
  #fresh: { table: StateTable; departures: Departures; identity: StreamIdentity } | undefined;
  #departures = new Departures();
  #filledMs = 0;
  /** Hosts whose rows may not be what was written, and why; they are to be read again. */
  readonly #doubts = new Map<HostId, string>();
  /** Where the feed broke off; undefined while it flows. */
  #brokeOffAt: number | undefined;
  #hosts = new WantedHosts();
  #freshHosts: WantedHosts | undefined;
  #hostsProblem: string | undefined = 'the inventory has not been read yet';
  #connected = false;
  #feedProblem: string | undefined = 'the view has not been filled yet';
  #lastSeq: { seq: number; startedMs: number } | undefined;
  #behindSinceMs: number | undefined;
  readonly #removed = new Map<HostId, number>();
  #wantedBefore: ReadonlySet<HostId> | undefined;
  #follower: ViewFollower | undefined;

  constructor({ history }: { history?: HistoryOptions } = {}) {
    this.history = new StatsHistory(history);
  }

  // -- VIRT_STATE

  /** A replay from the start begins: of another stream, another timeline, or the first one. */
  stateOpened(identity: StreamIdentity, reason: string): void {
    this.#fresh = { table: new StateTable(), departures: new Departures(), identity };
    this.#feedProblem = reason;
    this.#lastSeq = undefined;
    this.#behindSinceMs = undefined;
  }

  /** The feed does not flow: until it has caught up again no host is live. */
  stateLost(reason: string): void {
    this.#feedProblem = reason;
    this.#brokeOffAt ??= this.#table.appliedSeq;
  }

  /** @returns what became of it; a malformed one is told, and changes no row */
  stateMessage(
    seq: number,
    subject: string,
    data: Uint8Array,
    nowMs: number,
  ): { outcome: StateOutcome; malformed?: Malformed } {
    const table = this.#fresh?.table ?? this.#table;
    const decoded = decodeState(subject, data);
    if (!decoded.ok) {
      table.applyMalformed(seq, subject);
      return { outcome: 'malformed', malformed: decoded.malformed };
    }
    const message = decoded.value;
    const before = message.type === 'domain' ? table.rowOf(message.row) : undefined;
    const outcome = table.apply(seq, message);
    if (outcome === 'applied' && message.type === 'domain') {
      (this.#fresh?.departures ?? this.#departures).applied(message.row, before, nowMs);
    }
    if (
      outcome === 'applied' &&
      message.type === 'domain' &&
      isTombstone(message.row) &&
      message.row.tombstone.reason === 'host-removed'
    ) {
      this.#removed.set(message.row.host, nowMs);
    }
    if (this.#fresh === undefined) {
      this.#judgeLag(nowMs);
      // A replay, or a feed that catches up, skips rows that were written over since.
      const unbroken = this.#feedProblem === undefined;
      if (unbroken && message.type === 'host' && outcome === 'applied') this.#checkDigest(message);
    }
    return { outcome };
  }

  /** Everything that the stream held up to `seq` has been delivered. */
  stateCaughtUp(seq: number, nowMs: number): void {
    const fresh = this.#fresh;
    (fresh?.table ?? this.#table).advance(seq);
    if (fresh !== undefined) {
      const wanted = this.#hosts.problem === undefined ? this.#hosts.wanted : undefined;
      fresh.table.carryFrom(this.#table, (host) => wanted?.has(host) ?? true);
      // What was heard so far counted its `upTo` in the stream before.
      if (this.#identity !== undefined) this.pulses.forget();
      this.#table.listener = undefined;
      fresh.departures.carryFrom(this.#departures, (uuid) =>
        fresh.table.byUuid.get(uuid).some(({ state }) => !isInactive(state)),
      );
      this.#departures = fresh.departures;
      this.#filledMs = nowMs;
      this.#table = fresh.table;
      this.#table.listener = this.#follower?.changed;
      this.#identity = fresh.identity;
      this.#fresh = undefined;
      this.#follower?.replaced();
      this.#doubts.clear();
    } else if (this.#brokeOffAt !== undefined) {
      this.#doubtPurged(this.#brokeOffAt);
    }
    this.#brokeOffAt = undefined;
    this.#feedProblem = undefined;
    this.#judgeLag(nowMs);
  }

  /** Hosts that are to be read again, and why (bus rule 6). */
  get doubts(): ReadonlyMap<HostId, string> {
    return this.#doubts;
  }

  /**
   * The host's subjects were read, after the stream of `table` ended at `asOf`: the last message of
   * each. @returns what was malformed; nothing is taken when other rows answer by now
   */
  hostReread(
    host: HostId,
    { table, asOf }: { table: StateTable; asOf: number },
    messages: readonly { seq: number; subject: string; data: Uint8Array }[],
    nowMs: number,
  ): Malformed[] {
    if (table !== this.#table) return [];
    const lying = new Set<DomainUuid>();
    const read: { seq: number; message: StateMessage }[] = [];
    const malformed: Malformed[] = [];
    for (const { seq, subject, data } of messages) {
      const about = parseStateSubject(subject);
      if (about?.type === 'domain') lying.add(about.id);
      const decoded = decodeState(subject, data);
      if (decoded.ok) read.push({ seq, message: decoded.value });
      else malformed.push(decoded.malformed);
    }
    for (const row of table.reread(host, asOf, lying, read)) this.#departures.vanished(row, nowMs);
    this.#doubts.delete(host);
    return malformed;
  }

  /** The broker said, asked at `startedMs`, that `seq` is the last sequence of the stream. */
  stateChecked(seq: number, startedMs: number, nowMs: number): void {
    this.#lastSeq = { seq, startedMs };
    if (this.#fresh === undefined) this.#judgeLag(nowMs);
  }

  // -- virt_hosts

  /** The bucket is read from its start; what was wanted stays wanted until it is whole. */
  hostsOpened(): void {
    this.#freshHosts = new WantedHosts(this.#hosts);
    this.#hostsProblem = 'the inventory is being read';
  }

  hostsLost(reason: string): void {
    this.#hostsProblem = reason;
  }

  hostsMessage(message: BucketMessage, nowMs: number): Malformed | undefined {
    const malformed = (this.#freshHosts ?? this.#hosts).apply(message);
    this.#noteWanted(nowMs);
    return malformed;
  }

  hostsCaughtUp(nowMs: number): void {
    this.#hosts = this.#freshHosts ?? this.#hosts;
    this.#freshHosts = undefined;
    this.#hostsProblem = undefined;
    this.#noteWanted(nowMs);
  }

  // -- VIRT_STATS and virt_epochs

  /** The stats are read from the start. */
  statsOpened(): void {
    this.#stats = new StatsTable(this.#samplerEpochs);
    this.#leases = new LeaseBook();
  }

  /** The broker said its time, asked at `startedMs`: without it no sample has an age. */
  statsBrokerTime(brokerMs: number, startedMs: number): void {
    this.#stats.clock.said(brokerMs, startedMs);
  }

  statsMessage(
    subject: string,
    data: Uint8Array,
    brokerMs: number,
    nowMs: number,
  ): { outcome: ReturnType<StatsTable['apply']> | 'malformed'; malformed?: Malformed } {
    this.#stats.clock.saw(brokerMs, nowMs);
    const page = decodeStats(subject, data);
    if (!page.ok) return { outcome: 'malformed', malformed: page.malformed };
    const outcome = this.#stats.apply(page.value, brokerMs);
    const sinceMs = this.#stats.clock.ageMs(brokerMs, nowMs);
    if (outcome === 'applied' && page.value.tier === 'host') this.#leases.apply(page.value);
    if (outcome === 'applied' && sinceMs !== undefined) {
      this.history.record(page.value, nowMs - sinceMs - page.value.ageMs);
    }
    return { outcome };
  }

  /** What a host's networks lent; undefined while nobody has told it of late. */
  leasesOn(host: HostId, nowMs: number): readonly LeaseOnHost[] | undefined {
    return this.#areCurrent(host, nowMs) ? this.#leases.on(host) : undefined;
  }

  /** Whether all leases of a host are known. */
  knowsLeases(host: HostId, nowMs: number): boolean {
    const { groups } = this.#leases.pageOf(host) ?? {};
    return groups?.['lease'] === 'complete' && this.#areCurrent(host, nowMs);
  }

  /** Who lent an address, on whatever host. */
  leasesOf(address: string, nowMs: number): readonly LeaseOnHost[] {
    return this.#leases.of(address).filter(({ host }) => this.#areCurrent(host, nowMs));
  }

  #areCurrent(host: HostId, nowMs: number): boolean {
    const page = this.#leases.pageOf(host);
    return (
      page !== undefined && this.#stats.current(host, nowMs).some(({ held }) => held.page === page)
    );
  }

  /** Lets go of what no answer would show any more; to be called now and then. */
  forgetExpired(nowMs: number): void {
    this.#stats.dropExpired(nowMs);
    for (const host of this.#leases.hosts()) {
      if (!this.#areCurrent(host, nowMs)) this.#leases.forget(host);
    }
    this.#departures.prune(({ sinceMs }) => this.#isAnswered(sinceMs, nowMs));
    this.history.forgetExpired(nowMs);
  }

  /** The bucket `virt_epochs` is read from its start. */
  epochsOpened(): void {
    this.#samplerEpochs.clear();
  }

  epochMessage({ subject, key, data }: BucketMessage): Malformed | undefined {
    const samplers = epochKey('stats-sampler', '');
    if (data === null || !key.startsWith(samplers)) return undefined;
    const entry = decodeEpochEntry(subject, data);
    if (!entry.ok) return entry.malformed;
    this.#samplerEpochs.set(key.slice(samplers.length), entry.value.epoch);
    return undefined;
  }

  // -- the reader itself

  heartbeat(subject: string, data: Uint8Array): Malformed | undefined {
    const beat = decodeHeartbeat(subject, data);
    if (!beat.ok) return beat.malformed;
    this.pulses.heard(beat.value);
    return undefined;
  }

  roundTripEnded(trip: RoundTrip): void {
    this.pulses.roundTripEnded(trip);
  }

  connection(up: boolean): void {
    this.#connected = up;
  }

  /** One may follow: it shares what it hears among all who watch. */
  follow(follower: ViewFollower): void {
    this.#follower = follower;
    this.#table.listener = follower.changed;
  }

  // -- what the answers are made of

  /** The rows that answer. */
  get table(): StateTable {
    return this.#table;
  }

  /** What left a host and may run on another. */
  get departures(): Departures {
    return this.#departures;
  }

  /** When the rows that answer had been read, monotonic: what left before, nobody heard leave. */
  get filledMs(): number {
    return this.#filledMs;
  }

  get stats(): StatsTable {
    return this.#stats;
  }

  get identity(): StreamIdentity | undefined {
    return this.#identity;
  }

  /** The stream that is being read from its start; undefined when none is. */
  get replaying(): StreamIdentity | undefined {
    return this.#fresh?.identity;
  }

  get hosts(): WantedHosts {
    return this.#hosts;
  }

  /** Names the moment that an answer given now stands for; the same in every replica. */
  get revision(): string {
    return this.revisionAt(this.#table.appliedSeq);
  }

  /** The revision of an earlier moment of the same stream. */
  revisionAt(seq: number): string {
    const { createdMs, timeline } = this.#identity ?? { createdMs: 0, timeline: 0 };
    return formatRevision({ createdMs, timeline, seq });
  }

  /** The stream's last sequence as the broker said it, and when it was asked. */
  get lastSeq(): { seq: number; startedMs: number } | undefined {
    return this.#lastSeq;
  }

  /** Why the inventory says nothing; undefined while it is whole and read. */
  get inventoryProblem(): string | undefined {
    return this.#hostsProblem ?? this.#hosts.problem;
  }

  /** Whether there is anything to answer from: filled once, with an inventory that was whole. */
  get answers(): boolean {
    return this.#identity !== undefined && this.#hosts.everWhole;
  }

  /** Why the view is not ready, check by check; empty when it is. */
  unready(nowMs: number): Record<string, string> {
    const problems: Record<string, string> = {};
    const reader = this.#readerDoubt(nowMs);
    if (reader !== undefined) problems['view'] = reader.reason;
    if (this.inventoryProblem !== undefined) problems['inventory'] = this.inventoryProblem;
    return problems;
  }

  trustOf(host: HostId, nowMs: number): HostTrust {
    const slot = this.#table.hosts.get(host);
    const applied = this.#table.appliedSeq;
    return judgeHost({
      nowMs,
      unwanted: this.inventoryProblem === undefined && !this.#hosts.wanted.has(host),
      reader: this.#readerDoubt(nowMs),
      record: slot?.record,
      recordUnreadable: (slot?.recordUnreadable ?? 0) > 0,
      syncedEpoch: slot?.syncedEpoch ?? 0,
      rows: slot?.rows.size ?? 0,
      doubt: this.#doubts.get(host),
      pulse: this.pulses.believed(host, applied),
      verifiedMs: this.pulses.verifiedMs(host, applied),
    });
  }

  /** Hosts that left the inventory within the horizon: what they ran may be anywhere. */
  recentlyRemoved(nowMs: number): HostId[] {
    this.#noteWanted(nowMs);
    const recent: HostId[] = [];
    for (const [host, removedMs] of this.#removed) {
      if (nowMs - removedMs > removedHostHorizonMs) this.#removed.delete(host);
      else if (!this.#hosts.wanted.has(host)) recent.push(host);
    }
    return recent;
  }

  #checkDigest({ record: { host } }: Extract<StateMessage, { type: 'host' }>): void {
    if (!this.#table.fitsRecord(host)) {
      this.#doubts.set(host, 'its rows here are not those that its event-bridge wrote');
    }
  }

  /** Ends that were written and purged while the feed was away were never told. */
  #doubtPurged(brokeOffAt: number): void {
    for (const [host, { record }] of this.#table.hosts) {
      if ((record?.purgedThrough ?? 0) > brokeOffAt) {
        this.#doubts.set(host, 'ends of domains were purged while the view was away');
      }
    }
  }

  /** Whether every wanted host was verified after this moment, and no story is told any more. */
  #isAnswered(sinceMs: number, nowMs: number): boolean {
    if (nowMs - sinceMs < settleMs || this.inventoryProblem !== undefined) return false;
    const { appliedSeq } = this.#table;
    return this.#hosts.wanted
      .keys()
      .every((host) => (this.pulses.verifiedMs(host, appliedSeq) ?? sinceMs) > sinceMs);
  }

  #readerDoubt(nowMs: number): { trust: Trust; reason: string } | undefined {
    if (!this.#connected) return { trust: 'lost', reason: 'query-api is cut off from NATS' };
    const trip = this.pulses.lastRoundTrip;
    if (trip === undefined || nowMs - trip.startedMs > heartbeatTtlMs) {
      return { trust: 'lost', reason: 'NATS does not answer query-api' };
    }
    if (this.#feedProblem !== undefined) return { trust: 'syncing', reason: this.#feedProblem };
    if (this.#behindSinceMs !== undefined && nowMs - this.#behindSinceMs > maxLagMs) {
      const seconds = ((nowMs - this.#behindSinceMs) / 1000).toFixed(1);
      return { trust: 'syncing', reason: `the view is ${seconds} s behind its stream` };
    }
    return undefined;
  }

  #judgeLag(nowMs: number): void {
    const behind = this.#lastSeq !== undefined && this.#table.appliedSeq < this.#lastSeq.seq;
    if (!behind) this.#behindSinceMs = undefined;
    else this.#behindSinceMs ??= nowMs;
  }

  #noteWanted(nowMs: number): void {
    if (this.inventoryProblem !== undefined) return;
    const wanted = new Set(this.#hosts.wanted.keys());
    for (const host of this.#wantedBefore?.difference(wanted) ?? []) {
      this.#removed.set(host, nowMs);
      this.#table.dropCarried(host);
    }
    this.#wantedBefore = wanted;
  }
}
