/**
 * What caps-cache knows of the hosts, as questions about many of them need it: one index for all, each
 * document once, however many hosts share it.
 */
import type {
  Capabilities,
  CapsIndex,
  CpuModels,
  DomainCapabilities,
  FactQuestion,
  HostId,
} from '@virtscope/contracts';
import { Semaphore, type CapsClient, type Clock } from '@virtscope/runtime';
import { versionText, type HostFacts, type Told } from '@virtscope/view';

export type CapsSource = Pick<
  CapsClient,
  'capabilities' | 'fact' | 'history' | 'commonCpu' | 'index'
>;

/** Where there is no caps-cache to ask. */
export function noCaps(reason: string): CapsSource {
  const unavailable = { kind: 'unavailable', reason } as const;
  return {
    capabilities: () => Promise.resolve(unavailable),
    fact: () => Promise.resolve(unavailable),
    history: () => Promise.resolve(unavailable),
    commonCpu: () => Promise.resolve(unavailable),
    index: () => Promise.resolve([]),
  };
}

/** The index is asked for anew after this, and after the other where it lacks a host. */
const indexAgeMs = 5_000;
const partialIndexAgeMs = 500;
/** A host that nothing was known of is asked for anew after this. */
const missingAgeMs = 5_000;
/** A fact is asked for anew after this: a host's own answer may have come to differ. */
const factAgeMs = 60_000;
/** How long a question about many hosts waits for caps-cache in all. */
const deadlineMs = 4_000;
const askTimeoutMs = 2_000;
/** A probe that is on its way is looked for again after this, within the deadline. */
const againMs = 200;
const maxAsksInFlight = 16;
/** Documents and facts that are remembered; at the bound the oldest is asked for anew. */
const maxDocuments = 512;
const maxFacts = 4_096;
const maxMissing = 10_000;
/** Hosts of one document that are asked for it before it is said to be missing. */
const maxTries = 3;

const late = 'caps-cache did not answer in time';

type Entry = CapsIndex['hosts'][number];
type FactDocument = CpuModels | DomainCapabilities;
type Known = HostFacts & { kind?: string; differs?: boolean };
type Fact = { told: Told<FactDocument>; untilMs: number };

/** Which facts a question needs beside the capabilities. */
export type WantedFacts = { cpuModels: boolean; domain?: FactQuestion };

export class CapsBook {
  readonly #source: CapsSource;
  readonly #clock: Clock;
  readonly #places = new Semaphore(maxAsksInFlight);
  readonly #documents = new Map<string, Capabilities>();
  readonly #facts = new Map<string, Fact>();
  readonly #missing = new Map<HostId, { reason: string; untilMs: number }>();
  #index: { hosts: Map<HostId, Entry>; atMs: number } | undefined;
  #reading: Promise<Map<HostId, Entry>> | undefined;

  constructor(source: CapsSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** What is known of these hosts, asked for where it is not; never rejects but by the signal. */
  async factsOf(
    hosts: readonly HostId[],
    wanted: WantedFacts,
    signal: AbortSignal,
  ): Promise<(host: HostId) => HostFacts> {
    const untilMs = this.#clock.monotonicMs() + deadlineMs;
    const known = new Map<HostId, Known>();
    await this.#askUnknown(hosts, await this.#entries(hosts), known, untilMs);
    await this.#fetchDocuments(hosts, await this.#entries(hosts), known, untilMs);
    const questions: [keyof HostFacts & ('cpuModels' | 'domain'), FactQuestion][] = [];
    if (wanted.cpuModels) questions.push(['cpuModels', { type: 'cpu-models' }]);
    if (wanted.domain !== undefined) questions.push(['domain', wanted.domain]);
    // Hosts of a kind are asked for together, but for those that are known to differ from it.
    const groups = Map.groupBy(known.keys(), (host) => {
      const { kind, differs } = known.get(host) ?? {};
      return kind === undefined ? undefined : differs === true ? `host ${host}` : `kind ${kind}`;
    });
    await Promise.all(
      [...groups].flatMap(([group, members]) =>
        group === undefined
          ? []
          : questions.map(async ([name, question]) => {
              const told = await this.#fact(group, members[0] ?? '', question, untilMs, signal);
              for (const host of members) {
                const facts = known.get(host);
                if (facts !== undefined) Object.assign(facts, { [name]: told });
              }
            }),
      ),
    );
    return (host) => known.get(host) ?? { capabilities: { missing: late } };
  }

  async #entries(hosts: readonly HostId[]): Promise<Map<HostId, Entry>> {
    const held = this.#index;
    // A host that was not known then may be by now.
    const isWhole = held !== undefined && hosts.every((host) => held.hosts.has(host));
    const maxAgeMs = isWhole ? indexAgeMs : partialIndexAgeMs;
    if (held !== undefined && this.#clock.monotonicMs() - held.atMs < maxAgeMs) return held.hosts;
    this.#reading ??= this.#source.index().then((entries) => {
      const read = new Map(entries.map((entry) => [entry.host, entry]));
      this.#index = { hosts: read, atMs: this.#clock.monotonicMs() };
      this.#reading = undefined;
      return read;
    });
    return this.#reading;
  }

  /** Asking for a host makes caps-cache read what it is: the index has it then. */
  async #askUnknown(
    hosts: readonly HostId[],
    entries: ReadonlyMap<HostId, Entry>,
    known: Map<HostId, Known>,
    untilMs: number,
  ): Promise<void> {
    const missing = hosts.filter((host) => !entries.has(host));
    const told = await Promise.all(
      missing.map(
        async (host) => this.#recentlyMissing(host) ?? (await this.#capabilities(host, untilMs)),
      ),
    );
    const missingUntilMs = this.#clock.monotonicMs() + missingAgeMs;
    for (const [index, host] of missing.entries()) {
      const reason = told[index];
      if (typeof reason !== 'string') continue;
      known.set(host, { capabilities: { missing: reason } });
      if (reason === late || this.#recentlyMissing(host) !== undefined) continue;
      remember(this.#missing, host, { reason, untilMs: missingUntilMs }, maxMissing);
    }
    if (told.some((answer) => typeof answer !== 'string')) this.#index = undefined;
  }

  /** Why nothing is known of a host that was asked for just now. */
  #recentlyMissing(host: HostId): string | undefined {
    const held = this.#missing.get(host);
    return held !== undefined && held.untilMs > this.#clock.monotonicMs() ? held.reason : undefined;
  }

  async #fetchDocuments(
    hosts: readonly HostId[],
    entries: ReadonlyMap<HostId, Entry>,
    known: Map<HostId, Known>,
    untilMs: number,
  ): Promise<void> {
    const byHash = Map.groupBy(
      hosts.flatMap((host) => entries.get(host) ?? []),
      ({ hash }) => hash,
    );
    await Promise.all(
      [...byHash].map(async ([hash, members]) => {
        let reason = late;
        for (const { host } of members.slice(0, maxTries)) {
          if (this.#documents.has(hash)) break;
          const told = await this.#capabilities(host, untilMs);
          if (typeof told === 'string') reason = told;
        }
        const document = this.#documents.get(hash);
        for (const entry of members) {
          known.set(
            entry.host,
            document === undefined
              ? { capabilities: { missing: reason } }
              : knownBy(entry, document),
          );
        }
      }),
    );
  }

  /** @returns the document, or why there is none */
  #capabilities(host: HostId, untilMs: number): Promise<Capabilities | string> {
    return this.#places.use(async () => {
      if (this.#isLate(untilMs)) return late;
      const answer = await this.#source.capabilities(host, askTimeoutMs);
      if (answer.kind === 'unavailable') return answer.reason;
      if (!answer.reply.ok) return answer.reply.message;
      const { hash, document } = answer.reply;
      remember(this.#documents, hash, document, maxDocuments);
      return document;
    });
  }

  async #fact(
    group: string,
    host: HostId,
    question: FactQuestion,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<Told<FactDocument>> {
    const key = `${group} ${JSON.stringify(question)}`;
    const held = this.#facts.get(key);
    if (held !== undefined && held.untilMs > this.#clock.monotonicMs()) return held.told;
    for (;;) {
      const answer = await this.#places.use(() => this.#source.fact(host, question, askTimeoutMs));
      const untilItIsOldMs = this.#clock.monotonicMs() + factAgeMs;
      if (answer.kind === 'unavailable') return { missing: answer.reason };
      const { reply } = answer;
      if (reply.ok) {
        const told = { document: reply.document };
        remember(this.#facts, key, { told, untilMs: untilItIsOldMs }, maxFacts);
        return told;
      }
      if (reply.code === 'refused') {
        const told = { refused: reply.message };
        remember(this.#facts, key, { told, untilMs: untilItIsOldMs }, maxFacts);
        return told;
      }
      const again = reply.code === 'unknown' && !this.#isLate(untilMs - againMs);
      if (!again) return { missing: reply.message };
      await this.#clock.sleep(againMs, signal);
    }
  }

  #isLate(untilMs: number): boolean {
    return this.#clock.monotonicMs() >= untilMs;
  }
}

function knownBy(entry: Entry, document: Capabilities): Known {
  const { kind, hash, observedAt, libvirtVersion, hypervisorVersion } = entry;
  return {
    capabilities: { document },
    kind,
    hash,
    observedAt,
    versions: `${versionText(libvirtVersion)} ${versionText(hypervisorVersion)}`,
    ...(entry.differs === true ? { differs: true } : {}),
  };
}

function remember<T>(into: Map<string, T>, key: string, value: T, most: number): void {
  into.delete(key);
  const [oldest] = into.size >= most ? into.keys() : [];
  if (oldest !== undefined) into.delete(oldest);
  into.set(key, value);
}
