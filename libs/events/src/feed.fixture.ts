/** A feed of one domain with libvirt and a broker that answer at once, for tests. */
import type {
  DomainConfig,
  DomainRow,
  EventData,
  HostPulse,
  HostRecord,
} from '@virtscope/contracts';
import {
  VIR_DOMAIN_EVENT_STARTED,
  VIR_DOMAIN_EVENT_STOPPED,
  VIR_DOMAIN_EVENT_UNDEFINED,
} from 'node-libvirt/constants';
import type { BusBase } from './base.ts';
import type { FeedEffect, FeedInput, ListedDomain, ReadOutcome } from './feed-io.ts';
import type { HostFeed } from './feed-state.ts';
import { openFeed, pulse, step } from './host-feed.ts';

export const uuid = '6695eb01-f6a4-8304-79aa-97f2502e193f';
export const started = VIR_DOMAIN_EVENT_STARTED;
export const stopped = VIR_DOMAIN_EVENT_STOPPED;
export const undefinedEvent = VIR_DOMAIN_EVENT_UNDEFINED;
export const emptyBus: BusBase = { rows: [], things: [], record: undefined, events: [] };
export const startMs = 1_800_000_000_000;

/** The domain as a list has it. */
export const listed: ListedDomain = {
  uuid,
  name: 'vm',
  id: 4,
  state: 1,
  reason: 1,
  persistent: true,
  autostart: false,
  managedSave: false,
};

export type FeedSetup = {
  base?: BusBase;
  epoch?: number;
  /** When it begins. */
  ms?: number;
  /** Whether libvirt's first list has the domain. */
  isListed?: boolean;
  libvirt?: ReadOutcome;
  relistMs?: number;
  /** What its XML says; by default it cannot be read. */
  config?: DomainConfig;
};

/** A feed with one domain that runs; acks everything at once, and reads what `libvirt` says. */
export class Feed {
  libvirt: ReadOutcome = { found: true, name: 'vm', id: 4, state: 1, reason: 1 };
  readonly told: EventData[] = [];
  row: { seq: number; body: DomainRow } | undefined;
  record: HostRecord | undefined;
  /** Lists that were wished for. */
  readonly relists: Extract<FeedEffect, { type: 'list' }>[] = [];
  /** The wakes that were wished for, by when they are due. */
  wakes: number[] = [];
  ms: number;
  #state: HostFeed;
  #seq = 10;

  constructor({ base = emptyBus, epoch = 100, ms = 0, isListed = true, ...more }: FeedSetup = {}) {
    this.ms = ms;
    if (more.libvirt !== undefined) this.libvirt = more.libvirt;
    const [state, effects] = openFeed(
      {
        host: 'hv1',
        epoch,
        base,
        recordSeq: 1,
        cause: 'test',
        identityBy: 'uuid',
        facts: {},
        relistMs: more.relistMs,
        things: [],
      },
      this.#now(),
    );
    this.#state = state;
    this.#perform(effects);
    this.input({ type: 'identified', identity: { hostUuid: 'the-same' } });
    this.lists(isListed ? [listed] : []);
    const bulk = { persistent: true, autostart: false, managedSave: false };
    const said = more.config && { config: more.config, ...bulk };
    this.input({ type: 'config', uuid, outcome: said ?? { failed: 'not in this test' } });
  }

  input(input: FeedInput): void {
    const [state, effects] = step(this.#state, input, this.#now());
    this.#state = state;
    this.#perform(effects);
  }

  lists(domains: readonly ListedDomain[]): void {
    const started = { startedMs: startMs + this.ms, startedMonotonicMs: this.ms };
    this.input({ type: 'listed', ...started, domains: [...domains] });
  }

  pulse(): HostPulse {
    return pulse(this.#state, this.#now());
  }

  hears(event: number, detail = 0): void {
    this.input({ type: 'lifecycle', uuid, name: 'vm', event, detail });
  }

  /** Moves the clock, and wakes whatever is due on the way. */
  pass(ms: number): void {
    const untilMs = this.ms + ms;
    for (;;) {
      const next = Math.min(...this.wakes);
      if (next > untilMs) break;
      this.wakes = this.wakes.filter((each) => each !== next);
      this.ms = Math.max(this.ms, next);
      this.input({ type: 'settleDue', uuid });
    }
    this.ms = untilMs;
  }

  get settled(): EventData[] {
    return this.told.filter(({ kind }) => kind === 'settled');
  }

  #now(): { wallMs: number; monotonicMs: number } {
    return { wallMs: startMs + this.ms, monotonicMs: this.ms };
  }

  #perform(effects: readonly FeedEffect[]): void {
    for (const effect of effects) {
      if (effect.type === 'publish') {
        this.told.push(effect.event);
        this.input({ type: 'published', seq: effect.event.seq });
      } else if (effect.type === 'store') {
        const { key, writeId, body } = effect;
        const seq = ++this.#seq;
        if (body.type === 'domain') this.row = { seq, body };
        if (body.type === 'host') this.record = body;
        this.input({ type: 'stored', key, writeId, seq });
      } else if (effect.type === 'read') {
        const { token } = effect;
        this.input({ type: 'read', uuid, token, startedMs: this.ms, outcome: this.libvirt });
      } else if (effect.type === 'list') {
        this.relists.push(effect);
      } else if (effect.type === 'settleLater') {
        this.wakes.push(this.ms + effect.afterMs);
      }
    }
  }
}
