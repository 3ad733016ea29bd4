import { problemTypes } from '@virtscope/contracts';
import type { Clock } from '@virtscope/runtime';
import { notReady, reached, type Answer, type Moment, type View } from '@virtscope/view';
import type { FastifyReply } from 'fastify';
import type { Movement } from '../movement.ts';
import { invalid, problemOf, sendProblem } from './problem.ts';

/** How long a request waits for the revision that it wants. */
export const minRevisionWaitMs = 2_000;

/** Seconds after which a request that came too early may come again. */
const retryAfterSeconds = 1;

export type AnsweringHands = {
  view: View;
  movement: Movement;
  clock: Clock;
  signal: AbortSignal;
};

/** Asks the view once it is where the caller wants it, and sends what it says. */
export async function sendAnswer(
  { view, movement, clock, signal }: AnsweringHands,
  reply: FastifyReply,
  minRevision: string | undefined,
  ask: (now: Moment) => Answer,
): Promise<FastifyReply> {
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
  const answer = ask(moment(clock));
  if (answer.kind === 'found') return sendJson(reply, answer.json);
  return sendProblem(reply, problemOf(answer));
}

export function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(json);
}

export const moment = (clock: Clock): Moment => ({
  monotonicMs: clock.monotonicMs(),
  wallMs: clock.wallMs(),
});

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
        {
          type: problemTypes.unavailable,
          title: full ? 'Too many requests wait for the view' : 'The view is not there yet',
          status: 503,
          detail,
        },
        retryAfterSeconds,
      );
  }
}
