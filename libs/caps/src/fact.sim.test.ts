import assert from 'node:assert/strict';
import { factReplySchema, type FactReply, type HostId } from '@virtscope/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalText, contentHash } from './canonical.ts';
import { Fact, confirmAfterMs, confirmWithinMs } from './fact.ts';
import { claimTtlMs, type FactEffect, type FactInput } from './fact-io.ts';
import { kindOf } from './stored-facts.ts';

type BareInput<T = FactInput> = T extends FactInput ? Omit<T, 'nowMs'> : never;
type Answered = Exclude<FactEffect, { type: 'wakeAt' | 'answer' }>;
type Pending = { replica: Replica; kind: string; effect: Answered; process: number };

const kindNamed = (name: string): string =>
  kindOf({ driver: 'QEMU', libvirtVersion: 1, hypervisorVersion: 1 }, name);

/** What libvirt says of a host: hosts of a kind say the same, but for those that lie. */
function documentOf(truth: string): { text: string; hash: string } {
  const text = canonicalText({ v: 1, type: 'cpu-models', arch: truth, models: [] });
  return { text, hash: contentHash(text) };
}

/** One process of caps-cache: its minds, and the hosts that it has. */
class Replica {
  readonly name: string;
  process = 0;
  facts = new Map<string, Fact>();
  hosts = new Set<HostId>();
  wakes: { atMs: number; kind: string; process: number }[] = [];
  constructor(name: string) {
    this.name = name;
  }
}

class World {
  nowMs = 0;
  redisUp = true;
  libvirtWorks = true;
  /** Every effect in its order, for what a test counts. */
  readonly probes: { host: HostId; kind: string; reason: string; atMs: number }[] = [];
  readonly redis = new Map<string, string>();
  readonly claims = new Map<string, { token: string; untilMs: number }>();
  readonly replicas: Replica[];
  readonly kindOfHost = new Map<HostId, string>();
  readonly liars = new Set<HostId>();
  readonly answers = new Map<number, FactReply>();
  readonly asked = new Map<number, HostId>();
  pending: Pending[] = [];
  /** While Redis was always there, no two replicas infer the same at once. */
  everDown = false;
  readonly #ends = new Map<string, number>();
  #inferring = new Map<string, number>();
  #question = 0;

  constructor(names: readonly string[]) {
    this.replicas = names.map((name) => new Replica(name));
  }

  give(replica: Replica, kind: string, input: BareInput): void {
    let fact = replica.facts.get(kind);
    if (fact === undefined) {
      fact = new Fact({
        kind,
        fact: 'cpu-models',
        replica: `${replica.name}-${replica.process}`,
        confirms: true,
        phaseOf: (host) => (Number.parseInt(contentHash(host).slice(0, 8), 16) % 1_000) / 1_000,
      });
      replica.facts.set(kind, fact);
    }
    for (const effect of fact.give({ nowMs: this.nowMs, ...input } as FactInput)) {
      this.#perform(replica, kind, effect);
    }
  }

  #perform(replica: Replica, kind: string, effect: FactEffect): void {
    const { process } = replica;
    if (effect.type === 'answer') {
      for (const question of effect.questions) {
        assert.ok(!this.answers.has(question), 'F4: a question is answered once');
        factReplySchema.parse(effect.reply);
        this.#check(effect.reply);
        this.answers.set(question, effect.reply);
      }
    } else if (effect.type === 'wakeAt') {
      replica.wakes.push({ atMs: effect.atMs, kind, process });
    } else {
      if (effect.type === 'probe') {
        const { host, reason } = effect;
        this.probes.push({ host, kind, reason, atMs: this.nowMs });
        if (reason === 'infer') {
          const before = this.#inferring.get(kind) ?? 0;
          this.#inferring.set(kind, before + 1);
          assert.ok(this.everDown || before === 0, 'F1: one inferring probe of a kind at a time');
        }
      }
      this.pending.push({ replica, kind, effect, process });
    }
  }

  #check(reply: FactReply): void {
    if (!reply.ok) return;
    const kind = this.kindOfHost.get(reply.host) ?? '';
    assert.equal(reply.kind, kind, 'F2: an answer is of the kind that the host is of');
    const truths = [documentOf(kind).hash, documentOf(`${kind}!${reply.host}`).hash];
    const others = [...this.liars].map((liar) => documentOf(`${kind}!${liar}`).hash);
    if (reply.standing === 'confirmed') {
      assert.equal(reply.hash, truths[this.liars.has(reply.host) ? 1 : 0], 'F3: its own answer');
    } else {
      assert.ok([...truths, ...others].includes(reply.hash));
    }
  }

  /** Lets one thing that is under way come to its end. */
  outcome(pick: number): boolean {
    const [done] = this.pending.splice(pick % Math.max(this.pending.length, 1), 1);
    if (done === undefined) return false;
    const { replica, kind, effect, process } = done;
    const isGone = process !== replica.process;
    if (effect.type === 'probe' && effect.reason === 'infer') {
      this.#inferring.set(kind, (this.#inferring.get(kind) ?? 1) - 1);
    }
    if (isGone) return true;
    this.give(replica, kind, this.#outcomeOf(replica, kind, effect));
    return true;
  }

  #outcomeOf(replica: Replica, kind: string, effect: Answered): BareInput {
    if (effect.type === 'probe') {
      const { host } = effect;
      if (!replica.hosts.has(host)) {
        return { type: 'probeFailed', host, message: 'closed', outcome: 'lost' };
      }
      if (!this.libvirtWorks) {
        return { type: 'probeFailed', host, message: 'no', outcome: 'failed' };
      }
      const { text, hash } = documentOf(this.liars.has(host) ? `${kind}!${host}` : kind);
      return { type: 'probed', host, hash, text, observedAt: '2026-01-01T00:00:00.000Z' };
    }
    if (!this.redisUp) {
      if (effect.type === 'publish') return { type: 'published', ok: false };
      const during = { look: 'look', readDocument: 'document', claim: 'claim', renew: 'renew' }[
        effect.type
      ] as 'look' | 'document' | 'claim' | 'renew';
      return { type: 'redisFailed', during };
    }
    switch (effect.type) {
      case 'look':
        return {
          type: 'looked',
          host: effect.host,
          own: this.redis.get(`own ${effect.host}`),
          shared: this.#get(`shared ${kind}`),
        };
      case 'readDocument':
        return { type: 'document', hash: effect.hash, text: this.redis.get(effect.hash) };
      case 'claim': {
        const before = this.claims.get(kind);
        if (before !== undefined && before.untilMs > this.nowMs) {
          return { type: 'claimed', won: false };
        }
        this.claims.set(kind, { token: effect.token, untilMs: this.nowMs + claimTtlMs });
        return { type: 'claimed', won: true };
      }
      case 'renew': {
        const claim = this.claims.get(kind);
        const ours = claim?.token === effect.token && claim.untilMs > this.nowMs;
        if (ours) claim.untilMs = this.nowMs + claimTtlMs;
        return { type: 'renewed', ours };
      }
      case 'publish': {
        const { document, shared, own } = effect.publication;
        if (document !== undefined) this.redis.set(document.hash, document.text);
        if (shared !== undefined) {
          const claim = this.claims.get(kind);
          const isOurs =
            shared.token === undefined
              ? this.#get(`shared ${kind}`) === undefined
              : claim?.token === shared.token;
          if (isOurs) {
            this.redis.set(`shared ${kind}`, shared.text);
            this.#ends.set(`shared ${kind}`, this.nowMs + shared.ttlSeconds * 1_000);
          }
          if (isOurs && shared.token !== undefined) this.claims.delete(kind);
        }
        if (own !== undefined) this.redis.set(`own ${own.host}`, own.text);
        return { type: 'published', ok: true };
      }
    }
  }

  #get(key: string): string | undefined {
    return (this.#ends.get(key) ?? Infinity) > this.nowMs ? this.redis.get(key) : undefined;
  }

  open(replica: Replica, host: HostId, kind: string): void {
    replica.hosts.add(host);
    this.kindOfHost.set(host, kind);
    this.give(replica, kind, { type: 'opened', host });
  }

  ask(replica: Replica, host: HostId): number {
    const question = ++this.#question;
    this.asked.set(question, host);
    this.give(replica, this.kindOfHost.get(host) ?? '', { type: 'asked', host, question });
    return question;
  }

  /** Ends all that is under way, waking nobody. */
  settle(): void {
    for (let turn = 0; this.outcome(0); turn++) assert.ok(turn < 100_000, 'the minds never rest');
  }

  /** Moves the clock from wake to wake. */
  run(forMs: number): void {
    const endMs = this.nowMs + forMs;
    this.settle();
    for (let turn = 0; ; turn++) {
      assert.ok(turn < 100_000, 'the minds are woken for ever');
      const next = this.replicas
        .flatMap((replica) => replica.wakes.map((wake) => ({ replica, wake })))
        .filter(({ wake }) => wake.atMs <= endMs)
        .reduce<{ replica: Replica; wake: Replica['wakes'][number] } | undefined>(
          (a, b) => (a === undefined || b.wake.atMs < a.wake.atMs ? b : a),
          undefined,
        );
      if (next === undefined) break;
      const { replica, wake } = next;
      replica.wakes.splice(replica.wakes.indexOf(wake), 1);
      this.nowMs = Math.max(this.nowMs, wake.atMs);
      if (wake.process === replica.process) this.give(replica, wake.kind, { type: 'woke' });
      this.settle();
    }
    this.nowMs = endMs;
  }

  kill(replica: Replica): void {
    replica.process += 1;
    replica.facts.clear();
    replica.hosts.clear();
    replica.wakes = [];
  }
}

const infers = (world: World): number =>
  world.probes.filter(({ reason }) => reason === 'infer').length;

/** 1,000 hosts of three kinds, shared by two replicas, cold. */
function fleet(): { world: World; hosts: { host: HostId; replica: Replica }[] } {
  const world = new World(['a', 'b']);
  const hosts = Array.from({ length: 1_000 }, (_, index) => {
    const replica = world.replicas[index % 2] as Replica;
    const host = `h${index}`;
    world.open(replica, host, kindNamed(`kind ${index % 3}`));
    return { host, replica };
  });
  return { world, hosts };
}

test('1,000 hosts of 3 kinds, two replicas cold at once: 3 inferring probes answer all of them', () => {
  const { world, hosts } = fleet();
  for (const { host, replica } of hosts) world.ask(replica, host);
  world.run(10_000);
  const questions = hosts.map(({ host, replica }) => world.ask(replica, host));
  world.settle();
  expect(questions.every((question) => world.answers.get(question)?.ok)).toBe(true);
  expect(infers(world)).toBe(3);
  expect(world.probes).toHaveLength(3);
  world.run(confirmAfterMs + confirmWithinMs);
  const confirms = world.probes.filter(({ reason }) => reason === 'confirm');
  expect(infers(world)).toBe(3);
  expect(new Set(confirms.map(({ host }) => host)).size).toBe(997);
  // Spread: no minute has more than three times its share.
  const byMinute = Map.groupBy(confirms, ({ atMs }) => Math.floor(atMs / 60_000));
  const most = Math.max(...[...byMinute.values()].map(({ length }) => length));
  expect(most).toBeLessThan((997 / 60) * 3);
});

test('a replica killed in the middle of a probe: another finishes it', () => {
  const world = new World(['a', 'b']);
  const [a, b] = world.replicas as [Replica, Replica];
  const kind = kindNamed('kind');
  world.open(a, 'h1', kind);
  world.open(b, 'h2', kind);
  world.ask(a, 'h1');
  world.outcome(0); // the look
  world.outcome(0); // the claim
  expect(world.probes).toHaveLength(1);
  const question = world.ask(b, 'h2');
  world.kill(a);
  world.settle();
  expect(world.answers.get(question)).toMatchObject({ ok: false, code: 'unknown' });
  world.run(claimTtlMs - 2_000);
  expect(world.probes).toHaveLength(1);
  world.run(5_000);
  expect(world.probes.map(({ host }) => host)).toEqual(['h1', 'h2']);
  const again = world.ask(b, 'h2');
  expect(world.answers.get(again)).toMatchObject({ ok: true, standing: 'confirmed' });
});

test('warm: a replica that starts again answers from Redis, and probes nobody', () => {
  const { world, hosts } = fleet();
  for (const { host, replica } of hosts) world.ask(replica, host);
  world.run(10_000);
  const probes = world.probes.length;
  for (const replica of world.replicas) world.kill(replica);
  for (const { host, replica } of hosts) {
    world.open(replica, host, world.kindOfHost.get(host) ?? '');
  }
  const questions = hosts.map(({ host, replica }) => world.ask(replica, host));
  world.settle();
  expect(questions.every((question) => world.answers.get(question)?.ok)).toBe(true);
  expect(world.probes).toHaveLength(probes);
});

test('a host that differs from its kind is right once it has confirmed, also after a restart', () => {
  const world = new World(['a']);
  const [a] = world.replicas as [Replica];
  const kind = kindNamed('kind');
  world.liars.add('h2');
  world.open(a, 'h1', kind);
  world.ask(a, 'h1');
  world.settle();
  world.open(a, 'h2', kind);
  const early = world.ask(a, 'h2');
  world.settle();
  expect(world.answers.get(early)).toMatchObject({
    standing: 'inferred',
    hash: documentOf(kind).hash,
  });
  world.run(confirmAfterMs + confirmWithinMs);
  const late = world.ask(a, 'h2');
  const own = documentOf(`${kind}!h2`).hash;
  expect(world.answers.get(late)).toMatchObject({ standing: 'confirmed', hash: own });
  world.kill(a);
  world.open(a, 'h2', kind);
  const after = world.ask(a, 'h2');
  world.settle();
  expect(world.answers.get(after)).toMatchObject({ standing: 'inferred', hash: own });
});

test('a session that breaks under a probe is not probed again at once, and another host is', () => {
  const world = new World(['a']);
  const [a] = world.replicas as [Replica];
  const kind = kindNamed('kind');
  world.open(a, 'h1', kind);
  world.open(a, 'h2', kind);
  world.ask(a, 'h1');
  world.outcome(0); // the look
  world.outcome(0); // the claim
  expect(world.probes.map(({ host }) => host)).toEqual(['h1']);
  // The session is gone, and nobody has said so yet.
  a.hosts.delete('h1');
  world.settle();
  expect(world.probes).toHaveLength(1);
  world.give(a, kind, { type: 'closed', host: 'h1' });
  world.run(2_000);
  expect(world.probes.map(({ host }) => host)).toEqual(['h1', 'h2']);
  const question = world.ask(a, 'h2');
  world.settle();
  expect(world.answers.get(question)).toMatchObject({ ok: true });
});

test('what libvirt does not answer is not asked for again while the failure is fresh', () => {
  const world = new World(['a', 'b']);
  const [a, b] = world.replicas as [Replica, Replica];
  const kind = kindNamed('kind');
  world.libvirtWorks = false;
  world.open(a, 'h1', kind);
  world.open(b, 'h2', kind);
  world.ask(a, 'h1');
  world.settle();
  expect(world.answers.get(world.ask(a, 'h1'))).toMatchObject({ ok: false, code: 'unavailable' });
  world.ask(b, 'h2');
  world.settle();
  expect(world.probes).toHaveLength(1);
  world.run(30_000);
  expect(world.probes).toHaveLength(1);
});

const moves = [
  'ask',
  'open',
  'lose',
  'outcome',
  'outcome',
  'outcome',
  'later',
  'away',
  'back',
  'emptied',
  'libvirt',
  'kill',
  'giveUp',
] as const;

test('whatever happens: one answer for each question, and all are answered in the end', () => {
  const history = fc.array(fc.tuple(fc.constantFrom(...moves), fc.nat(1_000)), { maxLength: 120 });
  const kinds = [kindNamed('x'), kindNamed('y')];
  fc.assert(
    fc.property(history, fc.boolean(), (played, faulty) => {
      const world = new World(['a', 'b']);
      const hosts = ['h0', 'h1', 'h2', 'h3', 'h4', 'h5'];
      world.liars.add('h5');
      const replicaOf = (index: number): Replica => world.replicas[index % 2] as Replica;
      const kindAt = (index: number): string => kinds[index % 3 === 0 ? 1 : 0] as string;
      const openAll = (): void => {
        for (const [index, host] of hosts.entries()) {
          if (!replicaOf(index).hosts.has(host)) world.open(replicaOf(index), host, kindAt(index));
        }
      };
      openAll();
      for (const [move, pick] of played) {
        const index = pick % hosts.length;
        const [host, replica] = [hosts[index] as string, replicaOf(index)];
        if (move === 'ask' && world.kindOfHost.has(host)) world.ask(replica, host);
        if (move === 'open' && !replica.hosts.has(host)) world.open(replica, host, kindAt(index));
        if (move === 'lose' && replica.hosts.delete(host)) {
          world.give(replica, kindAt(index), { type: 'closed', host });
        }
        if (move === 'outcome') world.outcome(pick);
        if (move === 'later') world.nowMs += pick * 20;
        if (move === 'kill' && pick % 4 === 0) world.kill(replica);
        if (move === 'libvirt') world.libvirtWorks = !world.libvirtWorks;
        if (move === 'giveUp') {
          for (const [question, of] of world.asked) {
            if (!world.answers.has(question)) {
              const at = hosts.indexOf(of);
              world.give(replicaOf(at), kindAt(at), { type: 'gaveUp', question });
              break;
            }
          }
        }
        if (faulty && move === 'away') [world.redisUp, world.everDown] = [false, true];
        if (faulty && move === 'emptied') {
          world.redis.clear();
          world.claims.clear();
          world.everDown = true;
        }
        if (move === 'back' && !world.redisUp) {
          world.redisUp = true;
          for (const each of world.replicas) {
            for (const kind of each.facts.keys()) world.give(each, kind, { type: 'redisReturned' });
          }
        }
        // A probe that outlives its claim is what the claim's end is for: time ends such histories.
        if (move === 'later' || move === 'kill') world.everDown = true;
      }
      world.libvirtWorks = true;
      world.redisUp = true;
      for (const each of world.replicas) {
        for (const kind of each.facts.keys()) world.give(each, kind, { type: 'redisReturned' });
      }
      openAll();
      for (const [index, host] of hosts.entries()) world.ask(replicaOf(index), host);
      world.run(confirmAfterMs + 2 * confirmWithinMs);
      const last = hosts.map((host, index) => world.ask(replicaOf(index), host));
      world.settle();
      for (const question of last) {
        expect(world.answers.get(question)).toMatchObject({ ok: true, standing: 'confirmed' });
      }
      for (const kind of kinds) {
        const pointer = world.redis.get(`shared ${kind}`) ?? '';
        const { hash } = JSON.parse(pointer) as { hash: string };
        expect(world.redis.has(hash)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
