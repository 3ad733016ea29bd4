import {
  domainByIdParamsSchema,
  domainByNameParamsSchema,
  domainParamsSchema,
  hostDomainParamsSchema,
  listDomainsQuerySchema,
  lookupQuerySchema,
} from '@virtscope/contracts';
import { domainStats, findDomain, findOnHost, listDomains, readFilter } from '@virtscope/view';
import { sendAnswer, type AnsweringHands } from './answering.ts';
import type { App } from './server.ts';

/** Questions about domains. */
export function domainRoutes(app: App, hands: AnsweringHands): void {
  const { view } = hands;
  const querystring = lookupQuerySchema;

  app.get('/v1/domains', { schema: { querystring: listDomainsQuerySchema } }, ({ query }, reply) =>
    sendAnswer(hands, reply, query.minRevision, (now) => {
      const { pageSize, pageToken } = query;
      const read = readFilter(query);
      if (!read.ok) return { kind: 'invalid', detail: read.reason };
      return listDomains(view, now, { filter: read.filter, pageSize, pageToken });
    }),
  );

  app.get(
    '/v1/domains/:uuid',
    { schema: { params: domainParamsSchema, querystring } },
    ({ params, query }, reply) =>
      sendAnswer(hands, reply, query.minRevision, (now) => findDomain(view, now, params.uuid)),
  );

  app.get(
    '/v1/hosts/:host/domains/:uuid',
    { schema: { params: hostDomainParamsSchema, querystring } },
    ({ params: { host, uuid }, query }, reply) =>
      sendAnswer(hands, reply, query.minRevision, (now) => findOnHost(view, now, host, { uuid })),
  );

  app.get(
    '/v1/hosts/:host/domains/by-id/:id',
    { schema: { params: domainByIdParamsSchema, querystring } },
    ({ params: { host, id }, query }, reply) =>
      sendAnswer(hands, reply, query.minRevision, (now) => findOnHost(view, now, host, { id })),
  );

  app.get(
    '/v1/hosts/:host/domains/by-name/:name',
    { schema: { params: domainByNameParamsSchema, querystring } },
    ({ params: { host, name }, query }, reply) =>
      sendAnswer(hands, reply, query.minRevision, (now) => findOnHost(view, now, host, { name })),
  );

  app.get(
    '/v1/hosts/:host/domains/:uuid/stats',
    { schema: { params: hostDomainParamsSchema, querystring } },
    ({ params: { host, uuid }, query }, reply) =>
      sendAnswer(hands, reply, query.minRevision, (now) => domainStats(view, now, host, uuid)),
  );
}
