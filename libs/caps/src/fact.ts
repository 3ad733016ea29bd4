/**
 * The mind about one fact (domain capabilities of a tuple, usable CPU models) of one kind of hosts,
 * in one replica.
 *
 * - F1 Of a replica's hosts at most one is probed for it at a time; of all replicas', while Redis
 *   lives, at most one to infer it: the one whose claim stands.
 * - F2 What was read under another kind is never an answer: a kind has a mind of its own.
 * - F3 A host's own confirmed answer goes before the kind's, also when they differ.
 * - F4 A question is answered at once from what is known, else as soon as Redis has spoken, with
 *   `unknown` when nobody knows: then one probe is on its way.
 * - F5 A failure is told to all and not tried again while it is fresh.
 * - F6 What the kind says is confirmed by each host's own probe, spread over {@link confirmWithinMs}.
 */
import type { FactDocument, FactReply, HostId } from '@virtscope/contracts';
import { claimTtlMs, type FactEffect, type FactInput, type Publication } from './fact-io.ts';
import {
  factTtlSeconds,
  failureTtlSeconds,
  formatFactPointer,
  parseFactDocument,
  parseFactPointer,
  refusalTtlSeconds,
  type FactPointer,
} from './stored-facts.ts';

/** A host confirms this long after its session opened at the soonest: it may just have booted. */
export const confirmAfterMs = 60_000;
/** Within this all hosts of a kind confirm, each at its own moment. */
export const confirmWithinMs = 3_600_000;
/** A confirmation that failed is tried again after this, and one that did not is made anew. */
const confirmAgainMs = 600_000;
const recheckMs = 24 * 3_600_000;
/** Whose claim was refused looks again after this whether the answer is there. */
const lookAgainMs = 2_000;
/** What Redis did not take is written again after this. */
const publishAgainMs = 30_000;
/** After a session broke under a probe: whoever lost it is told so soon. */
const restMs = 1_000;
/** When to come again for an answer that is being probed for. */
const soonMs = 2_000;
const maxWaiting = 1_000;

/** What a host or the kind points to. */
type Known = { hash: string; observedAt: string };
type Failure = { message: string; refused: boolean; untilMs: number };

type HostFact = {
  isOpen: boolean;
  /** Its own pointer in Redis was read, or there was no Redis to read it from. */
  looked: boolean;
  looking: boolean;
  own: (Known & { standing: 'confirmed' | 'inferred' }) | undefined;
  /** When it confirms, while it is open. */
  dueMs: number;
};

export type FactOptions = {
  kind: string;
  /** Its key, for people. */
  fact: string;
  /** Names this replica's claims. */
  replica: string;
  /** Whether equal kinds may differ in it, so that each host confirms. */
  confirms: boolean;
  /** In [0, 1): a host's moment in the time of confirmations, the same each time. */
  phaseOf: (host: HostId) => number;
};

export class Fact {
  readonly #options: FactOptions;
  readonly #hosts = new Map<HostId, HostFact>();
  readonly #documents = new Map<string, { text: string; document: FactDocument }>();
  readonly #reading = new Set<string>();
  readonly #waiting = new Map<number, HostId>();
  #shared: Known | undefined;
  #failure: Failure | undefined;
  /** Somebody wants to know: without that nobody is probed. */
  #wanted = false;
  #claim: 'none' | 'asking' | 'ours' | 'without' = 'none';
  #claimAgainMs = Number.NEGATIVE_INFINITY;
  /** The kind's pointer was read, and nobody can have written one since without our knowing. */
  #sharedLooked = false;
  #renewAtMs = Number.POSITIVE_INFINITY;
  #claims = 0;
  #restUntilMs = Number.NEGATIVE_INFINITY;
  #probing: { host: HostId; reason: 'infer' | 'confirm' } | undefined;
  #unpublished: Publication[] = [];
  #publishing = false;
  #publishAtMs = Number.NEGATIVE_INFINITY;
  #wakeAtMs = Number.POSITIVE_INFINITY;

  constructor(options: FactOptions) {
    this.#options = options;
  }

  /** Whether the host's own answer is another than its kind's. */
  differs(host: HostId): boolean {
    const own = this.#hosts.get(host)?.own?.hash;
    return own !== undefined && this.#shared !== undefined && own !== this.#shared.hash;
  }

  give(input: FactInput): FactEffect[] {
    const effects: FactEffect[] = [];
    this.#hear(input, effects);
    this.#act(input.nowMs, effects);
    return effects;
  }

  #hear(input: FactInput, effects: FactEffect[]): void {
    switch (input.type) {
      case 'opened': {
        const before = this.#hosts.get(input.host);
        const own = before?.own && { ...before.own, standing: 'inferred' as const };
        const dueMs =
          input.nowMs + confirmAfterMs + this.#options.phaseOf(input.host) * confirmWithinMs;
        this.#hosts.set(input.host, {
          looked: before?.looked ?? false,
          looking: before?.looking ?? false,
          isOpen: true,
          own,
          dueMs,
        });
        return;
      }
      case 'closed': {
        const host = this.#hosts.get(input.host);
        if (host !== undefined) host.isOpen = false;
        return;
      }
      case 'forgotten':
        this.#hosts.delete(input.host);
        for (const [question, host] of this.#waiting) {
          if (host === input.host) this.#answer([question], this.#unknown(host), effects);
        }
        return;
      case 'asked':
        return this.#asked(input.host, input.question, effects);
      case 'gaveUp': {
        const host = this.#waiting.get(input.question);
        if (host !== undefined) this.#answer([input.question], this.#unknown(host), effects);
        return;
      }
      case 'looked':
        return this.#looked(input, effects);
      case 'document':
        return this.#documentCame(input.hash, input.text, effects);
      case 'claimed':
        this.#claim = input.won ? 'ours' : 'none';
        if (input.won) {
          this.#renewAtMs = input.nowMs + claimTtlMs / 3;
        } else {
          this.#claimAgainMs = input.nowMs + lookAgainMs;
          this.#sharedLooked = false;
        }
        return;
      case 'renewed':
        // Whoever has it now may publish; what our probe brings is its host's own alone.
        if (!input.ours && this.#claim === 'ours') this.#claim = 'without';
        return;
      case 'redisFailed':
        return this.#redisFailed(input.during, effects);
      case 'probed':
        return this.#probed(input, effects);
      case 'probeFailed':
        return this.#probeFailed(input, effects);
      case 'published':
        this.#publishing = false;
        if (input.ok) this.#unpublished.shift();
        else this.#publishAtMs = input.nowMs + publishAgainMs;
        return;
      case 'redisReturned':
        return this.#redisReturned(input.nowMs);
      case 'woke':
        this.#wakeAtMs = Number.POSITIVE_INFINITY;
    }
  }

  /** Starts what is wanted and may start now. */
  #act(nowMs: number, effects: FactEffect[]): void {
    if (this.#failure !== undefined && nowMs >= this.#failure.untilMs) {
      this.#failure = undefined;
      this.#sharedLooked = false;
    }
    const isInferring = this.#wanted && this.#shared === undefined && this.#failure === undefined;
    const isFree = this.#probing === undefined && nowMs >= this.#restUntilMs;
    if (isInferring && isFree) this.#infer(nowMs, effects);
    if (this.#claim === 'ours' && nowMs >= this.#renewAtMs) {
      this.#renewAtMs = nowMs + claimTtlMs / 3;
      effects.push({ type: 'renew', token: this.#token });
    }
    if (this.#probing === undefined) this.#confirm(nowMs, effects);
    const [publication] = this.#unpublished;
    if (publication !== undefined && !this.#publishing && nowMs >= this.#publishAtMs) {
      this.#publishing = true;
      effects.push({ type: 'publish', publication });
    }
    this.#sleep(nowMs, effects);
  }

  #infer(nowMs: number, effects: FactEffect[]): void {
    const prober = [...this.#hosts].find(([, { isOpen }]) => isOpen)?.[0];
    if (prober === undefined) return;
    if (this.#claim === 'ours' || this.#claim === 'without') {
      this.#probing = { host: prober, reason: 'infer' };
      effects.push({ type: 'probe', host: prober, reason: 'infer' });
    } else if (this.#claim === 'none' && nowMs >= this.#claimAgainMs) {
      if (!this.#sharedLooked) {
        const isLooking = [...this.#hosts.values()].some(({ looking }) => looking);
        if (!isLooking) this.#look(prober, effects);
        return;
      }
      this.#claims += 1;
      this.#claim = 'asking';
      effects.push({ type: 'claim', token: this.#token });
    }
  }

  #confirm(nowMs: number, effects: FactEffect[]): void {
    if (!this.#options.confirms || this.#shared === undefined) return;
    for (const [id, host] of this.#hosts) {
      if (!host.isOpen || host.dueMs > nowMs) continue;
      this.#probing = { host: id, reason: 'confirm' };
      effects.push({ type: 'probe', host: id, reason: 'confirm' });
      return;
    }
  }

  /** Asks to be woken for the next thing that is due. */
  #sleep(nowMs: number, effects: FactEffect[]): void {
    const dues: number[] = [];
    if (this.#claim === 'ours') dues.push(this.#renewAtMs);
    dues.push(this.#restUntilMs);
    if (this.#failure !== undefined && this.#wanted) dues.push(this.#failure.untilMs);
    if (this.#claim === 'none' && this.#wanted && this.#shared === undefined) {
      dues.push(this.#claimAgainMs);
    }
    if (this.#unpublished.length > 0 && !this.#publishing) dues.push(this.#publishAtMs);
    if (this.#options.confirms && this.#shared !== undefined && this.#probing === undefined) {
      for (const { isOpen, dueMs } of this.#hosts.values()) if (isOpen) dues.push(dueMs);
    }
    const nextMs = dues.filter((dueMs) => dueMs > nowMs).reduce((a, b) => Math.min(a, b), Infinity);
    if (nextMs >= this.#wakeAtMs) return;
    this.#wakeAtMs = nextMs;
    effects.push({ type: 'wakeAt', atMs: nextMs });
  }

  get #token(): string {
    return `${this.#options.replica}:${this.#claims}`;
  }

  #asked(id: HostId, question: number, effects: FactEffect[]): void {
    const reply = this.#replyOf(id);
    if (reply !== undefined) return this.#answer([question], reply, effects);
    const host = this.#hosts.get(id);
    if (host === undefined || this.#waiting.size >= maxWaiting) {
      return this.#answer([question], this.#unknown(id), effects);
    }
    this.#wanted = true;
    if (host.looked && !this.#awaitsDocument(host)) {
      return this.#answer([question], this.#unknown(id), effects);
    }
    this.#waiting.set(question, id);
    if (!host.looked) this.#look(id, effects);
  }

  #awaitsDocument({ own }: HostFact): boolean {
    return this.#reading.has(own?.hash ?? this.#shared?.hash ?? '');
  }

  #look(id: HostId, effects: FactEffect[]): void {
    const host = this.#hosts.get(id);
    if (host === undefined || host.looking) return;
    host.looking = true;
    effects.push({ type: 'look', host: id });
  }

  #looked(
    { host: id, own, shared, nowMs }: Extract<FactInput, { type: 'looked' }>,
    effects: FactEffect[],
  ): void {
    const host = this.#hosts.get(id);
    if (host === undefined) return;
    host.looking = false;
    host.looked = true;
    this.#sharedLooked = true;
    const ownPointer = this.#ofThisKind(own);
    if (ownPointer !== undefined && 'hash' in ownPointer && host.own === undefined) {
      host.own = { ...ownPointer, standing: 'inferred' };
      this.#fetch(ownPointer.hash, effects);
    }
    const pointer = this.#ofThisKind(shared);
    if (pointer !== undefined && 'hash' in pointer && this.#shared === undefined) {
      this.#shared = pointer;
      this.#failure = undefined;
      this.#fetch(pointer.hash, effects);
    } else if (pointer !== undefined && 'failed' in pointer && this.#failure === undefined) {
      const { failed: message, refused } = pointer;
      this.#failure = { message, refused, untilMs: nowMs + lookAgainMs * 5 };
    }
    this.#answerWaiting(effects);
  }

  #ofThisKind(text: string | undefined): FactPointer | undefined {
    const pointer = parseFactPointer(text);
    return pointer?.kind === this.#options.kind ? pointer : undefined; // F2
  }

  #fetch(hash: string, effects: FactEffect[]): void {
    if (this.#documents.has(hash) || this.#reading.has(hash)) return;
    this.#reading.add(hash);
    effects.push({ type: 'readDocument', hash });
  }

  #documentCame(hash: string, text: string | undefined, effects: FactEffect[]): void {
    this.#reading.delete(hash);
    const document = text === undefined ? undefined : parseFactDocument(text, hash);
    if (document !== undefined && text !== undefined) {
      this.#documents.set(hash, { text, document });
    } else {
      // A pointer without its document is a miss.
      if (this.#shared?.hash === hash) this.#shared = undefined;
      for (const host of this.#hosts.values()) if (host.own?.hash === hash) host.own = undefined;
    }
    this.#answerWaiting(effects);
  }

  #redisFailed(
    during: Extract<FactInput, { type: 'redisFailed' }>['during'],
    effects: FactEffect[],
  ): void {
    if (during === 'look') {
      this.#sharedLooked = true;
      for (const host of this.#hosts.values()) {
        if (!host.looking) continue;
        host.looking = false;
        host.looked = true;
      }
    } else if (during === 'document') {
      for (const hash of this.#reading) this.#documentCame(hash, undefined, effects);
    } else if (during === 'claim') {
      // Without Redis each replica infers for itself.
      this.#claim = 'without';
    }
    this.#answerWaiting(effects);
  }

  #probed(
    { host: id, hash, text, observedAt, nowMs }: Extract<FactInput, { type: 'probed' }>,
    effects: FactEffect[],
  ): void {
    const reason = this.#probing?.reason;
    this.#probing = undefined;
    const document = parseFactDocument(text, hash);
    if (document === undefined) return;
    this.#documents.set(hash, { text, document });
    const { kind } = this.#options;
    const pointer = formatFactPointer({ v: 1, kind, hash, observedAt });
    const publication: Publication = { document: { hash, text }, own: { host: id, text: pointer } };
    const host = this.#hosts.get(id);
    if (host !== undefined) {
      host.own = { hash, observedAt, standing: 'confirmed' };
      host.dueMs = nowMs + recheckMs;
    }
    if (reason === 'infer') {
      const token = this.#claim === 'ours' ? this.#token : undefined;
      publication.shared = { token, text: pointer, ttlSeconds: factTtlSeconds };
      this.#shared = { hash, observedAt };
      this.#failure = undefined;
      this.#endClaim();
    }
    this.#publish(publication);
    this.#answerWaiting(effects);
  }

  #probeFailed(
    { host: id, message, outcome, nowMs }: Extract<FactInput, { type: 'probeFailed' }>,
    effects: FactEffect[],
  ): void {
    const reason = this.#probing?.reason;
    this.#probing = undefined;
    const host = this.#hosts.get(id);
    if (reason === 'confirm') {
      if (host !== undefined) host.dueMs = nowMs + confirmAgainMs;
      return;
    }
    // The claim is still ours: another host may be probed under it, or this one's next session.
    if (outcome === 'lost') {
      this.#restUntilMs = nowMs + restMs;
      return;
    }
    const refused = outcome === 'refused';
    const ttlSeconds = refused ? refusalTtlSeconds : failureTtlSeconds;
    this.#failure = { message, refused, untilMs: nowMs + ttlSeconds * 1_000 };
    if (this.#claim === 'ours') {
      const text = formatFactPointer({
        v: 1,
        kind: this.#options.kind,
        failed: message.slice(0, 4096),
        refused,
      });
      this.#publish({ shared: { token: this.#token, text, ttlSeconds } });
    }
    this.#endClaim();
    this.#answerWaiting(effects);
  }

  /** It may have been emptied: whatever is known here is written again, and nothing is assumed. */
  #redisReturned(nowMs: number): void {
    const { kind } = this.#options;
    this.#sharedLooked = false;
    const pointerOf = ({ hash, observedAt }: Known): string =>
      formatFactPointer({ v: 1, kind, hash, observedAt });
    const documentOf = (hash: string): Pick<Publication, 'document'> => {
      const text = this.#documents.get(hash)?.text;
      return text === undefined ? {} : { document: { hash, text } };
    };
    if (this.#shared !== undefined) {
      const text = pointerOf(this.#shared);
      this.#publish({
        ...documentOf(this.#shared.hash),
        shared: { token: undefined, text, ttlSeconds: factTtlSeconds },
      });
    }
    for (const [id, host] of this.#hosts) {
      if (host.own === undefined) host.looked = false;
      else {
        this.#publish({
          ...documentOf(host.own.hash),
          own: { host: id, text: pointerOf(host.own) },
        });
      }
    }
    this.#publishAtMs = nowMs;
  }

  #endClaim(): void {
    this.#claim = 'none';
    this.#claimAgainMs = Number.NEGATIVE_INFINITY;
    this.#renewAtMs = Number.POSITIVE_INFINITY;
  }

  /** At most one for each host, and one for the kind alone, waits: a newer one says all. */
  #publish(publication: Publication): void {
    const under = this.#publishing ? 1 : 0;
    const before = this.#unpublished.findIndex(
      ({ own, shared }, at) =>
        at >= under &&
        own?.host === publication.own?.host &&
        (own === undefined || shared === undefined || publication.shared !== undefined),
    );
    if (before >= 0) this.#unpublished.splice(before, 1);
    this.#unpublished.push(publication);
  }

  /** Answers whoever waits and needs not wait any longer. */
  #answerWaiting(effects: FactEffect[]): void {
    for (const [question, id] of this.#waiting) {
      const host = this.#hosts.get(id);
      const reply = this.#replyOf(id);
      const isWaiting =
        reply === undefined && host !== undefined && (!host.looked || this.#awaitsDocument(host));
      if (!isWaiting) this.#answer([question], reply ?? this.#unknown(id), effects);
    }
  }

  #answer(questions: readonly number[], reply: FactReply, effects: FactEffect[]): void {
    for (const question of questions) this.#waiting.delete(question);
    effects.push({ type: 'answer', questions, reply });
  }

  /** What is known of the host; undefined while nothing is, or while its own may still come. */
  #replyOf(id: HostId): FactReply | undefined {
    const host = this.#hosts.get(id);
    if (host === undefined || !host.looked) return undefined;
    const known = host.own ?? (this.#shared && { ...this.#shared, standing: 'inferred' as const }); // F3
    const document = known && this.#documents.get(known.hash)?.document;
    if (known !== undefined && document !== undefined) {
      const { hash, standing, observedAt } = known;
      const { kind } = this.#options;
      return { v: 1, ok: true, host: id, kind, hash, standing, observedAt, document };
    }
    if (known === undefined && this.#failure !== undefined) {
      const { message, refused } = this.#failure;
      const code = refused ? 'refused' : 'unavailable';
      return { v: 1, ok: false, host: id, code, message, retryAfterMs: 10_000 };
    }
    return undefined;
  }

  #unknown(host: HostId): FactReply {
    const probing =
      this.#probing?.reason === 'infer' ? `${this.#probing.host} is being probed` : '';
    const message =
      probing === '' ? `${this.#options.fact} of ${host} is not known yet` : `${probing} for it`;
    return { v: 1, ok: false, host, code: 'unknown', message, retryAfterMs: soonMs };
  }
}
