/** Watchers of one question: what they are told is judged and written once. */
import type { DomainUuid, HostId } from '@virtscope/contracts';
import type { FactsBook, HostFacts } from '../facts.ts';
import { matches, type DomainFilter } from '../filter.ts';
import { planFor } from '../plan.ts';
import type { Projection } from '../projection.ts';
import type { Row } from '../row.ts';
import { includes, type Scope } from '../scope.ts';
import { eachRow } from '../select.ts';
import type { Sliced } from '../sliced.ts';
import type { RowChange } from '../state-table.ts';
import { frame, marked } from './frame.ts';
import { give, type Watcher } from './watcher.ts';

export type WatchQuestion = { filter: DomainFilter; projection: Projection; scope: Scope };

const keyOf = (host: HostId, uuid: DomainUuid): string => `${host}/${uuid}`;

export class Group {
  readonly key: string;
  readonly question: WatchQuestion;
  readonly watchers = new Set<Watcher>();
  /**
   * Who matched when last judged; kept only where a match may begin or end without a change of
   * the row: by live stats, trust or labels.
   */
  readonly #members: Map<string, { host: HostId; uuid: DomainUuid }> | undefined;

  constructor(key: string, question: WatchQuestion) {
    this.key = key;
    this.question = question;
    const uses = question.filter.expression?.uses;
    const moves = uses !== undefined && (uses.stats || uses.trust || uses.labels);
    this.#members = moves ? new Map() : undefined;
  }

  /** Whether it must be judged again as time goes by. */
  get isLive(): boolean {
    return this.#members !== undefined;
  }

  sees(row: Row, facts: HostFacts): boolean {
    const { scope, filter } = this.question;
    return includes(scope, row) && matches(filter, row, facts);
  }

  /** Tells all watchers what a change of a row means to them. */
  changed({ host, uuid, before, after }: RowChange, book: FactsBook, at: Told): void {
    const { filter, scope } = this.question;
    if (filter.hosts?.has(host) === false || !scope.host(host)) return;
    const facts = book.of(host);
    const key = keyOf(host, uuid);
    const was =
      this.#members === undefined
        ? before !== undefined && this.sees(before, facts)
        : this.#members.has(key);
    const is = after !== undefined && this.sees(after, facts);
    if (!was && !is) return;
    if (is) this.#members?.set(key, { host, uuid });
    else this.#members?.delete(key);
    if (is) this.#enter(after, facts, was ? 'modify' : 'enter', at);
    else this.#leave(host, uuid, at);
  }

  /** Judges every row again: who came in and who left without a change of its row. */
  *judgeAgain(book: FactsBook, at: () => Told): Sliced<void> {
    const members = this.#members;
    if (members === undefined) return;
    const { filter, scope } = this.question;
    const matching = new Set<string>();
    yield* eachRow(book, filter, planFor(book.asking, filter), (row) => {
      if (!includes(scope, row)) return true;
      const key = keyOf(row.host, row.uuid);
      matching.add(key);
      const held = book.asking.view.table.hosts.get(row.host)?.rows.get(row.uuid);
      if (!members.has(key) && held === row) {
        members.set(key, { host: row.host, uuid: row.uuid });
        this.#enter(row, book.of(row.host), 'enter', at());
      }
      return true;
    });
    for (const [key, { host, uuid }] of members) {
      if (matching.has(key)) continue;
      // It may have changed while others were judged: then that judgement counts.
      const row = book.asking.view.table.hosts.get(host)?.rows.get(uuid);
      if (row !== undefined && this.sees(row, book.of(host))) continue;
      members.delete(key);
      this.#leave(host, uuid, at());
    }
  }

  /** A watcher is told of a row that matches: whatever it was before, it is in now. */
  remember(row: Row): void {
    this.#members?.set(keyOf(row.host, row.uuid), { host: row.host, uuid: row.uuid });
  }

  #enter(row: Row, facts: HostFacts, kind: 'enter' | 'modify', at: Told): void {
    this.#tell(row.host, frame(kind, this.question.projection.json(row, facts)), at);
  }

  #leave(host: HostId, uuid: DomainUuid, at: Told): void {
    this.#tell(host, frame('leave', JSON.stringify({ host, uuid })), at);
  }

  #tell(host: HostId, plain: string, { revision, seq }: Told): void {
    const withRevision = marked(revision, plain);
    for (const watcher of this.watchers) give(watcher, host, plain, withRevision, seq);
  }
}

/** The moment that a frame stands for: all before it has been told. */
export type Told = { revision: string; seq: number };
