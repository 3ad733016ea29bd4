/** Who asks: every request but those about our health carries a token, where tokens are asked for. */
import { problemTypes } from '@virtscope/contracts';
import type { Logger, Metrics } from '@virtscope/runtime';
import type { Scope } from '@virtscope/view';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isLoopback } from '../access/settings.ts';
import type { Grant, TokenBook } from '../access/token-book.ts';
import { sendProblem } from './problem.ts';

/** What an orchestrator's probes ask. */
const openPaths: ReadonlySet<string> = new Set(['/healthz', '/readyz']);

const grants = new WeakMap<FastifyRequest, Grant>();

export type AccessHands = {
  /** Undefined: everybody may ask anything. */
  tokens?: TokenBook | undefined;
  /** Refuses a `Host` that is no name of this machine. */
  loopbackNamesOnly?: boolean;
  log: Logger;
  metrics: Metrics;
};

/** Refuses whoever may not ask, before anything else of the request is looked at. */
export function guardAccess(
  app: FastifyInstance,
  { tokens, loopbackNamesOnly, log, metrics }: AccessHands,
): void {
  const refusals = metrics.counter('http_refused_total', 'Requests of those who may not ask', [
    'reason',
  ]);
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-content-type-options', 'nosniff');
    if (loopbackNamesOnly === true && !isLoopback(request.hostname.replace(/^\[|\]$/g, ''))) {
      refusals.inc({ reason: 'host' });
      refuseHost(request, reply);
      return;
    }
    if (tokens === undefined || openPaths.has(request.routeOptions.url ?? '')) {
      done();
      return;
    }
    const token = tokenOf(request);
    const grant = token === undefined ? undefined : tokens.grantOf(token);
    if (grant === undefined) {
      const reason = token === undefined ? 'no-token' : 'bad-token';
      refusals.inc({ reason });
      // Neither the token nor its hash: a log is read by many.
      log.debug(
        { ip: request.ip, method: request.method, path: pathOf(request), reason },
        'refused',
      );
      refuseCaller(reply, reason);
      return;
    }
    grants.set(request, grant);
    done();
  });
}

/** What the caller may see; undefined: everything. */
export const scopeOfRequest = (request: FastifyRequest): Scope | undefined =>
  grants.get(request)?.scope;

/** Who the caller is, and what ends the streams that it opens. */
export const grantOfRequest = (request: FastifyRequest): Grant | undefined => grants.get(request);

function tokenOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +([^\s]{1,4096})$/i.exec(headers.authorization ?? '')?.[1];
}

const pathOf = ({ url }: FastifyRequest): string => url.split('?')[0] ?? '';

function refuseCaller(reply: FastifyReply, reason: 'no-token' | 'bad-token'): void {
  const error = reason === 'bad-token' ? ', error="invalid_token"' : '';
  void reply.header('www-authenticate', `Bearer realm="virtscope"${error}`);
  sendProblem(reply, {
    type: problemTypes.unauthorized,
    title: 'A token is needed',
    status: 401,
    detail:
      reason === 'no-token'
        ? 'send `Authorization: Bearer TOKEN`'
        : 'this token does not count: it is unknown here, was taken back, or has expired',
  });
}

function refuseHost(request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(reply, {
    type: problemTypes.invalidRequest,
    title: 'The request was meant for somebody else',
    status: 421,
    detail: `Host: ${request.hostname} is no name of this machine's loopback, and without tokens nobody else is answered`,
  });
}
