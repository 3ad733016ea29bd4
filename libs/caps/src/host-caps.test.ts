import { capsReplySchema, type CapsReply } from '@virtscope/contracts';
import { beforeEach, describe, expect, test } from 'vitest';
import { contentHash } from './canonical.ts';
import { parseCapabilities } from './capabilities-xml.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { CapsEffect, CapsInput } from './host-caps-io.ts';
import {
  firstNegativeMs,
  maxNegativeMs,
  maxWaitingQuestions,
  startHostCaps,
  step,
  writePauseMs,
} from './host-caps.ts';
import { formatPointer } from './stored.ts';

const old: Fingerprint = {
  driver: 'QEMU',
  libvirtVersion: 9_000_000,
  hypervisorVersion: 7_002_000,
};
const upgraded: Fingerprint = { ...old, hypervisorVersion: 8_000_000 };
const observedAt = '2026-01-01T00:00:00.000Z';

const xmlOf = (model: string): string =>
  `<capabilities><host><uuid>11c45e69-303a-4bfc-80ee-73bced5fc2dc</uuid><cpu><arch>x86_64</arch>
   <model>${model}</model></cpu></host></capabilities>`;
const oldXml = xmlOf('old');
const newXml = xmlOf('new');

function storedPointer(xml: string, fingerprint: Fingerprint): string {
  const { hash, hostPart } = parseCapabilities(xml);
  return formatPointer({ fingerprint, hash, hostPart, observedAt });
}

type BareInput<T = CapsInput> = T extends CapsInput ? Omit<T, 'nowMs'> : never;

let state = startHostCaps('hv1');
let nowMs = 0;

beforeEach(() => {
  state = startHostCaps('hv1');
  nowMs = 1_000;
});

function hear(input: BareInput): CapsEffect[] {
  const [next, effects] = step(state, { nowMs, ...input } as CapsInput);
  state = next;
  return effects;
}

const types = (effects: CapsEffect[]): string[] => effects.map(({ type }) => type);

function replies(effects: CapsEffect[]): { questions: readonly number[]; reply: CapsReply }[] {
  return effects.flatMap((effect) => (effect.type === 'answer' ? [effect] : []));
}

/** The only answer, which fits the contract. */
function reply(effects: CapsEffect[]): CapsReply {
  const answers = replies(effects);
  expect(answers).toHaveLength(1);
  return capsReplySchema.parse(answers[0]?.reply);
}

/** A host whose capabilities were read and stored. */
function warm(): void {
  hear({ type: 'opened', session: 1, fingerprint: old });
  hear({ type: 'found', text: undefined });
  hear({ type: 'asked', question: 0 });
  hear({ type: 'found', text: undefined });
  hear({ type: 'capabilitiesRead', session: 1, xml: oldXml, observedAt });
  hear({ type: 'written' });
  expect(hear({ type: 'written' })).toEqual([]);
}

describe('a host that nobody knows', () => {
  test('costs no call before somebody asks', () => {
    expect(hear({ type: 'opened', session: 1, fingerprint: old })).toEqual([
      { type: 'readPointer', host: 'hv1', heldHash: undefined },
    ]);
    expect(hear({ type: 'found', text: undefined })).toEqual([]);
  });

  test('is read once for all who ask, stored document first, and answered from libvirt', () => {
    hear({ type: 'opened', session: 1, fingerprint: old });
    hear({ type: 'found', text: undefined });
    expect(types(hear({ type: 'asked', question: 1 }))).toEqual(['readPointer']);
    expect(hear({ type: 'asked', question: 2 })).toEqual([]);
    expect(hear({ type: 'found', text: undefined })).toEqual([
      { type: 'readCapabilities', session: 1, reason: 'miss' },
    ]);
    expect(hear({ type: 'asked', question: 3 })).toEqual([]);
    const effects = hear({ type: 'capabilitiesRead', session: 1, xml: oldXml, observedAt });
    expect(types(effects)).toEqual(['answer', 'writeDocument']);
    expect(replies(effects)[0]?.questions).toEqual([1, 2, 3]);
    expect(reply(effects)).toMatchObject({
      ok: true,
      host: 'hv1',
      source: 'libvirt',
      standing: 'confirmed',
      observedAt,
      document: { cpu: { model: 'old' } },
      hostPart: { hostUuid: '11c45e69-303a-4bfc-80ee-73bced5fc2dc' },
    });
    const { hash, text } = parseCapabilities(oldXml);
    expect(effects[1]).toEqual({ type: 'writeDocument', hash, text });
    expect(hear({ type: 'written' })).toEqual([
      { type: 'writePointer', host: 'hv1', text: storedPointer(oldXml, old) },
    ]);
    expect(hear({ type: 'written' })).toEqual([]);
  });

  test('asked before its session is open, the question waits for it', () => {
    expect(hear({ type: 'asked', question: 1 })).toEqual([]);
    expect(types(hear({ type: 'opened', session: 1, fingerprint: old }))).toEqual(['readPointer']);
    expect(types(hear({ type: 'found', text: undefined }))).toEqual(['readCapabilities']);
  });

  test('a question that waited too long is told to come again, and not answered twice', () => {
    hear({ type: 'asked', question: 1 });
    expect(reply(hear({ type: 'gaveUp', question: 1 }))).toMatchObject({
      ok: false,
      code: 'unavailable',
      retryAfterMs: 1_000,
    });
    expect(hear({ type: 'gaveUp', question: 1 })).toEqual([]);
    hear({ type: 'opened', session: 1, fingerprint: old });
    expect(hear({ type: 'found', text: undefined })).toEqual([]);
  });

  test('more questions than may wait are told to come again', () => {
    for (let question = 0; question < maxWaitingQuestions; question++) {
      hear({ type: 'asked', question });
    }
    const effects = hear({ type: 'asked', question: 5_000 });
    expect(replies(effects)[0]?.questions).toEqual([5_000]);
    expect(reply(effects)).toMatchObject({ ok: false, code: 'unavailable' });
    expect(state.waiting).toHaveLength(maxWaitingQuestions);
  });

  test('and cannot be reached is unavailable at once, with the reason', () => {
    hear({ type: 'asked', question: 1 });
    expect(reply(hear({ type: 'lost', reason: 'no such socket' }))).toMatchObject({
      ok: false,
      message: 'hv1 cannot be reached: no such socket',
      retryAfterMs: 5_000,
    });
    expect(reply(hear({ type: 'asked', question: 2 }))).toMatchObject({ ok: false });
  });
});

describe('a warm host', () => {
  test('the second question costs a look at the pointer and no call', () => {
    warm();
    const { hash } = parseCapabilities(oldXml);
    expect(hear({ type: 'asked', question: 1 })).toEqual([
      { type: 'readPointer', host: 'hv1', heldHash: hash },
    ]);
    expect(hear({ type: 'asked', question: 2 })).toEqual([]);
    const effects = hear({ type: 'found', text: storedPointer(oldXml, old), hasHeld: true });
    expect(types(effects)).toEqual(['answer']);
    expect(replies(effects)[0]?.questions).toEqual([1, 2]);
    expect(reply(effects)).toMatchObject({ source: 'redis', standing: 'confirmed' });
  });

  test('Redis away: the answer comes from memory, marked, and costs no call', () => {
    warm();
    hear({ type: 'asked', question: 1 });
    const effects = hear({ type: 'redisFailed', during: 'read' });
    expect(types(effects)).toEqual(['answer']);
    expect(reply(effects)).toMatchObject({ ok: true, source: 'memory' });
  });

  test('Redis back but empty: it is filled again without a question', () => {
    warm();
    expect(types(hear({ type: 'redisReturned' }))).toEqual(['readPointer']);
    expect(types(hear({ type: 'found', text: undefined }))).toEqual(['writeDocument']);
    expect(types(hear({ type: 'written' }))).toEqual(['writePointer']);
  });

  test('Redis emptied while connected: the next question finds that out and fills it', () => {
    warm();
    hear({ type: 'asked', question: 1 });
    const effects = hear({ type: 'found', text: undefined });
    expect(types(effects)).toEqual(['answer', 'writeDocument']);
    expect(reply(effects)).toMatchObject({ source: 'memory' });
  });

  test('a document that Redis evicted alone is found missing and written again', () => {
    warm();
    hear({ type: 'asked', question: 1 });
    const effects = hear({ type: 'found', text: storedPointer(oldXml, old), hasHeld: false });
    expect(types(effects)).toEqual(['answer', 'writeDocument']);
    expect(reply(effects)).toMatchObject({ source: 'memory' });
  });

  test('Redis refuses writes: it is left alone for a while, and answers go on', () => {
    warm();
    hear({ type: 'redisReturned' });
    hear({ type: 'found', text: undefined });
    expect(hear({ type: 'redisFailed', during: 'write' })).toEqual([]);
    hear({ type: 'asked', question: 1 });
    expect(types(hear({ type: 'found', text: undefined }))).toEqual(['answer']);
    nowMs += writePauseMs;
    expect(types(hear({ type: 'asked', question: 2 }))).toEqual(['readPointer', 'writeDocument']);
  });

  test('Redis returns within that while: what is owed is written at once', () => {
    warm();
    hear({ type: 'redisReturned' });
    hear({ type: 'found', text: undefined });
    hear({ type: 'redisFailed', during: 'write' });
    expect(types(hear({ type: 'redisReturned' }))).toEqual(['readPointer', 'writeDocument']);
  });

  test('a lost session does not stop the answers', () => {
    warm();
    hear({ type: 'lost', reason: 'closed' });
    hear({ type: 'asked', question: 1 });
    expect(
      reply(hear({ type: 'found', text: storedPointer(oldXml, old), hasHeld: true })),
    ).toMatchObject({
      ok: true,
      source: 'redis',
    });
  });

  test('a slow Redis: whoever gives up gets what memory holds', () => {
    warm();
    hear({ type: 'asked', question: 1 });
    expect(reply(hear({ type: 'gaveUp', question: 1 }))).toMatchObject({ source: 'memory' });
  });
});

describe('after a restart of ours', () => {
  beforeEach(() => {
    hear({ type: 'opened', session: 1, fingerprint: old });
  });

  test('an equal fingerprint in Redis gives the stored document, as inferred, without a call', () => {
    expect(hear({ type: 'found', text: storedPointer(oldXml, old), hasHeld: true })).toEqual([
      { type: 'readDocument', hash: parseCapabilities(oldXml).hash },
    ]);
    expect(hear({ type: 'found', text: parseCapabilities(oldXml).text })).toEqual([]);
    expect(types(hear({ type: 'asked', question: 1 }))).toEqual(['readPointer']);
    expect(
      reply(hear({ type: 'found', text: storedPointer(oldXml, old), hasHeld: true })),
    ).toMatchObject({
      ok: true,
      source: 'redis',
      standing: 'inferred',
      observedAt,
    });
  });

  test('a question during that look is answered by it', () => {
    hear({ type: 'asked', question: 1 });
    hear({ type: 'found', text: storedPointer(oldXml, old), hasHeld: true });
    expect(reply(hear({ type: 'found', text: parseCapabilities(oldXml).text }))).toMatchObject({
      ok: true,
      source: 'redis',
      standing: 'inferred',
    });
  });

  test.each([
    ['missing', undefined],
    ['damaged', `${parseCapabilities(oldXml).text} `],
    ['another one', parseCapabilities(newXml).text],
  ])('a document that is %s is a miss', (_, text) => {
    hear({ type: 'asked', question: 1 });
    hear({ type: 'found', text: storedPointer(oldXml, old), hasHeld: true });
    expect(hear({ type: 'found', text })).toEqual([
      { type: 'readCapabilities', session: 1, reason: 'miss' },
    ]);
  });

  test('a pointer that cannot be read is a miss', () => {
    hear({ type: 'asked', question: 1 });
    expect(types(hear({ type: 'found', text: '{"v":9}' }))).toEqual(['readCapabilities']);
  });

  test('Redis away: the question is worth a call', () => {
    hear({ type: 'asked', question: 1 });
    expect(types(hear({ type: 'redisFailed', during: 'read' }))).toEqual(['readCapabilities']);
  });

  test('another fingerprint in Redis: libvirt is asked, and the old answer is never given', () => {
    hear({ type: 'asked', question: 1 });
    expect(hear({ type: 'found', text: storedPointer(oldXml, upgraded) })).toEqual([
      { type: 'readCapabilities', session: 1, reason: 'changed' },
    ]);
    expect(
      reply(hear({ type: 'capabilitiesRead', session: 1, xml: newXml, observedAt })),
    ).toMatchObject({ source: 'libvirt', document: { cpu: { model: 'new' } } });
  });
});

describe('a new session', () => {
  beforeEach(() => {
    warm();
    hear({ type: 'lost', reason: 'closed' });
  });

  test('with an equal fingerprint is confirmed in the background while answers go on', () => {
    expect(hear({ type: 'opened', session: 2, fingerprint: old })).toEqual([
      { type: 'readCapabilities', session: 2, reason: 'confirm' },
    ]);
    hear({ type: 'asked', question: 1 });
    expect(
      reply(hear({ type: 'found', text: storedPointer(oldXml, old), hasHeld: true })),
    ).toMatchObject({
      standing: 'inferred',
      source: 'redis',
    });
    const effects = hear({
      type: 'capabilitiesRead',
      session: 2,
      xml: newXml,
      observedAt: '2026-01-02T00:00:00.000Z',
    });
    expect(types(effects)).toEqual(['changed', 'writeDocument']);
    expect(effects[0]).toMatchObject({
      before: { document: { cpu: { model: 'old' } } },
      after: { document: { cpu: { model: 'new' } } },
    });
    hear({ type: 'asked', question: 2 });
    expect(
      reply(hear({ type: 'found', text: storedPointer(oldXml, old), hasHeld: true })),
    ).toMatchObject({
      standing: 'confirmed',
      source: 'memory',
      document: { cpu: { model: 'new' } },
    });
  });

  test('with another fingerprint is read anew, and the old answer is never given', () => {
    expect(hear({ type: 'opened', session: 2, fingerprint: upgraded })).toEqual([
      { type: 'readCapabilities', session: 2, reason: 'changed' },
    ]);
    expect(hear({ type: 'asked', question: 1 })).toEqual([]);
    expect(reply(hear({ type: 'gaveUp', question: 1 }))).toMatchObject({ ok: false });
    hear({ type: 'asked', question: 2 });
    expect(
      reply(hear({ type: 'capabilitiesRead', session: 2, xml: newXml, observedAt })),
    ).toMatchObject({ source: 'libvirt', document: { cpu: { model: 'new' } } });
  });

  test('the late outcome of a call in the session before says nothing', () => {
    hear({ type: 'opened', session: 2, fingerprint: old });
    hear({ type: 'lost', reason: 'closed' });
    // One call at a time, also when it is of a dead session.
    expect(types(hear({ type: 'opened', session: 3, fingerprint: upgraded }))).toEqual([]);
    hear({ type: 'asked', question: 1 });
    expect(hear({ type: 'capabilitiesRead', session: 2, xml: oldXml, observedAt })).toEqual([
      { type: 'readCapabilities', session: 3, reason: 'changed' },
    ]);
    expect(
      reply(hear({ type: 'capabilitiesRead', session: 3, xml: newXml, observedAt })),
    ).toMatchObject({ document: { cpu: { model: 'new' } } });
  });

  test('a confirmation that fails is tried again later, and answers go on', () => {
    hear({ type: 'opened', session: 2, fingerprint: old });
    expect(hear({ type: 'readFailed', session: 2, message: 'hung' })).toEqual([
      { type: 'wakeAt', atMs: nowMs + firstNegativeMs },
    ]);
    hear({ type: 'asked', question: 1 });
    expect(
      reply(hear({ type: 'found', text: storedPointer(oldXml, old), hasHeld: true })),
    ).toMatchObject({
      ok: true,
      standing: 'inferred',
    });
    nowMs += firstNegativeMs;
    expect(hear({ type: 'woke' })).toEqual([
      { type: 'readCapabilities', session: 2, reason: 'confirm' },
    ]);
  });
});

describe('a failed read', () => {
  function fail(): CapsEffect[] {
    hear({ type: 'asked', question: 1 });
    hear({ type: 'found', text: undefined });
    return hear({ type: 'readFailed', session: 1, message: 'no answer within 120000 ms' });
  }

  beforeEach(() => {
    hear({ type: 'opened', session: 1, fingerprint: old });
    hear({ type: 'found', text: undefined });
  });

  test('is an answer: unavailable, why, and when to come again', () => {
    expect(reply(fail())).toEqual({
      v: 1,
      ok: false,
      host: 'hv1',
      code: 'unavailable',
      message: 'no answer within 120000 ms',
      retryAfterMs: firstNegativeMs,
    });
  });

  test('is remembered: no call until its time has passed', () => {
    fail();
    nowMs += 2_000;
    const effects = hear({ type: 'asked', question: 2 });
    expect(types(effects)).toEqual(['answer']);
    expect(reply(effects)).toMatchObject({ ok: false, retryAfterMs: firstNegativeMs - 2_000 });
    nowMs += firstNegativeMs;
    hear({ type: 'asked', question: 3 });
    expect(types(hear({ type: 'found', text: undefined }))).toEqual(['readCapabilities']);
  });

  test('again and again is remembered longer, up to a bound', () => {
    const pauses = Array.from({ length: 6 }, () => {
      const answer = reply(fail());
      nowMs += maxNegativeMs;
      return answer.ok ? undefined : answer.retryAfterMs;
    });
    expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  test('is forgotten with a new session', () => {
    fail();
    hear({ type: 'lost', reason: 'closed' });
    hear({ type: 'opened', session: 2, fingerprint: old });
    hear({ type: 'asked', question: 2 });
    expect(types(hear({ type: 'found', text: undefined }))).toEqual(['readCapabilities']);
  });

  test('XML that is none counts as one', () => {
    hear({ type: 'asked', question: 1 });
    hear({ type: 'found', text: undefined });
    const effects = hear({ type: 'capabilitiesRead', session: 1, xml: '<torn', observedAt });
    expect(reply(effects)).toMatchObject({ ok: false, code: 'unavailable' });
    expect(state.held).toBeUndefined();
  });
});

test('a document is stored under the hash of its text', () => {
  hear({ type: 'opened', session: 1, fingerprint: old });
  hear({ type: 'asked', question: 1 });
  hear({ type: 'redisFailed', during: 'read' });
  const effects = hear({ type: 'capabilitiesRead', session: 1, xml: oldXml, observedAt });
  const write = effects.find((effect) => effect.type === 'writeDocument');
  expect(write?.hash).toBe(contentHash(write?.text ?? ''));
});
