import assert from 'node:assert/strict';
import { capsReplySchema, type CapsReply } from '@virtscope/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CapsEffect, CapsInput } from './host-caps-io.ts';
import { startHostCaps, step } from './host-caps.ts';
import { documentKey, parseDocument, parsePointer, pointerKey } from './stored.ts';

/** What may happen next, and how often; a number picks among what is possible. */
const moves = {
  ask: 4,
  open: 6,
  lose: 1,
  upgrade: 1,
  outcome: 10,
  redisAway: 1,
  redisBack: 2,
  redisEmptied: 1,
  libvirtFails: 1,
  later: 1,
  restart: 1,
  giveUp: 1,
};
type Move = keyof typeof moves;

type BareInput<T = CapsInput> = T extends CapsInput ? Omit<T, 'nowMs'> : never;
type Outstanding = Exclude<CapsEffect, { type: 'answer' | 'changed' }> & { version: number };

/** One host, its daemon, Redis and those who ask; every promise of the mind is checked in it. */
class World {
  nowMs = 0;
  #state = startHostCaps('hv1');
  #version = 1;
  #session = 0;
  #isOpen = false;
  #libvirtFails = false;
  #redisUp = true;
  readonly redis = new Map<string, string>();
  #outstanding: Outstanding[] = [];
  #question = 0;
  readonly #open = new Set<number>();
  /** The daemon's version that the newest session of this process showed. */
  #shown: number | undefined;
  #holds = false;
  #wakes: number[] = [];
  /** The newest version that a change was told to by this process. */
  #told = 0;

  play(move: Move, pick: number): void {
    switch (move) {
      case 'ask':
        this.#question += 1;
        this.#open.add(this.#question);
        return this.#hear({ type: 'asked', question: this.#question });
      case 'giveUp': {
        const question = [...this.#open][pick % Math.max(this.#open.size, 1)];
        return question === undefined ? undefined : this.#hear({ type: 'gaveUp', question });
      }
      case 'open':
        return this.#isOpen ? undefined : this.#openSession();
      case 'lose':
        this.#isOpen = false;
        return this.#hear({ type: 'lost', reason: 'closed' });
      case 'upgrade': // takes the daemon, and so the session, down
        this.#version += 1;
        this.#isOpen = false;
        return this.#hear({ type: 'lost', reason: 'closed' });
      case 'outcome':
        return this.#outcome(pick);
      case 'redisAway':
        this.#redisUp = false;
        return undefined;
      case 'redisBack':
        if (this.#redisUp) return undefined;
        this.#redisUp = true;
        return this.#hear({ type: 'redisReturned' });
      case 'redisEmptied':
        return this.redis.clear();
      case 'libvirtFails':
        this.#libvirtFails = !this.#libvirtFails;
        return undefined;
      case 'later':
        this.nowMs += pick * 100;
        return this.#wake();
      case 'restart': // ours: all that we knew and had under way is gone
        this.#state = startHostCaps('hv1');
        this.#outstanding = [];
        this.#open.clear();
        this.#isOpen = false;
        this.#shown = undefined;
        this.#holds = false;
        this.#told = 0;
        this.#wakes = [];
        return undefined;
    }
  }

  /** Everything is well again: Redis becomes whole. @returns the questions nobody answered */
  heal(): number[] {
    this.#libvirtFails = false;
    this.play('redisBack', 0);
    if (!this.#isOpen) this.#openSession();
    this.nowMs += 120_000;
    this.#wake();
    this.#settle();
    const unanswered = [...this.#open];
    this.play('ask', 0);
    this.#settle();
    unanswered.push(...this.#open);
    this.nowMs += 120_000;
    this.#hear({ type: 'redisReturned' });
    this.#settle();
    const pointer = parsePointer(this.redis.get(pointerKey('hv1')) ?? '');
    assert.equal(pointer?.fingerprint.hypervisorVersion, this.#version);
    const document = this.redis.get(documentKey(pointer.hash)) ?? '';
    assert.equal(parseDocument(document, pointer.hash)?.cpu.model, `v${this.#version}`);
    return unanswered;
  }

  #settle(): void {
    for (let turn = 0; this.#outstanding.length > 0; turn++) {
      assert.ok(turn < 1_000, 'the mind never rests');
      this.#outcome(0);
    }
  }

  #openSession(): void {
    this.#isOpen = true;
    this.#session += 1;
    if (this.#shown !== this.#version) this.#holds = false;
    this.#shown = this.#version;
    this.#hear({
      type: 'opened',
      session: this.#session,
      fingerprint: { driver: 'QEMU', libvirtVersion: 9, hypervisorVersion: this.#version },
    });
  }

  #wake(): void {
    const due = this.#wakes.filter((atMs) => atMs <= this.nowMs);
    this.#wakes = this.#wakes.filter((atMs) => atMs > this.nowMs);
    for (const _ of due) this.#hear({ type: 'woke' });
  }

  #outcome(pick: number): void {
    const [effect] = this.#outstanding.splice(pick % Math.max(this.#outstanding.length, 1), 1);
    if (effect === undefined) return;
    switch (effect.type) {
      case 'readCapabilities': {
        const { session } = effect;
        const isGone = !this.#isOpen || session !== this.#session;
        // A call of a session that is gone has failed, or was answered just before.
        if (isGone ? pick % 2 === 0 : this.#libvirtFails) {
          return this.#hear({ type: 'readFailed', session, message: 'failed' });
        }
        const xml = `<capabilities><host><cpu><model>v${effect.version}</model></cpu></host></capabilities>`;
        const observedAt = new Date(this.nowMs).toISOString();
        return this.#hear({ type: 'capabilitiesRead', session, xml, observedAt });
      }
      case 'readPointer':
        return this.#read(pointerKey(effect.host), effect.heldHash);
      case 'readDocument':
        return this.#read(documentKey(effect.hash));
      case 'writeDocument':
        return this.#write(documentKey(effect.hash), effect.text);
      case 'writePointer':
        return this.#write(pointerKey(effect.host), effect.text);
      case 'wakeAt':
        return;
    }
  }

  #read(key: string, heldHash?: string): void {
    if (!this.#redisUp) return this.#hear({ type: 'redisFailed', during: 'read' });
    const hasHeld = heldHash !== undefined && this.redis.has(documentKey(heldHash));
    return this.#hear({ type: 'found', text: this.redis.get(key), hasHeld });
  }

  #write(key: string, text: string): void {
    if (!this.#redisUp) return this.#hear({ type: 'redisFailed', during: 'write' });
    this.redis.set(key, text);
    return this.#hear({ type: 'written' });
  }

  #hear(input: BareInput): void {
    const [state, effects] = step(this.#state, { ...input, nowMs: this.nowMs } as CapsInput);
    this.#state = state;
    for (const effect of effects) {
      if (effect.type === 'answer') this.#answered(effect.questions, effect.reply);
      else if (effect.type === 'wakeAt') this.#wakes.push(effect.atMs);
      else if (effect.type === 'changed') this.#changed(effect);
      else this.#started({ ...effect, version: this.#version });
    }
    const count = (type: string) => this.#outstanding.filter((each) => each.type === type).length;
    assert.ok(count('readCapabilities') <= 1); // C1
    assert.ok(count('readPointer') + count('readDocument') <= 1);
    assert.ok(count('writeDocument') + count('writePointer') <= 1);
  }

  #started(effect: Outstanding): void {
    if (effect.type === 'readCapabilities') {
      assert.ok(this.#isOpen && effect.session === this.#session);
      if (effect.reason === 'miss') {
        // C5: only for somebody who waits, and only when memory is empty.
        assert.ok(this.#open.size > 0);
        assert.ok(!this.#holds);
      }
    }
    this.#outstanding.push(effect);
  }

  /** C7: from what was known to what is true now, and never the same twice. */
  #changed({ before, after }: Extract<CapsEffect, { type: 'changed' }>): void {
    const [from, to] = [before.fingerprint.hypervisorVersion, after.fingerprint.hypervisorVersion];
    assert.ok(from < to);
    assert.equal(to, this.#shown);
    assert.equal(after.document.cpu.model, `v${to}`);
    if (before.document !== undefined) assert.equal(before.document.cpu.model, `v${from}`);
    assert.ok(to > this.#told);
    this.#told = to;
  }

  #answered(questions: readonly number[], reply: CapsReply): void {
    assert.equal(capsReplySchema.safeParse(reply).error, undefined);
    for (const question of questions) assert.ok(this.#open.delete(question)); // C6
    if (reply.ok) {
      assert.equal(reply.document.cpu.model, `v${this.#shown}`); // C2
      this.#holds = true;
    } else {
      assert.ok(!this.#holds); // C4
    }
  }
}

test('in every history: one call at a time, no old answer as current, nobody left waiting', () => {
  const move = fc.oneof(
    ...Object.entries(moves).map(([name, weight]) => ({
      arbitrary: fc.constant(name as Move),
      weight,
    })),
  );
  const history = fc.array(fc.tuple(move, fc.nat(200)), { minLength: 20, maxLength: 200 });
  fc.assert(
    fc.property(history, (played) => {
      const world = new World();
      for (const [move, pick] of played) world.play(move, pick);
      expect(world.heal()).toEqual([]);
    }),
    { numRuns: 10_000 },
  );
});
