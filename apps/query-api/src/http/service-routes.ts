import { noQuerySchema, problemTypes } from '@virtscope/contracts';
import { moment, type AnsweringHands } from './answering.ts';
import { sendProblem } from './problem.ts';
import type { App } from './server.ts';

const questions = [
  '/v1/domains?host=&state=&name=&uuid=&filter=&orderBy=&fields=&pageSize=&pageToken=&topK=&minRevision=&maxAge=&explain=',
  '/v1/domains/batch?uuid=&fields=',
  '/v1/watch?filter=&fields=&resume=',
  '/v1/summary?by=&sum=&filter=',
  '/v1/usage?disk=|mac=|ip=|name=|hostDevice=&host=',
  '/v1/domains/{uuid}',
  '/v1/hosts',
  '/v1/hosts/{host}',
  '/v1/hosts/{host}/domains/{uuid}',
  '/v1/hosts/{host}/domains/by-id/{id}',
  '/v1/hosts/{host}/domains/by-name/{name}',
  '/v1/hosts/{host}/domains/{uuid}/xml',
  '/v1/hosts/{host}/domains/{uuid}/stats',
  '/v1/hosts/{host}/stats',
  '/v1/hosts/{host}/capabilities',
  '/v1/hosts/{host}/capabilities/history',
  '/v1/hosts/{host}/cpu-models',
  '/v1/hosts/{host}/domain-capabilities?arch=&machine=&virtType=&emulator=',
  '/v1/domains/{uuid}/at?time=',
  '/v1/domains/{uuid}/can-migrate?to=',
  '/v1/migrations',
  'POST /v1/placement',
  '/v1/capabilities/matrix?names=',
  '/v1/capabilities/drift?label=',
  'POST /v1/capabilities/common-cpu',
  '/v1/events?host=&uuid=&kind=&since=&after=&pageSize=',
  '/metrics/fleet?host=&shard=&labels=&names=',
  '/openapi.json',
  '/healthz',
  '/readyz',
];

/** The door: what can be asked, and whether asking makes sense now. */
export function serviceRoutes(app: App, { view, clock }: AnsweringHands): void {
  app.get('/', { schema: { querystring: noQuerySchema } }, () => ({
    service: 'virtscope query-api',
    questions,
  }));

  app.get('/openapi.json', { schema: { hide: true, querystring: noQuerySchema } }, () =>
    app.swagger(),
  );

  app.get('/healthz', () => ({ status: 'ok' }));

  app.get('/readyz', (_request, reply) => {
    const problems = Object.entries(view.unready(moment(clock).monotonicMs));
    if (problems.length === 0) return reply.send({ status: 'ready', revision: view.revision });
    return sendProblem(
      reply,
      {
        type: problemTypes.notReady,
        title: 'The view is not ready',
        status: 503,
        detail: problems.map(([check, reason]) => `${check}: ${reason}`).join('; '),
      },
      1,
    );
  });
}
