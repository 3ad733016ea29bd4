import {
  hostAnswerSchema,
  hostCapabilitiesSchema,
  hostListSchema,
  hostParamsSchema,
  hostStatsSchema,
  lookupQuerySchema,
  noQuerySchema,
  problemTypes,
  type CapsReply,
  type HostId,
} from '@virtscope/contracts';
import type { CapsAnswer } from '@virtscope/runtime';
import { Asking, everything, findHost, freshnessOf, hostStats, listHosts } from '@virtscope/view';
import type { FastifyReply } from 'fastify';
import { moment, sendAnswer, type AnsweringHands } from './answering.ts';
import { sendJson } from './body.ts';
import { documented } from './documented.ts';
import { problemOf, sendProblem } from './problem.ts';
import type { App } from './server.ts';

/** How long caps-cache has to answer. */
export const capabilitiesTimeoutMs = 2_000;

export type HostHands = AnsweringHands & {
  capabilities: (host: HostId, timeoutMs: number) => Promise<CapsAnswer>;
};

/** Questions about hosts. */
export function hostRoutes(app: App, hands: HostHands): void {
  const querystring = lookupQuerySchema;
  const params = hostParamsSchema;

  app.get(
    '/v1/hosts',
    {
      schema: documented(
        { tag: 'hosts', summary: 'All wanted hosts, and their trust', answer: hostListSchema },
        { querystring },
      ),
    },
    ({ query: { minRevision } }, reply) =>
      sendAnswer(hands, reply, {
        minRevision,
        ask: listHosts,
        tag: (asking) => freshnessOf(asking, asking.allHosts(), { stats: false, question: '' }),
      }),
  );

  app.get(
    '/v1/hosts/:host',
    {
      schema: documented(
        { tag: 'hosts', summary: 'One host', answer: hostAnswerSchema },
        { params, querystring },
      ),
    },
    ({ params: { host }, query: { minRevision } }, reply) =>
      sendAnswer(hands, reply, {
        minRevision,
        ask: (asking) => findHost(asking, host),
        tag: (asking) => freshnessOf(asking, [host], { stats: false, question: '' }),
      }),
  );

  app.get(
    '/v1/hosts/:host/stats',
    {
      schema: documented(
        { tag: 'hosts', summary: "The newest stats of a host's domains", answer: hostStatsSchema },
        { params, querystring },
      ),
    },
    ({ params: { host }, query: { minRevision } }, reply) =>
      sendAnswer(hands, reply, { minRevision, ask: (asking) => hostStats(asking, host) }),
  );

  app.get(
    '/v1/hosts/:host/capabilities',
    {
      schema: documented(
        { tag: 'hosts', summary: 'What the host can run', answer: hostCapabilitiesSchema },
        { params, querystring: noQuerySchema },
      ),
    },
    async ({ params: { host } }, reply) => {
      const scope = hands.scopeOf?.(reply.request) ?? everything;
      const asking = new Asking(hands.view, moment(hands.clock), scope);
      if (!scope.host(host)) return sendProblem(reply, problemOf(absentHost(host)));
      const answer = await hands.capabilities(host, capabilitiesTimeoutMs);
      if (answer.kind === 'unavailable') return capsUnavailable(reply, answer.reason);
      if (answer.reply.ok) return sendJson(reply, capabilitiesJson(answer.reply));
      const { code, message, retryAfterMs } = answer.reply;
      if (code === 'unknown-host') {
        // Whether there is such a host is the inventory's to say, not the cache's.
        const known = findHost(asking, host);
        if (known.kind === 'absent') return sendProblem(reply, problemOf(known));
      }
      return capsUnavailable(reply, message, retryAfterMs);
    },
  );
}

const absentHost = (host: HostId): { kind: 'absent'; detail: string } => ({
  kind: 'absent',
  detail: `no host ${host} in the inventory`,
});

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
