/**
 * One host: its sessions, its questions, and the mind that says what to do. This does as it is
 * told and gives back what came of it.
 */
import {
  documentKey,
  documentTtlSeconds,
  historyKey,
  parseDocument,
  pointerKey,
  pointerTtlSeconds,
  startHostCaps,
  step,
  type CapsEffect,
  type CapsInput,
  type Fingerprint,
  type HostCaps,
  type KnownBefore,
} from '@virtscope/caps';
import {
  capsHistoryEntrySchema,
  maxCapsHistory,
  type CapsHistoryEntry,
  type CapsHistoryReply,
  type CapsReply,
  type HostId,
} from '@virtscope/contracts';
import { parseJson, type Clock, type Logger } from '@virtscope/runtime';
import { LibvirtError, type Session } from 'node-libvirt';
import type { ChangeEvents } from './change-events.ts';
import type { CapsMetrics, RedisOperation } from './caps-metrics.ts';
import type { HostNow } from './kinds.ts';

/** A cold daemon probes its emulators one by one: some 8 s, 36 s where nothing reaps its children. */
const capabilitiesTimeoutMs = 120_000;

/** The hypervisor's version makes a cold daemon probe its first emulator. */
const versionTimeoutMs = 60_000;

/** How long a question waits for its answer: less than query-api waits for us, 2 s. */
const questionWaitMs = 1_500;

/** The cache that this room needs; `runtime`'s Redis fits. */
export type Cache = {
  get(key: string): Promise<string | undefined>;
  has(key: string): Promise<boolean>;
  set(key: string, text: string, ttlSeconds: number): Promise<void>;
  push(key: string, text: string, most: number, ttlSeconds: number): Promise<void>;
  list(key: string): Promise<string[]>;
};

export type HostDeskOptions = {
  host: HostId;
  cache: Cache;
  metrics: CapsMetrics;
  clock: Clock;
  log: Logger;
  changes: ChangeEvents;
  /** Told what the host is, whenever that or its session changes; undefined: nobody knows. */
  onChange: (now: HostNow | undefined) => void;
};

type Question = { resolve: (reply: CapsReply) => void; timer: NodeJS.Timeout };
type BareInput<T = CapsInput> = T extends CapsInput ? Omit<T, 'nowMs'> : never;

export class HostDesk implements Disposable {
  readonly #options: HostDeskOptions;
  readonly #questions = new Map<number, Question>();
  readonly #wakes = new Set<NodeJS.Timeout>();
  #state: HostCaps;
  #session: Session | undefined;
  #sessions = 0;
  #asked = 0;
  #isClosed = false;
  #told: { held: HostCaps['held']; session: Session | undefined } = {
    held: undefined,
    session: undefined,
  };

  constructor(options: HostDeskOptions) {
    this.#options = options;
    this.#state = startHostCaps(options.host);
  }

  /** Uses a session until it closes, or is of no use. */
  async serve(session: Session): Promise<void> {
    const { host, log } = this.#options;
    let fingerprint: Fingerprint;
    try {
      fingerprint = await fingerprintOf(session);
    } catch (error) {
      log.warn({ host, err: error }, 'the daemon does not tell its versions');
      this.unreachable(error);
      return;
    }
    this.#session = session;
    this.#sessions += 1;
    log.info({ host, ...fingerprint, address: session.address }, 'connected to libvirt');
    this.#give({ type: 'opened', session: this.#sessions, fingerprint });
    const error = await session.closed;
    this.#session = undefined;
    this.unreachable(error);
  }

  unreachable(error: unknown): void {
    const reason = error instanceof Error ? error.message : 'the session is over';
    this.#give({ type: 'lost', reason });
  }

  redisReturned(): void {
    this.#give({ type: 'redisReturned' });
  }

  /** Resolves within {@link questionWaitMs}, and at once when the desk closes. */
  ask(): Promise<CapsReply> {
    this.#asked += 1;
    const question = this.#asked;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#give({ type: 'gaveUp', question }), questionWaitMs);
      this.#questions.set(question, { resolve, timer });
      if (this.#isClosed) this.#answerUnwatched();
      else this.#give({ type: 'asked', question });
    });
  }

  /** Nothing is done any more; whoever waits is told so. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const timer of this.#wakes) clearTimeout(timer);
    this.#answerUnwatched();
    this.#options.onChange(undefined);
  }

  #answerUnwatched(): void {
    const { host } = this.#options;
    const message = `${host} is not watched any more`;
    const reply: CapsReply = { v: 1, ok: false, host, code: 'unavailable', message };
    for (const question of this.#questions.keys()) this.#answer(question, reply);
  }

  #answer(question: number, reply: CapsReply): void {
    const asked = this.#questions.get(question);
    this.#questions.delete(question);
    clearTimeout(asked?.timer);
    asked?.resolve(reply);
  }

  #give(input: BareInput): void {
    if (this.#isClosed) return;
    const nowMs = this.#options.clock.monotonicMs();
    const [state, effects] = step(this.#state, { nowMs, ...input } as CapsInput);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    this.#tell();
  }

  #tell(): void {
    const { held } = this.#state;
    const session = this.#session;
    if (held === this.#told.held && session === this.#told.session) return;
    this.#told = { held, session };
    this.#options.onChange(held && { ...held, session });
  }

  /** What comes of an effect is given later, never from within. */
  #perform(effect: CapsEffect): void {
    switch (effect.type) {
      case 'readCapabilities':
        void this.#readCapabilities(effect);
        break;
      case 'readPointer':
        void this.#readPointer(effect);
        break;
      case 'readDocument':
        void this.#readDocument(effect);
        break;
      case 'writeDocument':
        void this.#write(effect.type, documentKey(effect.hash), effect.text, documentTtlSeconds);
        break;
      case 'writePointer':
        void this.#write(effect.type, pointerKey(effect.host), effect.text, pointerTtlSeconds);
        break;
      case 'changed':
        void this.#changed(effect);
        break;
      case 'wakeAt':
        this.#wakeAt(effect.atMs);
        break;
      case 'answer':
        for (const question of effect.questions) this.#answer(question, effect.reply);
    }
  }

  /** Never rejects, as the other effects: what came of it goes to the mind. */
  async #readCapabilities({
    session: number,
    reason,
  }: Extract<CapsEffect, { type: 'readCapabilities' }>): Promise<void> {
    const { host, clock, log } = this.#options;
    // Before the call: a cold probe answers much later, and what it says is as old as its start.
    const observedAt = new Date(clock.wallMs()).toISOString();
    const startedMs = clock.monotonicMs();
    let input: BareInput;
    try {
      if (this.#session === undefined) throw new Error('there is no session');
      const timeoutMs = capabilitiesTimeoutMs;
      const xml = await this.#session.connectGetCapabilities({ reason, timeoutMs });
      log.info({ host, reason, tookMs: clock.monotonicMs() - startedMs }, 'capabilities read');
      input = { type: 'capabilitiesRead', session: number, xml, observedAt };
    } catch (error) {
      log.warn({ host, reason, err: error }, 'the capabilities cannot be read');
      const message = error instanceof Error ? error.message : String(error);
      input = { type: 'readFailed', session: number, message };
    }
    this.#give(input);
  }

  /** What another process of ours read before is in Redis, if it still is. */
  async #changed({ before, after }: Extract<CapsEffect, { type: 'changed' }>): Promise<void> {
    const { cache, changes } = this.#options;
    const { hash } = before;
    const text =
      before.document === undefined
        ? await cache.get(documentKey(hash)).catch(() => undefined)
        : undefined;
    const document = text === undefined ? before.document : parseDocument(text, hash);
    changes.tell(before, after, document);
    await this.#remember(before, after);
  }

  /** The first change tells also what was before it. */
  async #remember(before: KnownBefore, after: KnownBefore): Promise<void> {
    const { host, cache, log } = this.#options;
    const key = historyKey(host);
    try {
      const entries = (await cache.has(key)) ? [after] : [before, after];
      for (const entry of entries) {
        const text = JSON.stringify(historyEntry(entry));
        await cache.push(key, text, maxCapsHistory, pointerTtlSeconds);
      }
    } catch (error) {
      log.warn({ host, err: error }, 'Redis does not remember what the host was');
    }
  }

  /** What the host was, the newest first; what it is now where nothing changed. Never rejects. */
  async history(): Promise<CapsHistoryReply> {
    const { host, cache } = this.#options;
    const { held } = this.#state;
    let texts: string[];
    try {
      texts = await cache.list(historyKey(host));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return { v: 1, ok: false, host, code: 'unavailable', message };
    }
    const known = texts.flatMap((text) => {
      const entry = capsHistoryEntrySchema.safeParse(parseJson(Buffer.from(text)));
      return entry.success ? [entry.data] : [];
    });
    const isTold = held === undefined || known[0]?.hash === held.hash;
    return { v: 1, ok: true, host, history: isTold ? known : [historyEntry(held), ...known] };
  }

  async #readPointer({
    host,
    heldHash,
  }: Extract<CapsEffect, { type: 'readPointer' }>): Promise<void> {
    const { cache } = this.#options;
    await this.#found('read-pointer', async () => {
      const [text, hasHeld] = await Promise.all([
        cache.get(pointerKey(host)),
        heldHash === undefined ? false : cache.has(documentKey(heldHash)),
      ]);
      return { type: 'found', text, hasHeld };
    });
  }

  async #readDocument({ hash }: Extract<CapsEffect, { type: 'readDocument' }>): Promise<void> {
    await this.#found('read-document', async () => {
      return { type: 'found', text: await this.#options.cache.get(documentKey(hash)) };
    });
  }

  async #found(
    operation: RedisOperation,
    read: () => Promise<Extract<BareInput, { type: 'found' }>>,
  ): Promise<void> {
    const { host, log, metrics } = this.#options;
    let input: BareInput;
    try {
      input = await read();
      metrics.redis(operation, input.text === undefined ? 'miss' : 'hit');
    } catch (error) {
      metrics.redis(operation, 'failed');
      log.debug({ host, err: error }, 'Redis does not answer');
      input = { type: 'redisFailed', during: 'read' };
    }
    this.#give(input);
  }

  async #write(
    effect: 'writeDocument' | 'writePointer',
    key: string,
    text: string,
    ttlSeconds: number,
  ): Promise<void> {
    const { host, cache, log, metrics } = this.#options;
    const operation = effect === 'writeDocument' ? 'write-document' : 'write-pointer';
    let input: BareInput = { type: 'written' };
    try {
      await cache.set(key, text, ttlSeconds);
      metrics.redis(operation, 'written');
    } catch (error) {
      metrics.redis(operation, 'failed');
      log.warn({ host, err: error }, 'Redis does not take the capabilities; memory has them');
      input = { type: 'redisFailed', during: 'write' };
    }
    this.#give(input);
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
      Math.max(1, atMs - clock.monotonicMs()),
    );
    this.#wakes.add(timer);
  }
}

function historyEntry({
  hash,
  fingerprint,
  observedAt,
}: Omit<KnownBefore, 'document'>): CapsHistoryEntry {
  return { hash, ...fingerprint, observedAt };
}

async function fingerprintOf(session: Session): Promise<Fingerprint> {
  const options = { reason: 'fingerprint', timeoutMs: versionTimeoutMs };
  const [driver, libvirtVersion, hypervisorVersion] = await Promise.all([
    session.connectGetType(options),
    session.connectGetLibVersion(options),
    session.connectGetVersion(options).catch((error: unknown) => {
      if (error instanceof LibvirtError) return 0; // no emulator is installed
      throw error;
    }),
  ]);
  return { driver, libvirtVersion, hypervisorVersion };
}
