/**
 * All who watch, and what they share.
 *
 * - W1 In an unbroken watch each change is told once, as it happens, as enter, modify or leave:
 *   the set that the watcher builds is what the same list would answer.
 * - W2 A frame's revision is told only when all up to it was told: resuming there misses nothing.
 * - W3 A slow watcher keeps nothing but a sequence: when it can take more it is told the newest
 *   form of all that changed since. It slows nobody.
 * - W4 What cannot be resumed exactly is refused or begun anew, and says so.
 */
import { parseRevision, type HostId } from '@virtscope/contracts';
import { Asking } from '../asking.ts';
import { FactsBook } from '../facts.ts';
import { filterKey } from '../filter.ts';
import { planFor } from '../plan.ts';
import type { Row } from '../row.ts';
import type { Scope } from '../scope.ts';
import { rowsPerStep, type Sliced } from '../sliced.ts';
import type { RowChange } from '../state-table.ts';
import type { Moment, View } from '../view.ts';
import { frame, mark, marked } from './frame.ts';
import { Group, type Told, type WatchQuestion } from './group.ts';
import type { Sink, Watcher } from './watcher.ts';

export type WatchLimits = {
  /** In total. */
  watchers: number;
  /** Distinct questions. */
  groups: number;
  /** Distinct questions that live stats, trust or labels decide: each costs a scan a second. */
  liveGroups: number;
};

export const defaultWatchLimits: WatchLimits = { watchers: 10_000, groups: 1_000, liveGroups: 32 };

/** One judgement of trust serves all changes of so long a time. */
const factsLifeMs = 20;

/** Bookmarks come every so many ticks. */
const ticksPerBookmark = 5;

/** Up to so many rows of an index are told in one go. */
const maxAtOnce = 2_000;

/** The place of a watcher to whom everything must be told. */
const fromStart = -1;

export class WatchHub {
  readonly #view: View;
  readonly #now: () => Moment;
  readonly #limits: WatchLimits;
  readonly #groups = new Map<string, Group>();
  readonly #trusts = new Map<HostId, string>();
  #watchers = 0;
  #ticks = 0;
  #books = new Map<string, FactsBook>();
  #booksSinceMs = Number.NEGATIVE_INFINITY;

  constructor(view: View, now: () => Moment, limits: WatchLimits = defaultWatchLimits) {
    this.#view = view;
    this.#now = now;
    this.#limits = limits;
    view.follow({
      changed: (change) => this.#changed(change),
      replaced: () => this.#replaced(),
    });
  }

  get watchers(): number {
    return this.#watchers;
  }

  get groups(): number {
    return this.#groups.size;
  }

  /** @returns why nobody more may watch, or this */
  join(question: WatchQuestion, sink: Sink): Watcher | string {
    if (this.#watchers >= this.#limits.watchers) {
      return `${this.#limits.watchers} watch already`;
    }
    const { filter, projection, scope } = question;
    const key = JSON.stringify([scope.key, filterKey(filter), projection.text]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = new Group(key, question);
      const live = [...this.#groups.values()].filter(({ isLive }) => isLive).length;
      if (this.#groups.size >= this.#limits.groups) {
        return `${this.#limits.groups} different questions are watched already`;
      }
      if (group.isLive && live >= this.#limits.liveGroups) {
        return `${this.#limits.liveGroups} questions about live stats, trust or labels are watched already`;
      }
      this.#groups.set(key, group);
    }
    const watcher: Watcher = { group, sink, pending: undefined, phase: { is: 'telling' } };
    group.watchers.add(watcher);
    this.#watchers++;
    return watcher;
  }

  leave(watcher: Watcher): void {
    const { group } = watcher;
    if (!group.watchers.delete(watcher)) return;
    this.#watchers--;
    if (group.watchers.size === 0) this.#groups.delete(group.key);
  }

  /** Why a watch cannot be resumed here; undefined when it can (W4). */
  cannotResume(token: string): string | undefined {
    const revision = parseRevision(token);
    if (revision === undefined) return 'it is no revision';
    const { endsForgottenThrough, purgedThrough } = this.#view.table;
    const forgotten = Math.max(endsForgottenThrough, purgedThrough);
    if (revision.seq < forgotten) {
      return `what ended up to ${forgotten} is not remembered any more`;
    }
    return undefined;
  }

  /** Tells a watcher all that is there, or all that changed after `resume`, and then `synced`. */
  *tell(watcher: Watcher, resume?: number): Sliced<void> {
    const { group, sink } = watcher;
    const { scope } = group.question;
    watcher.phase = { is: 'telling' };
    const start = this.#told();
    const { table } = this.#view;
    if (resume !== undefined && !group.isLive && scope.wholeHosts) {
      yield* this.#tellSince(watcher, resume);
    } else {
      // Live stats have no revision: what they changed meanwhile nobody can name (W4).
      if (resume !== undefined) sink.push(mark('reset', start.revision));
      yield* this.#tellAll(watcher);
    }
    watcher.pending = undefined;
    if (this.#view.table !== table) return; // all were told to begin anew
    watcher.phase = { is: 'following' };
    if (!sink.push(marked(start.revision, mark('synced', start.revision)))) {
      watcher.phase = { is: 'behind', seq: start.seq };
    }
  }

  /** A slow watcher can take more: what it missed, in its newest form (W3). */
  *catchUp(watcher: Watcher): Sliced<void> {
    if (watcher.phase.is !== 'behind') return;
    const { seq } = watcher.phase;
    if (seq === fromStart) {
      yield* this.tell(watcher);
      return;
    }
    watcher.sink.push(mark('coalesced', this.#view.revision));
    yield* this.tell(watcher, seq);
  }

  /** Once a second: trust, live questions, and now and then a bookmark. */
  *tick(): Sliced<void> {
    this.#ticks++;
    const now = this.#now();
    for (const [i, host] of [...new Asking(this.#view, now).allHosts()].entries()) {
      if (i % rowsPerStep === rowsPerStep - 1) yield;
      this.#judgeTrust(host, now);
    }
    for (const group of this.#groups.values()) {
      if (!group.isLive) continue;
      yield* group.judgeAgain(this.#freshBook(group.question.scope), () => this.#told());
    }
    if (this.#ticks % ticksPerBookmark !== 0) return;
    const told = this.#told();
    const text = marked(told.revision, mark('bookmark', told.revision));
    for (const { watchers } of this.#groups.values()) {
      for (const watcher of watchers) {
        if (watcher.phase.is !== 'following') continue;
        if (!watcher.sink.push(text)) watcher.phase = { is: 'behind', seq: told.seq };
      }
    }
  }

  #told(seq = this.#view.table.appliedSeq): Told {
    return { revision: this.#view.revisionAt(seq), seq };
  }

  *#tellAll(watcher: Watcher): Sliced<void> {
    const { group, sink } = watcher;
    const { filter, projection, scope } = group.question;
    const book = this.#freshBook(scope);
    const plan = planFor(book.asking, filter);
    const present = (row: Row): void => {
      const facts = book.of(row.host);
      if (!group.sees(row, facts)) return;
      group.remember(row);
      sink.push(frame('present', projection.json(row, facts)));
    };
    if (plan.rows.kind === 'chosen' && plan.candidates <= maxAtOnce) {
      for (const row of plan.rows.rows()) present(row);
      return;
    }
    const all = plan.rows.kind === 'hosts' ? plan.rows.slots() : this.#view.table.sortedHosts;
    yield* this.#eachHost(
      watcher,
      all.map(({ host }) => host),
      present,
    );
  }

  *#tellSince(watcher: Watcher, seq: number): Sliced<void> {
    const { group, sink } = watcher;
    const { projection, scope } = group.question;
    const book = this.#freshBook(scope);
    const { table } = this.#view;
    const hosts = table.sortedHosts.map(({ host }) => host).filter((host) => scope.host(host));
    yield* this.#eachHost(watcher, hosts, (row) => {
      if (row.seq <= seq) return;
      const facts = book.of(row.host);
      if (group.sees(row, facts)) {
        sink.push(frame('upsert', projection.json(row, facts)));
      } else {
        sink.push(frame('leave', JSON.stringify({ host: row.host, uuid: row.uuid })));
      }
    });
    let looked = 0;
    // Last: what ended while the hosts were told is among them.
    for (const ended of table.endedSince(seq)) {
      if (++looked % rowsPerStep === 0) yield;
      if (scope.host(ended.host)) sink.push(frame('leave', JSON.stringify(ended)));
    }
  }

  /** Host by host: a host's rows are told at one moment, and its changes from then on. */
  *#eachHost(watcher: Watcher, hosts: readonly HostId[], tell: (row: Row) => void): Sliced<void> {
    const pending = new Set(hosts);
    watcher.pending = pending;
    let looked = 0;
    for (const host of hosts) {
      pending.delete(host);
      for (const row of this.#view.table.hosts.get(host)?.sorted ?? []) {
        looked++;
        tell(row);
      }
      if (looked < rowsPerStep) continue;
      looked = 0;
      yield;
    }
  }

  #changed(change: RowChange): void {
    const { before, after } = change;
    if (before !== undefined && after !== undefined && isSame(before, after)) return;
    const at = this.#told(change.toldSeq);
    for (const group of this.#groups.values()) {
      group.changed(change, this.#book(group.question.scope), at);
    }
  }

  #replaced(): void {
    this.#books.clear();
    const text = mark('reset', this.#view.revision, 'the rows were read anew');
    for (const { watchers } of this.#groups.values()) {
      for (const watcher of watchers) {
        watcher.sink.push(text);
        // All of it is told again, at its own pace.
        watcher.phase = { is: 'behind', seq: fromStart };
      }
    }
  }

  #judgeTrust(host: HostId, now: Moment): void {
    const asking = new Asking(this.#view, now);
    const { trust, reason, verifiedAt } = asking.host(host);
    const known = this.#trusts.get(host);
    if (known === trust) return;
    this.#trusts.set(host, trust);
    if (known === undefined) return;
    const more = reason === undefined ? {} : { trustReason: reason };
    const text = frame('host', JSON.stringify({ host, trust, ...more, verifiedAt }));
    for (const { watchers, question } of this.#groups.values()) {
      if (question.filter.hosts?.has(host) === false || !question.scope.host(host)) continue;
      for (const watcher of watchers) if (watcher.phase.is !== 'behind') watcher.sink.push(text);
    }
  }

  #freshBook(scope: Scope): FactsBook {
    return new FactsBook(new Asking(this.#view, this.#now(), scope));
  }

  #book(scope: Scope): FactsBook {
    const { monotonicMs } = this.#now();
    if (monotonicMs - this.#booksSinceMs > factsLifeMs) {
      this.#books.clear();
      this.#booksSinceMs = monotonicMs;
    }
    let book = this.#books.get(scope.key);
    if (book === undefined) this.#books.set(scope.key, (book = this.#freshBook(scope)));
    return book;
  }
}

/** Written again under a new epoch, or read again, and the same. */
function isSame(a: Row, b: Row): boolean {
  return (
    a.id === b.id &&
    a.state === b.state &&
    a.stateReason === b.stateReason &&
    a.name === b.name &&
    a.persistent === b.persistent &&
    a.autostart === b.autostart &&
    a.managedSave === b.managedSave &&
    a.config?.xmlHash === b.config?.xmlHash &&
    a.config?.omitted?.join() === b.config?.omitted?.join()
  );
}
