/** The hosts of this replica by kind, and the facts that were asked about each kind. */
import { kindOf, type Fingerprint } from '@virtscope/caps';
import {
  factKey,
  type Capabilities,
  type EmulatorChoice,
  type FactQuestion,
  type FactReply,
  type HostId,
} from '@virtscope/contracts';
import { Semaphore } from '@virtscope/runtime';
import type { Session } from 'node-libvirt';
import { FactDesk, type FactDeskOptions } from './fact-desk.ts';

/** Probes of a replica at a time: each makes its daemon start an emulator. */
const maxProbes = 2;
/** Different questions about one kind; one more is told so. */
const maxFactsOfKind = 256;

/** What a host is now, as its capabilities show it. */
export type HostNow = {
  fingerprint: Fingerprint;
  hash: string;
  document: Capabilities;
  standing: 'confirmed' | 'inferred';
  observedAt: string;
  session: Session | undefined;
};

type Kind = {
  document: Capabilities;
  hosts: Set<HostId>;
  facts: Map<string, FactDesk>;
};

export type KindsOptions = Omit<
  FactDeskOptions,
  'kind' | 'arch' | 'question' | 'sessionOf' | 'places'
> & {
  /** Whether domain capabilities may be asked for. */
  domainCapabilities: boolean;
};

export class Kinds implements Disposable {
  readonly #options: KindsOptions;
  readonly #places = new Semaphore(maxProbes);
  readonly #kinds = new Map<string, Kind>();
  readonly #hosts = new Map<HostId, HostNow & { kind: string }>();

  constructor(options: KindsOptions) {
    this.#options = options;
  }

  /** Every host of ours whose capabilities are known. */
  get hosts(): ReadonlyMap<HostId, HostNow & { kind: string }> {
    return this.#hosts;
  }

  /** Whether a probe of this host brought something else than its kind has. */
  differs(host: HostId): boolean {
    const kind = this.#kinds.get(this.#hosts.get(host)?.kind ?? '');
    return [...(kind?.facts.values() ?? [])].some((desk) => desk.differs(host));
  }

  /** @param now undefined when nothing is known of it, or it is not ours any more */
  is(host: HostId, now: HostNow | undefined): void {
    const before = this.#hosts.get(host);
    const kind = now && kindOf(now.fingerprint, now.hash);
    if (before !== undefined && before.kind !== kind) this.#leave(host, before.kind);
    if (now === undefined || kind === undefined) {
      this.#hosts.delete(host);
      return;
    }
    this.#hosts.set(host, { ...now, kind });
    let entry = this.#kinds.get(kind);
    if (entry === undefined) {
      entry = { document: now.document, hosts: new Set(), facts: new Map() };
      this.#kinds.set(kind, entry);
    }
    const isNew = !entry.hosts.has(host);
    entry.hosts.add(host);
    if (!isNew && before?.session === now.session) return;
    for (const desk of entry.facts.values()) {
      if (now.session === undefined) desk.closed(host);
      else desk.opened(host);
    }
  }

  redisReturned(): void {
    for (const { facts } of this.#kinds.values()) {
      for (const desk of facts.values()) desk.redisReturned();
    }
  }

  ask(host: HostId, asked: FactQuestion): FactReply | Promise<FactReply> {
    const now = this.#hosts.get(host);
    const kind = now && this.#kinds.get(now.kind);
    if (now === undefined || kind === undefined) {
      const message = `what ${host} is is not known yet`;
      return { v: 1, ok: false, host, code: 'unavailable', message, retryAfterMs: 1_000 };
    }
    const question = withDefaults(asked, now.document);
    const refusal = this.#refusalOf(host, question, now.document);
    if (refusal !== undefined) return refusal;
    const key = factKey(question);
    let desk = kind.facts.get(key);
    if (desk === undefined) {
      if (kind.facts.size >= maxFactsOfKind) {
        const message = `${maxFactsOfKind} different questions about hosts like ${host} are known already`;
        return { v: 1, ok: false, host, code: 'unavailable', message };
      }
      desk = new FactDesk({
        ...this.#options,
        kind: now.kind,
        arch: kind.document.cpu.arch,
        question,
        places: this.#places,
        sessionOf: (of) => this.#hosts.get(of)?.session,
      });
      kind.facts.set(key, desk);
      for (const member of kind.hosts) {
        desk.opened(member);
        if (this.#hosts.get(member)?.session === undefined) desk.closed(member);
      }
    }
    return desk.ask(host);
  }

  [Symbol.dispose](): void {
    for (const { facts } of this.#kinds.values()) {
      for (const desk of facts.values()) desk[Symbol.dispose]();
    }
  }

  #leave(host: HostId, of: string): void {
    const kind = this.#kinds.get(of);
    if (kind === undefined) return;
    kind.hosts.delete(host);
    for (const desk of kind.facts.values()) desk.forgotten(host);
    if (kind.hosts.size > 0) return;
    for (const desk of kind.facts.values()) desk[Symbol.dispose]();
    this.#kinds.delete(of);
  }

  /** What no probe is needed for: the capabilities themselves say that there is no such emulator. */
  #refusalOf(
    host: HostId,
    question: FactQuestion,
    { guests }: Capabilities,
  ): FactReply | undefined {
    if (question.type !== 'domain') return undefined;
    const refused = (code: 'refused' | 'switched-off', message: string): FactReply => ({
      v: 1,
      ok: false,
      host,
      code,
      message,
    });
    const { arch, machine, virtType, emulator } = question.emulator;
    const fitting = guests.filter(
      (guest) =>
        // libvirt runs what it is told to probe: nobody may name it another program.
        (emulator === undefined || guest.emulator === emulator) &&
        (arch === undefined || guest.arch === arch) &&
        (virtType === undefined || guest.domainTypes.includes(virtType)) &&
        (machine === undefined || guest.machines.some(({ name }) => name === machine)),
    );
    if (fitting.length === 0) {
      const named = [arch, machine, virtType, emulator]
        .filter((each) => each !== undefined)
        .join(', ');
      return refused('refused', `${host} has no emulator for ${named}`);
    }
    if (this.#options.domainCapabilities) return undefined;
    return refused(
      'switched-off',
      'libvirt tells domain capabilities on writable connections alone: VIRTSCOPE_DOMAIN_CAPABILITIES=on lets caps-cache open them',
    );
  }
}

/** Equal questions get one key: an alias becomes the machine type that it stands for here. */
function withDefaults(question: FactQuestion, { cpu, guests }: Capabilities): FactQuestion {
  if (question.type !== 'domain') return question;
  const { arch = cpu.arch, machine, emulator } = question.emulator;
  const here = guests.filter((guest) => guest.arch === arch);
  const types = here.flatMap(({ domainTypes }) => domainTypes);
  const virtType = question.emulator.virtType ?? (types.includes('kvm') ? 'kvm' : types[0]);
  const canonical = here
    .flatMap(({ machines }) => machines)
    .find(({ name }) => name === machine)?.canonical;
  const chosen: EmulatorChoice = {
    arch,
    ...(virtType === undefined ? {} : { virtType }),
    ...(machine === undefined ? {} : { machine: canonical ?? machine }),
    ...(emulator === undefined ? {} : { emulator }),
  };
  return { type: 'domain', emulator: chosen };
}
