import {
  hostAnswerSchema,
  hostListSchema,
  hostParamsSchema,
  hostStatsSchema,
  lookupQuerySchema,
} from '@virtscope/contracts';
import { findHost, freshnessOf, hostStats, listHosts } from '@virtscope/view';
import { sendAnswer, type AnsweringHands } from './answering.ts';
import { documented } from './documented.ts';
import type { App } from './server.ts';

/** Questions about hosts. */
export function hostRoutes(app: App, hands: AnsweringHands): void {
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
}
