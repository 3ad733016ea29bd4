import { domainHistorySchema, domainParamsSchema, lookupQuerySchema } from '@virtscope/contracts';
import { domainHistory } from '@virtscope/view';
import { sendAnswer, type AnsweringHands } from './answering.ts';
import { documented } from './documented.ts';
import type { App } from './server.ts';

/** What was, as long as this replica remembers it. */
export function historyRoutes(app: App, hands: AnsweringHands): void {
  app.get(
    '/v1/domains/:uuid/stats/history',
    {
      schema: documented(
        {
          tag: 'domains',
          summary: "A domain's last quarter of an hour",
          description:
            'Main rates, a point each 10 s, on the host that answers for the domain. Each replica remembers for itself: a new one begins empty.',
          answer: domainHistorySchema,
        },
        { params: domainParamsSchema, querystring: lookupQuerySchema },
      ),
    },
    ({ params: { uuid }, query: { minRevision } }, reply) =>
      sendAnswer(hands, reply, { minRevision, ask: (asking) => domainHistory(asking, uuid) }),
  );
}
