import { problemTypes, type Problem } from '@virtscope/contracts';
import type { Answer } from '@virtscope/view';
import type { FastifyReply } from 'fastify';

export const problemContentType = 'application/problem+json; charset=utf-8';

/** A problem as it is thrown up to the reply. */
export type ProblemDetails = Omit<Problem, 'instance'>;

const titles: Record<
  Exclude<Answer['kind'], 'found'>,
  [keyof typeof problemTypes, number, string]
> = {
  absent: ['notFound', 404, 'There is none'],
  unknown: ['unknown', 503, 'Unknown: absence cannot be proven now'],
  'too-old': ['tooOld', 503, 'Older than the request allows'],
  invalid: ['invalidRequest', 400, 'The request cannot be meant'],
  'not-ready': ['notReady', 503, 'The view is not ready'],
};

/** The problem that an answer other than `found` is. */
export function problemOf(answer: Exclude<Answer, { kind: 'found' }>): ProblemDetails {
  const [type, status, title] = titles[answer.kind];
  return {
    type: problemTypes[type],
    title,
    status,
    detail: answer.detail,
    ...('asOf' in answer ? { asOf: answer.asOf } : {}),
    ...('unreachable' in answer ? { unreachable: answer.unreachable } : {}),
  };
}

/** A request that nobody can answer as it stands. */
export function invalid(detail: string, status = 400): ProblemDetails {
  return { type: problemTypes.invalidRequest, title: titles.invalid[2], status, detail };
}

/** What would be answered at another time. */
export function unavailable(title: string, detail: string): ProblemDetails {
  return { type: problemTypes.unavailable, title, status: 503, detail };
}

/** Sends RFC 9457 problem details. */
export function sendProblem(
  reply: FastifyReply,
  problem: ProblemDetails,
  retryAfterSeconds?: number,
): FastifyReply {
  if (retryAfterSeconds !== undefined) void reply.header('retry-after', retryAfterSeconds);
  const body: Problem = { ...problem, instance: reply.request.url };
  return reply.code(problem.status).type(problemContentType).send(JSON.stringify(body));
}
