import { problemTypes } from '@virtscope/contracts';
import type { Clock } from '@virtscope/runtime';
import {
  Asking,
  everything,
  isTagged,
  notReady,
  reached,
  type Answer,
  type Freshness,
  type Moment,
  type Scope,
  type Sliced,
  type View,
} from '@virtscope/view';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Movement } from '../movement.ts';
import type { Slices } from '../slices.ts';
import { sendJson } from './body.ts';
import { invalid, problemOf, sendProblem, unavailable } from './problem.ts';

/** How long a request waits for the revision that it wants. */
export const minRevisionWaitMs = 2_000;

/** Seconds after which a request that came too early may come again. */
const retryAfterSeconds = 1;

export type AnsweringHands = {
  view: View;
  movement: Movement;
  slices: Slices;
  clock: Clock;
  signal: AbortSignal;
  /** What the caller may see; everything where it is not said. */
  scopeOf?: (request: FastifyRequest) => Scope | undefined;
};

export type Question = {
  minRevision?: string | undefined;
  ask: (asking: Asking) => Answer | Sliced<Answer>;
  /** What the answer is tagged with; a caller who has it already gets 304. */
  tag?: (asking: Asking) => Freshness;
};

/** Asks the view once it is where the caller wants it, and sends what it says. */
export function sendAnswer(
  hands: AnsweringHands,
  reply: FastifyReply,
  question: Question,
): FastifyReply | Promise<FastifyReply> {
  const { view, clock, scopeOf } = hands;
  if (question.minRevision === undefined && view.answers) {
    // Nothing to wait for: a look-up is over before anything else is looked at.
    const asking = new Asking(view, moment(clock), scopeOf?.(reply.request) ?? everything);
    return answerNow(hands, reply, question, asking);
  }
  return answerLater(hands, reply, question);
}

async function answerLater(
  hands: AnsweringHands,
  reply: FastifyReply,
  question: Question,
): Promise<FastifyReply> {
  const asking = await whenReady(hands, reply, question.minRevision);
  return asking instanceof Asking ? answerNow(hands, reply, question, asking) : asking;
}

function answerNow(
  hands: AnsweringHands,
  reply: FastifyReply,
  { ask, tag }: Question,
  asking: Asking,
): FastifyReply | Promise<FastifyReply> {
  if (tag !== undefined && isUnchanged(reply, tag(asking))) return reply.code(304).send();
  const asked = ask(asking);
  if ('kind' in asked) return sendFound(reply, asked);
  return hands.slices.run(asked, hands.signal).then((answer) => sendFound(reply, answer));
}

function sendFound(
  reply: FastifyReply,
  answer: Answer | 'busy',
): FastifyReply | Promise<FastifyReply> {
  if (answer === 'busy') return sendProblem(reply, busy, retryAfterSeconds);
  if (answer.kind === 'found') return sendJson(reply, answer.json);
  void reply.removeHeader('etag');
  const again = answer.kind === 'not-ready' ? retryAfterSeconds : undefined;
  return sendProblem(reply, problemOf(answer), again);
}

/** The question's moment, or the refusal that was sent because it cannot be asked now. */
export async function whenReady(
  { view, movement, clock, signal, scopeOf }: AnsweringHands,
  reply: FastifyReply,
  minRevision: string | undefined,
): Promise<Asking | FastifyReply> {
  const unready = notReady(view, moment(clock));
  if (unready !== undefined && unready.kind !== 'found') {
    return sendProblem(reply, problemOf(unready), retryAfterSeconds);
  }
  if (minRevision !== undefined) {
    const askedMs = clock.monotonicMs();
    const look = (): ReturnType<typeof reached> => reached(view, minRevision, askedMs);
    const waited = await movement.until(() => look().kind !== 'waiting', minRevisionWaitMs, signal);
    const state = look();
    if (state.kind !== 'reached') return refuse(reply, state, waited === 'full');
  }
  return new Asking(view, moment(clock), scopeOf?.(reply.request) ?? everything);
}

/** Puts the tag on the reply. @returns whether the caller has this answer already */
function isUnchanged(reply: FastifyReply, { etag, verifiedAt }: Freshness): boolean {
  // It may be kept, and must be asked for again each time: an answer is true of its moment.
  void reply.header('cache-control', 'private, no-cache').header('etag', etag);
  if (verifiedAt !== null) void reply.header('verified-at', verifiedAt);
  const known = reply.request.headers['if-none-match'];
  return known !== undefined && isTagged(known, etag);
}

export const moment = (clock: Clock): Moment => ({
  monotonicMs: clock.monotonicMs(),
  wallMs: clock.wallMs(),
});

const busy = unavailable(
  'Too many long questions are being answered',
  'ask again later, or for less: a smaller page, or a filter that an index answers',
);

function refuse(
  reply: FastifyReply,
  state: Exclude<ReturnType<typeof reached>, { kind: 'reached' }>,
  full: boolean,
): FastifyReply {
  const detail = `minRevision: ${state.detail}`;
  switch (state.kind) {
    case 'invalid':
      return sendProblem(reply, invalid(detail));
    case 'gone':
      return sendProblem(reply, {
        type: problemTypes.foreignToken,
        title: 'This revision will never come',
        status: 410,
        detail,
      });
    case 'waiting':
      return sendProblem(
        reply,
        unavailable(
          full ? 'Too many requests wait for the view' : 'The view is not there yet',
          detail,
        ),
        retryAfterSeconds,
      );
  }
}
