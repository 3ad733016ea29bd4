/**
 * The mind of caps-cache about one host.
 *
 * - C1 At most one capabilities call is under way; questions wait for it together.
 * - C2 An answer was read under the very fingerprint that the host's newest session showed.
 * - C3 A document is written before a pointer to it.
 * - C4 What is held answers every question, whatever Redis and libvirt do; `source` says how.
 * - C5 A question costs a call only when neither memory nor Redis has an answer (`miss`), and none
 *   while a failure is fresh.
 * - C6 Every question is answered once: at the latest when its asker gives up.
 * - C7 A document that is not what was known before is told as a change, once, with both.
 */
import type { Capabilities, CapsReply, HostId } from '@virtscope/contracts';
import { CapabilitiesXmlError } from './capabilities-xml-error.ts';
import { parseCapabilities } from './capabilities-xml.ts';
import { sameFingerprint, type Fingerprint } from './fingerprint.ts';
import type { CapsEffect, CapsInput, KnownBefore, ReadReason } from './host-caps-io.ts';
import { formatPointer, parseDocument, parsePointer, type HostPointer } from './stored.ts';

/** Questions of one host that may wait at a time; one more is told to come again. */
export const maxWaitingQuestions = 1_000;

/** After a failed read the host is left alone this long, twice as long after each further one. */
export const firstNegativeMs = 5_000;
export const maxNegativeMs = 60_000;

/** After a failed write Redis is left alone this long, unless it is said to have returned. */
export const writePauseMs = 5_000;

/** When to come again for an answer that is being read. */
const soonMs = 1_000;

/** When to come again for a host that cannot be reached. */
const unreachableRetryMs = 5_000;

/** The newest document, and where it comes from. */
type Held = HostPointer & {
  document: Capabilities;
  /** As it is hashed and stored. */
  text: string;
  /** `confirmed`: read in the present session. */
  standing: 'confirmed' | 'inferred';
};

type Lookup = { step: 'pointer' } | { step: 'document'; pointer: HostPointer };
type Write = { step: 'document' | 'pointer'; held: Held };

export type HostCaps = {
  readonly host: HostId;
  /** The newest session, also after its end. */
  session: { number: number; fingerprint: Fingerprint; isOpen: boolean } | undefined;
  /** Why there is no open session; undefined before the first attempt and while one is open. */
  trouble: string | undefined;
  held: Held | undefined;
  /** What it was before what is being read now. */
  before: KnownBefore | undefined;
  waiting: readonly number[];
  reading: { session: number; reason: ReadReason } | undefined;
  wanted: ReadReason | undefined;
  failures: number;
  negative: { untilMs: number; message: string } | undefined;
  lookup: Lookup | undefined;
  lookupWanted: boolean;
  write: Write | undefined;
  writeWanted: boolean;
  writeNotBeforeMs: number;
};

export function startHostCaps(host: HostId): HostCaps {
  return {
    host,
    session: undefined,
    trouble: undefined,
    held: undefined,
    before: undefined,
    waiting: [],
    reading: undefined,
    wanted: undefined,
    failures: 0,
    negative: undefined,
    lookup: undefined,
    lookupWanted: false,
    write: undefined,
    writeWanted: false,
    writeNotBeforeMs: Number.NEGATIVE_INFINITY,
  };
}

export function step(before: HostCaps, input: CapsInput): [HostCaps, CapsEffect[]] {
  const state = { ...before };
  const effects: CapsEffect[] = [];
  hear(state, input, effects);
  act(state, input.nowMs, effects);
  return [state, effects];
}

function hear(state: HostCaps, input: CapsInput, effects: CapsEffect[]): void {
  switch (input.type) {
    case 'opened':
      return opened(state, input.session, input.fingerprint);
    case 'lost':
      return lost(state, input.reason, effects);
    case 'asked':
      return asked(state, input.question, input.nowMs, effects);
    case 'gaveUp':
      return gaveUp(state, input.question, effects);
    case 'capabilitiesRead':
      return capabilitiesRead(state, input, effects);
    case 'readFailed':
      return readFailed(state, input.session, input.message, input.nowMs, effects);
    case 'found':
      return state.lookup?.step === 'document'
        ? documentFound(state, state.lookup.pointer, input.text, effects)
        : pointerFound(state, input.text, input.hasHeld === true, effects);
    case 'redisFailed':
      return input.during === 'read'
        ? lookupFailed(state, effects)
        : writeFailed(state, input.nowMs);
    case 'written':
      return written(state, effects);
    case 'redisReturned':
      state.lookupWanted = true;
      state.writeNotBeforeMs = input.nowMs;
      return;
    case 'woke':
      return;
  }
}

/** Starts what is wanted and may start now. */
function act(state: HostCaps, nowMs: number, effects: CapsEffect[]): void {
  const { session } = state;
  if (state.wanted === 'miss' && state.waiting.length === 0) state.wanted = undefined; // C5
  const isQuiet = state.negative !== undefined && nowMs < state.negative.untilMs;
  if (state.wanted !== undefined && !state.reading && session?.isOpen === true && !isQuiet) {
    const reason = state.wanted;
    state.reading = { session: session.number, reason }; // C1
    state.wanted = undefined;
    effects.push({ type: 'readCapabilities', session: session.number, reason });
  }
  if (state.lookupWanted && state.lookup === undefined && session !== undefined) {
    state.lookup = { step: 'pointer' };
    state.lookupWanted = false;
    effects.push({ type: 'readPointer', host: state.host, heldHash: state.held?.hash });
  }
  const { held } = state;
  if (state.writeWanted && !state.write && held && nowMs >= state.writeNotBeforeMs) {
    state.write = { step: 'document', held }; // C3
    state.writeWanted = false;
    effects.push({ type: 'writeDocument', hash: held.hash, text: held.text });
  }
}

function opened(state: HostCaps, number: number, fingerprint: Fingerprint): void {
  state.session = { number, fingerprint, isOpen: true };
  state.trouble = undefined;
  state.negative = undefined;
  state.failures = 0;
  if (state.held === undefined) {
    // What Redis knows costs no call, and answers also when Redis goes away before a question.
    state.lookupWanted = true;
  } else if (sameFingerprint(state.held.fingerprint, fingerprint)) {
    state.held = { ...state.held, standing: 'inferred' };
    want(state, 'confirm');
  } else {
    state.before = state.held;
    state.held = undefined; // C2
    want(state, 'changed');
  }
}

function lost(state: HostCaps, reason: string, effects: CapsEffect[]): void {
  if (state.session) state.session = { ...state.session, isOpen: false };
  state.trouble = reason;
  state.wanted = undefined;
  if (state.held === undefined) answerUnreachable(state, reason, effects);
}

function asked(state: HostCaps, question: number, nowMs: number, effects: CapsEffect[]): void {
  if (state.waiting.length >= maxWaitingQuestions) {
    const message = `${maxWaitingQuestions} questions about ${state.host} wait already`;
    effects.push(answer([question], unavailable(state, message, soonMs)));
    return;
  }
  state.waiting = [...state.waiting, question];
  if (state.held === undefined) {
    if (state.trouble !== undefined) return answerUnreachable(state, state.trouble, effects);
    const { negative } = state;
    if (negative !== undefined && nowMs < negative.untilMs) {
      const reply = unavailable(state, negative.message, negative.untilMs - nowMs);
      return answerAll(state, reply, effects); // C5
    }
    if (state.reading !== undefined) return;
  }
  if (state.lookup === undefined) state.lookupWanted = true;
}

function gaveUp(state: HostCaps, question: number, effects: CapsEffect[]): void {
  if (!state.waiting.includes(question)) return;
  state.waiting = state.waiting.filter((each) => each !== question);
  const reply =
    replyFrom(state, 'memory') ??
    unavailable(state, `${waitingFor(state)} takes longer than a question waits`, soonMs);
  effects.push(answer([question], reply));
}

function waitingFor(state: HostCaps): string {
  if (state.reading !== undefined) return 'reading the capabilities from libvirt';
  return state.session === undefined ? 'connecting to libvirt' : 'looking into Redis';
}

function capabilitiesRead(
  state: HostCaps,
  input: { session: number; xml: string; observedAt: string; nowMs: number },
  effects: CapsEffect[],
): void {
  if (isOutdated(state, input.session)) return;
  const { session } = state;
  if (session === undefined) return;
  try {
    const parsed = parseCapabilities(input.xml);
    const { fingerprint } = session;
    const { observedAt } = input;
    const before = state.held ?? state.before;
    const held: Held = { ...parsed, fingerprint, observedAt, standing: 'confirmed' };
    const isOther =
      before !== undefined &&
      (before.hash !== held.hash || !sameFingerprint(before.fingerprint, fingerprint));
    if (isOther) effects.push({ type: 'changed', before, after: held });
    state.held = held;
  } catch (error) {
    if (!(error instanceof CapabilitiesXmlError)) throw error;
    return readFailed(state, input.session, error.message, input.nowMs, effects);
  }
  state.before = undefined;
  state.reading = undefined;
  state.wanted = undefined;
  state.failures = 0;
  state.negative = undefined;
  state.writeWanted = true;
  answerFrom(state, 'libvirt', effects);
}

function readFailed(
  state: HostCaps,
  session: number,
  message: string,
  nowMs: number,
  effects: CapsEffect[],
): void {
  if (isOutdated(state, session)) return;
  const reason = state.reading?.reason;
  state.reading = undefined;
  if (state.session?.isOpen !== true) return; // whoever waited has heard it when it was lost
  const pauseMs = Math.min(firstNegativeMs * 2 ** state.failures, maxNegativeMs);
  state.failures += 1;
  state.negative = { untilMs: nowMs + pauseMs, message };
  if (state.held === undefined) answerAll(state, unavailable(state, message, pauseMs), effects);
  // Nobody asks for these: without a second try the host would never be confirmed.
  if (reason === 'confirm' || reason === 'changed') {
    want(state, reason);
    effects.push({ type: 'wakeAt', atMs: state.negative.untilMs });
  }
}

/** The outcome of a call in a session that another one followed: it says nothing of the latter. */
function isOutdated(state: HostCaps, session: number): boolean {
  if (session === state.session?.number) return false;
  const reason = state.reading?.reason ?? 'miss';
  state.reading = undefined;
  if (state.held === undefined && state.waiting.length > 0) want(state, reason);
  return true;
}

function pointerFound(
  state: HostCaps,
  text: string | undefined,
  hasHeld: boolean,
  effects: CapsEffect[],
): void {
  state.lookup = undefined;
  const pointer = text === undefined ? undefined : parsePointer(text);
  const { held, session } = state;
  const fits = pointer && session && sameFingerprint(pointer.fingerprint, session.fingerprint);
  if (pointer && fits && pointer.hash === held?.hash && hasHeld) {
    answerFrom(state, 'redis', effects); // equal hash: the very document that is held
  } else if (pointer && fits && pointer.hash !== held?.hash && held?.standing !== 'confirmed') {
    // What is inferred came from there, so there is where a newer one is found.
    state.lookup = { step: 'document', pointer };
    effects.push({ type: 'readDocument', hash: pointer.hash });
  } else if (held) {
    state.writeWanted = true;
    answerFrom(state, 'memory', effects);
  } else if (pointer) {
    state.before = { ...pointer, document: undefined };
    want(state, 'changed'); // C2
  } else {
    missed(state);
  }
}

function documentFound(
  state: HostCaps,
  pointer: HostPointer,
  text: string | undefined,
  effects: CapsEffect[],
): void {
  state.lookup = undefined;
  const document = text === undefined ? undefined : parseDocument(text, pointer.hash);
  const { session, held } = state;
  const isCurrent = session && sameFingerprint(pointer.fingerprint, session.fingerprint);
  if (document && text !== undefined && isCurrent && held?.standing !== 'confirmed') {
    state.held = { ...pointer, document, text, standing: 'inferred' };
    answerFrom(state, 'redis', effects);
  } else if (held) {
    state.writeWanted = true;
    answerFrom(state, 'memory', effects);
  } else if (isCurrent) {
    state.before = { ...pointer, document: undefined };
    missed(state);
  } else {
    state.before = { ...pointer, document };
    want(state, 'changed'); // the daemon changed while we looked
  }
}

function lookupFailed(state: HostCaps, effects: CapsEffect[]): void {
  state.lookup = undefined;
  if (state.held === undefined) missed(state);
  else answerFrom(state, 'memory', effects); // C4
}

/** Nothing is known: libvirt is asked if somebody waits for it. */
function missed(state: HostCaps): void {
  if (state.waiting.length > 0) want(state, 'miss');
}

function written(state: HostCaps, effects: CapsEffect[]): void {
  const { write } = state;
  if (write?.step !== 'document') {
    state.write = undefined;
    return;
  }
  const { fingerprint, hash, hostPart, observedAt } = write.held;
  const text = formatPointer({ fingerprint, hash, hostPart, observedAt });
  state.write = { ...write, step: 'pointer' };
  effects.push({ type: 'writePointer', host: state.host, text });
}

function writeFailed(state: HostCaps, nowMs: number): void {
  state.write = undefined;
  state.writeWanted = true;
  state.writeNotBeforeMs = nowMs + writePauseMs;
}

/** A read that is under way in the present session serves every reason. */
function want(state: HostCaps, reason: ReadReason): void {
  if (state.reading && state.reading.session === state.session?.number) return;
  if (state.wanted === undefined || state.wanted === 'miss') state.wanted = reason;
}

function answerUnreachable(state: HostCaps, reason: string, effects: CapsEffect[]): void {
  const message = `${state.host} cannot be reached: ${reason}`;
  answerAll(state, unavailable(state, message, unreachableRetryMs), effects);
}

function answerFrom(state: HostCaps, source: CapsSource, effects: CapsEffect[]): void {
  const reply = replyFrom(state, source);
  if (reply) answerAll(state, reply, effects);
}

function answerAll(state: HostCaps, reply: CapsReply, effects: CapsEffect[]): void {
  if (state.waiting.length === 0) return;
  effects.push(answer(state.waiting, reply));
  state.waiting = [];
}

function answer(questions: readonly number[], reply: CapsReply): CapsEffect {
  return { type: 'answer', questions, reply };
}

type CapsSource = Extract<CapsReply, { ok: true }>['source'];

function replyFrom({ host, held }: HostCaps, source: CapsSource): CapsReply | undefined {
  if (held === undefined) return undefined;
  const { hash, standing, observedAt, document, hostPart } = held;
  return { v: 1, ok: true, host, hash, standing, source, observedAt, document, hostPart };
}

function unavailable({ host }: HostCaps, reason: string, retryAfterMs: number): CapsReply {
  const message = reason.slice(0, 4096);
  return { v: 1, ok: false, host, code: 'unavailable', message, retryAfterMs };
}
