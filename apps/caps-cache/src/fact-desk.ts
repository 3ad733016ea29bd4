/**
 * One fact of one kind: the mind that says what to do, and the hosts of ours that it is about. This
 * does as it is told and gives back what came of it.
 */
import {
  Fact,
  canonicalText,
  claimKey,
  claimTtlMs,
  contentHash,
  documentKey,
  documentTtlSeconds,
  factTtlSeconds,
  ownFactKey,
  sharedFactKey,
  type FactEffect,
  type FactInput,
  type Publication,
} from '@virtscope/caps';
import { factKey, type FactQuestion, type FactReply, type HostId } from '@virtscope/contracts';
import type { Clock, Logger, RedisCache, Semaphore } from '@virtscope/runtime';
import { LibvirtError, type Session } from 'node-libvirt';
import {
  VIR_ERR_ARGUMENT_UNSUPPORTED,
  VIR_ERR_CONFIG_UNSUPPORTED,
  VIR_ERR_INVALID_ARG,
  VIR_ERR_NO_SUPPORT,
  VIR_ERR_OPERATION_UNSUPPORTED,
} from 'node-libvirt/constants';
import type { CapsMetrics } from './caps-metrics.ts';
import { probe } from './probe.ts';

/** libvirt's words for: there is no such thing here. All else (no access, no memory) may change. */
const refusals: ReadonlySet<number> = new Set([
  VIR_ERR_NO_SUPPORT,
  VIR_ERR_INVALID_ARG,
  VIR_ERR_CONFIG_UNSUPPORTED,
  VIR_ERR_ARGUMENT_UNSUPPORTED,
  VIR_ERR_OPERATION_UNSUPPORTED,
]);

/** How long a question waits for Redis: less than query-api waits for us. */
const questionWaitMs = 1_500;

export type FactCache = Pick<RedisCache, 'get' | 'set' | 'setIfAbsent' | 'prolong' | 'settle'>;

export type FactDeskOptions = {
  kind: string;
  /** Of the CPUs of this kind. */
  arch: string;
  question: FactQuestion;
  replica: string;
  sessionOf: (host: HostId) => Session | undefined;
  cache: FactCache;
  /** Probes of this replica at a time, whatever they are for. */
  places: Semaphore;
  metrics: CapsMetrics;
  clock: Clock;
  log: Logger;
};

type Waiting = { resolve: (reply: FactReply) => void; timer: NodeJS.Timeout };
type BareInput<T = FactInput> = T extends FactInput ? Omit<T, 'nowMs'> : never;
type During = Extract<FactInput, { type: 'redisFailed' }>['during'];

export class FactDesk implements Disposable {
  readonly #options: FactDeskOptions;
  readonly #key: string;
  readonly #mind: Fact;
  readonly #waiting = new Map<number, Waiting>();
  readonly #wakes = new Set<NodeJS.Timeout>();
  #asked = 0;
  #isClosed = false;

  constructor(options: FactDeskOptions) {
    this.#options = options;
    this.#key = factKey(options.question);
    this.#mind = new Fact({
      kind: options.kind,
      fact: this.#key,
      replica: options.replica,
      // What a CPU can be follows from what the kind is made of; an emulator may differ unseen.
      confirms: options.question.type === 'domain',
      phaseOf: (host) => Number.parseInt(contentHash(host + this.#key).slice(0, 8), 16) / 2 ** 32,
    });
  }

  differs(host: HostId): boolean {
    return this.#mind.differs(host);
  }

  opened(host: HostId): void {
    this.#give({ type: 'opened', host });
  }

  closed(host: HostId): void {
    this.#give({ type: 'closed', host });
  }

  forgotten(host: HostId): void {
    this.#give({ type: 'forgotten', host });
  }

  redisReturned(): void {
    this.#give({ type: 'redisReturned' });
  }

  /** Resolves within {@link questionWaitMs}. */
  ask(host: HostId): Promise<FactReply> {
    const question = ++this.#asked;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#give({ type: 'gaveUp', question }), questionWaitMs);
      this.#waiting.set(question, { resolve, timer });
      this.#give({ type: 'asked', host, question });
    });
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const timer of this.#wakes) clearTimeout(timer);
    for (const { timer, resolve } of this.#waiting.values()) {
      clearTimeout(timer);
      const message = 'the host is not watched any more';
      resolve({ v: 1, ok: false, host: '', code: 'unavailable', message });
    }
    this.#waiting.clear();
  }

  #give(input: BareInput): void {
    if (this.#isClosed) return;
    const nowMs = this.#options.clock.monotonicMs();
    for (const effect of this.#mind.give({ nowMs, ...input } as FactInput)) this.#perform(effect);
  }

  /** What comes of an effect is given later, never from within. */
  #perform(effect: FactEffect): void {
    const { cache, kind } = this.#options;
    const claim = claimKey(kind, this.#key);
    switch (effect.type) {
      case 'look':
        void this.#try('look', async () => {
          const [own, shared] = await Promise.all([
            cache.get(ownFactKey(effect.host, this.#key)),
            cache.get(sharedFactKey(kind, this.#key)),
          ]);
          return { type: 'looked', host: effect.host, own, shared };
        });
        break;
      case 'readDocument':
        void this.#try('document', async () => {
          const { hash } = effect;
          return { type: 'document', hash, text: await cache.get(documentKey(hash)) };
        });
        break;
      case 'claim':
        void this.#try('claim', async () => {
          const won = await cache.setIfAbsent(claim, effect.token, claimTtlMs);
          return { type: 'claimed', won };
        });
        break;
      case 'renew':
        void this.#try('renew', async () => {
          return { type: 'renewed', ours: await cache.prolong(claim, effect.token, claimTtlMs) };
        });
        break;
      case 'probe':
        void this.#probe(effect);
        break;
      case 'publish':
        void this.#publish(effect.publication);
        break;
      case 'wakeAt':
        this.#wakeAt(effect.atMs);
        break;
      case 'answer':
        for (const question of effect.questions) {
          const waiting = this.#waiting.get(question);
          this.#waiting.delete(question);
          clearTimeout(waiting?.timer);
          waiting?.resolve(effect.reply);
        }
    }
  }

  /** Never rejects, as the other effects: what came of it goes to the mind. */
  async #try(during: During, act: () => Promise<BareInput>): Promise<void> {
    let input: BareInput;
    try {
      input = await act();
    } catch (error) {
      this.#options.log.debug({ err: error, fact: this.#key }, 'Redis does not answer');
      input = { type: 'redisFailed', during };
    }
    this.#give(input);
  }

  async #probe({ host, reason }: Extract<FactEffect, { type: 'probe' }>): Promise<void> {
    const { clock, log, metrics, places, question, sessionOf, arch } = this.#options;
    const fact = this.#key;
    const input = await places.use(async (): Promise<BareInput> => {
      const session = sessionOf(host);
      // Before the call: what it says is as old as its start.
      const observedAt = new Date(clock.wallMs()).toISOString();
      const startedMs = clock.monotonicMs();
      try {
        if (session === undefined) throw new Error('there is no session');
        const text = canonicalText(await probe(session, question, { arch, reason }));
        metrics.probe(reason, 'answered');
        log.info({ host, fact, reason, tookMs: clock.monotonicMs() - startedMs }, 'probed');
        return { type: 'probed', host, hash: contentHash(text), text, observedAt };
      } catch (error) {
        const refused = error instanceof LibvirtError && refusals.has(error.code);
        const lost = session?.isOpen !== true || session !== sessionOf(host);
        const outcome = refused ? 'refused' : lost ? 'lost' : 'failed';
        metrics.probe(reason, outcome);
        log.warn({ host, fact, reason, outcome, err: error }, 'a probe brought nothing');
        const message = error instanceof Error ? error.message : String(error);
        return { type: 'probeFailed', host, message, outcome };
      }
    });
    this.#give(input);
  }

  async #publish({ document, shared, own }: Publication): Promise<void> {
    const { cache, kind, log } = this.#options;
    let ok = true;
    try {
      if (document !== undefined) {
        await cache.set(documentKey(document.hash), document.text, documentTtlSeconds);
      }
      if (shared !== undefined) {
        const { token, text, ttlSeconds } = shared;
        const key = sharedFactKey(kind, this.#key);
        if (token === undefined) await cache.setIfAbsent(key, text, ttlSeconds * 1_000);
        else
          await cache.settle({ key: claimKey(kind, this.#key), token }, { key, text, ttlSeconds });
      }
      if (own !== undefined) {
        await cache.set(ownFactKey(own.host, this.#key), own.text, factTtlSeconds);
      }
    } catch (error) {
      ok = false;
      log.warn(
        { err: error, fact: this.#key },
        'Redis does not take what was probed; memory has it',
      );
    }
    this.#give({ type: 'published', ok });
  }

  #wakeAt(atMs: number): void {
    const { clock } = this.#options;
    const timer = setTimeout(
      () => {
        this.#wakes.delete(timer);
        // A timer may fire a little before its time by the other clock.
        if (clock.monotonicMs() < atMs) this.#wakeAt(atMs);
        else this.#give({ type: 'woke' });
      },
      Math.max(1, Math.min(atMs - clock.monotonicMs(), 2 ** 31 - 1)),
    );
    this.#wakes.add(timer);
  }
}
