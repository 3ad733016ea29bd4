import {
  canMigrateQuerySchema,
  canMigrateSchema,
  domainParamsSchema,
  maxPlacementBytes,
  placementAnswerSchema,
  placementBodySchema,
  type Needs,
  type Reason,
  type Verdict,
} from '@virtscope/contracts';
import { DomainXmlError, parseDomainXml } from '@virtscope/domain-xml';
import {
  Asking,
  candidate,
  candidatesFor,
  hostsAskedFor,
  needsOf,
  ownRow,
  questionsOf,
  type HostFacts,
} from '@virtscope/view';
import { whenReady } from './answering.ts';
import { sendJson } from './body.ts';
import { hiddenHost, type CapabilityHands } from './capability-routes.ts';
import { documented } from './documented.ts';
import { invalid, problemOf, sendProblem, type ProblemDetails } from './problem.ts';
import type { App } from './server.ts';

/** Which hosts can run something: their capabilities, joined with what they have free. */
export function placementRoutes(app: App, hands: CapabilityHands): void {
  app.post(
    '/v1/placement',
    {
      // JSON writes some characters of an XML with a backslash.
      bodyLimit: 2 * maxPlacementBytes,
      schema: documented(
        {
          tag: 'fleet',
          summary: 'The hosts that can run a domain, with reasons for and against',
          description:
            'Asked with needs, with the UUID of a domain of the fleet, or with XML. What would tell but is missing makes a verdict `unknown`, never `yes`.',
          answer: placementAnswerSchema,
        },
        { body: placementBodySchema },
      ),
    },
    async ({ body }, reply) => {
      const asking = await whenReady(hands, reply, undefined);
      if (!(asking instanceof Asking)) return asking;
      const needs = needsOfBody(asking, body);
      if ('problem' in needs) return sendProblem(reply, needs.problem);
      const hosts = hostsAskedFor(asking, body);
      const factsOf = await hands.book.factsOf(hosts, questionsOf(needs.of), hands.signal);
      const all = candidatesFor(asking, needs.of, hosts, factsOf);
      const counts: Record<Verdict, number> = { yes: 0, no: 0, unknown: 0 };
      const candidates = all.filter(({ verdict }) => ++counts[verdict] <= body.limit);
      const { revision } = hands.view;
      return sendJson(reply, JSON.stringify({ needs: needs.of, candidates, counts, revision }));
    },
  );

  app.get(
    '/v1/domains/:uuid/can-migrate',
    {
      schema: documented(
        {
          tag: 'domains',
          summary: 'Whether the domain can move to a host, with reasons for and against',
          answer: canMigrateSchema,
        },
        { params: domainParamsSchema, querystring: canMigrateQuerySchema },
      ),
    },
    async ({ params: { uuid }, query: { to } }, reply) => {
      const asking = await whenReady(hands, reply, undefined);
      if (!(asking instanceof Asking)) return asking;
      const hidden = hiddenHost(hands, reply, to);
      if (hidden !== undefined) return hidden;
      const row = ownRow(asking, uuid);
      if (!('seq' in row)) return sendProblem(reply, problemOf(row));
      if (!asking.view.hosts.wanted.has(to)) {
        return sendProblem(
          reply,
          problemOf({ kind: 'absent', detail: `no host ${to} in the inventory` }),
        );
      }
      const needs = needsOfRow(row);
      if ('problem' in needs) return sendProblem(reply, needs.problem);
      const from = row.host;
      const factsOf = await hands.book.factsOf([from, to], questionsOf(needs.of), hands.signal);
      const move = judgeMove(from, to, factsOf(from), factsOf(to));
      const judged = candidate(asking, needs.of, to, factsOf(to), move);
      const { revision } = hands.view;
      return sendJson(reply, JSON.stringify({ uuid, from, ...judged, needs: needs.of, revision }));
    },
  );
}

type FoundNeeds = { of: Needs } | { problem: ProblemDetails };

function needsOfBody(
  asking: Asking,
  {
    needs,
    uuid,
    xml,
  }: { needs?: Needs | undefined; uuid?: string | undefined; xml?: string | undefined },
): FoundNeeds {
  if (needs !== undefined) return { of: needs };
  if (uuid !== undefined) {
    const row = ownRow(asking, uuid);
    return 'seq' in row ? needsOfRow(row) : { problem: problemOf(row) };
  }
  try {
    return { of: needsOf(parseDomainXml(xml ?? '')) };
  } catch (error) {
    if (!(error instanceof DomainXmlError)) throw error;
    return { problem: invalid(`xml: ${error.message}`) };
  }
}

function needsOfRow({
  uuid,
  host,
  config,
}: Extract<ReturnType<typeof ownRow>, { seq: number }>): FoundNeeds {
  if (config !== undefined) return { of: needsOf(config) };
  const detail = `the configuration of ${uuid} on ${host} has not been read yet`;
  return { problem: problemOf({ kind: 'unknown', detail, unreachable: [host] }) };
}

/** What a move asks for beside a place: another host, and a way to get there. */
function judgeMove(from: string, to: string, here: HostFacts, there: HostFacts): Reason[] {
  if (from === to) return [{ check: 'migration', verdict: 'no', detail: `it is on ${to} already` }];
  if (!('document' in here.capabilities) || !('document' in there.capabilities)) {
    const missing = 'document' in here.capabilities ? to : from;
    const detail = `how ${missing} can migrate is not known`;
    return [{ check: 'migration', verdict: 'unknown', detail }];
  }
  const ways = new Set(there.capabilities.document.migrationTransports);
  const shared = here.capabilities.document.migrationTransports.filter((way) => ways.has(way));
  return shared.length > 0
    ? [{ check: 'migration', verdict: 'yes', detail: `by ${shared.join(', ')}` }]
    : [{ check: 'migration', verdict: 'no', detail: 'the hosts have no transport in common' }];
}
