import {
  domainAnswerSchema,
  domainByIdParamsSchema,
  domainByNameParamsSchema,
  domainParamsSchema,
  domainStatsSchema,
  hostDomainAnswerSchema,
  hostDomainParamsSchema,
  lookupQuerySchema,
} from '@virtscope/contracts';
import {
  basisOf,
  domainStats,
  findDomain,
  findOnHost,
  freshnessOf,
  type Asking,
  type Freshness,
} from '@virtscope/view';
import { sendAnswer, type AnsweringHands } from './answering.ts';
import { documented } from './documented.ts';
import type { App } from './server.ts';

/** Look-ups of one domain. */
export function domainRoutes(app: App, hands: AnsweringHands): void {
  const querystring = lookupQuerySchema;
  const tagOf =
    (hosts: Iterable<string>, stats = false) =>
    (asking: Asking): Freshness =>
      freshnessOf(asking, hosts, { stats, question: '' });

  app.get(
    '/v1/domains/:uuid',
    {
      schema: documented(
        {
          tag: 'domains',
          summary: 'A domain wherever it is',
          description: "The owner's fields, and every presence: one uuid may be on two hosts.",
          answer: domainAnswerSchema,
        },
        { params: domainParamsSchema, querystring },
      ),
    },
    ({ params: { uuid }, query: { minRevision } }, reply) =>
      sendAnswer(hands, reply, {
        minRevision,
        ask: (asking) => findDomain(asking, uuid),
        tag: (asking) => {
          const { hosts, question } = basisOf(asking, uuid);
          return freshnessOf(asking, hosts, { stats: false, question });
        },
      }),
  );

  app.get(
    '/v1/hosts/:host/domains/:uuid',
    {
      schema: documented(
        { tag: 'domains', summary: 'A domain on one host', answer: hostDomainAnswerSchema },
        { params: hostDomainParamsSchema, querystring },
      ),
    },
    ({ params: { host, uuid }, query: { minRevision } }, reply) =>
      sendAnswer(hands, reply, {
        minRevision,
        ask: (asking) => findOnHost(asking, host, { uuid }),
        tag: tagOf([host]),
      }),
  );

  app.get(
    '/v1/hosts/:host/domains/by-id/:id',
    {
      schema: documented(
        {
          tag: 'domains',
          summary: "A domain by libvirt's id",
          description: 'Refused unless the host is live: an id is given anew at each start.',
          answer: hostDomainAnswerSchema,
        },
        { params: domainByIdParamsSchema, querystring },
      ),
    },
    ({ params: { host, id }, query: { minRevision } }, reply) =>
      sendAnswer(hands, reply, {
        minRevision,
        ask: (asking) => findOnHost(asking, host, { id }),
        tag: tagOf([host]),
      }),
  );

  app.get(
    '/v1/hosts/:host/domains/by-name/:name',
    {
      schema: documented(
        { tag: 'domains', summary: 'A domain by its name', answer: hostDomainAnswerSchema },
        { params: domainByNameParamsSchema, querystring },
      ),
    },
    ({ params: { host, name }, query: { minRevision } }, reply) =>
      sendAnswer(hands, reply, {
        minRevision,
        ask: (asking) => findOnHost(asking, host, { name }),
        tag: tagOf([host]),
      }),
  );

  app.get(
    '/v1/hosts/:host/domains/:uuid/stats',
    {
      schema: documented(
        { tag: 'domains', summary: 'The newest stats of a domain', answer: domainStatsSchema },
        { params: hostDomainParamsSchema, querystring },
      ),
    },
    ({ params: { host, uuid }, query: { minRevision } }, reply) =>
      sendAnswer(hands, reply, { minRevision, ask: (asking) => domainStats(asking, host, uuid) }),
  );
}
