import {
  hostParamsSchema,
  lookupQuerySchema,
  noQuerySchema,
  problemTypes,
  type CapsReply,
  type HostId,
} from '@virtscope/contracts';
import type { CapsAnswer } from '@virtscope/runtime';
import { findHost, hostStats, listHosts } from '@virtscope/view';
import type { FastifyReply } from 'fastify';
import { moment, sendAnswer, sendJson, type AnsweringHands } from './answering.ts';
import { problemOf, sendProblem } from './problem.ts';
import type { App } from './server.ts';

/** How long caps-cache has to answer. */
export const capabilitiesTimeoutMs = 2_000;

export type HostHands = AnsweringHands & {
  capabilities: (host: HostId, timeoutMs: number) => Promise<CapsAnswer>;
};

/** Questions about hosts. */
export function hostRoutes(app: App, hands: HostHands): void {
  const { view } = hands;
  const querystring = lookupQuerySchema;
  const params = hostParamsSchema;

  app.get('/v1/hosts', { schema: { querystring } }, ({ query }, reply) =>
    sendAnswer(hands, reply, query.minRevision, (now) => listHosts(view, now)),
  );

  app.get('/v1/hosts/:host', { schema: { params, querystring } }, ({ params: p, query }, reply) =>
    sendAnswer(hands, reply, query.minRevision, (now) => findHost(view, now, p.host)),
  );

  app.get(
    '/v1/hosts/:host/stats',
    { schema: { params, querystring } },
    ({ params: p, query }, reply) =>
      sendAnswer(hands, reply, query.minRevision, (now) => hostStats(view, now, p.host)),
  );

  app.get(
    '/v1/hosts/:host/capabilities',
    { schema: { params, querystring: noQuerySchema } },
    async ({ params: { host } }, reply) => {
      const answer = await hands.capabilities(host, capabilitiesTimeoutMs);
      if (answer.kind === 'unavailable') return capsUnavailable(reply, answer.reason);
      if (answer.reply.ok) return sendJson(reply, capabilitiesJson(answer.reply));
      const { code, message, retryAfterMs } = answer.reply;
      if (code === 'unknown-host') {
        // Whether there is such a host is the inventory's to say, not the cache's.
        const known = findHost(view, moment(hands.clock), host);
        if (known.kind === 'absent') return sendProblem(reply, problemOf(known));
      }
      return capsUnavailable(reply, message, retryAfterMs);
    },
  );
}

function capabilitiesJson(reply: Extract<CapsReply, { ok: true }>): string {
  const { host, hash, standing, source, observedAt, document, hostPart } = reply;
  return JSON.stringify({
    host,
    hash,
    standing,
    source,
    observedAt,
    capabilities: document,
    hostPart,
  });
}

function capsUnavailable(
  reply: FastifyReply,
  detail: string,
  retryAfterMs: number = 1_000,
): FastifyReply {
  const problem = {
    type: problemTypes.unavailable,
    title: 'The capabilities are not available now',
    status: 503,
    detail,
  };
  return sendProblem(reply, problem, Math.max(1, Math.ceil(retryAfterMs / 1000)));
}
