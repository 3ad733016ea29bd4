import {
  capabilityMatrixSchema,
  commonCpuBodySchema,
  commonCpuSchema,
  driftQuerySchema,
  driftSchema,
  emulatorChoiceSchema,
  hostCapabilitiesHistorySchema,
  hostCapabilitiesSchema,
  hostCpuModelsSchema,
  hostDomainCapabilitiesSchema,
  hostParamsSchema,
  matrixQuerySchema,
  noQuerySchema,
  problemTypes,
  type FactDocument,
  type FactQuestion,
  type HostId,
} from '@virtscope/contracts';
import { Asking, driftOf, everything, findHost, hostsAskedFor, matrixOf } from '@virtscope/view';
import type { FastifyReply } from 'fastify';
import type { CapsBook, CapsSource } from '../caps-book.ts';
import { moment, whenReady, type AnsweringHands } from './answering.ts';
import { sendJson } from './body.ts';
import { documented } from './documented.ts';
import { problemOf, sendProblem, unavailable } from './problem.ts';
import type { App } from './server.ts';

/** How long caps-cache has to answer. */
const capsTimeoutMs = 2_000;
/** A baseline of CPUs may have to ask for many hosts first. */
const commonCpuTimeoutMs = 8_000;

export type CapabilityHands = AnsweringHands & {
  caps: CapsSource;
  book: CapsBook;
};

/** What hosts can run, from caps-cache. */
export function capabilityRoutes(app: App, hands: CapabilityHands): void {
  const params = hostParamsSchema;

  app.get(
    '/v1/hosts/:host/capabilities',
    {
      schema: documented(
        { tag: 'hosts', summary: 'What the host can run', answer: hostCapabilitiesSchema },
        { params, querystring: noQuerySchema },
      ),
    },
    async ({ params: { host } }, reply) => {
      const hidden = hiddenHost(hands, reply, host);
      if (hidden !== undefined) return hidden;
      const answer = await hands.caps.capabilities(host, capsTimeoutMs);
      if (answer.kind === 'unavailable') return capsUnavailable(reply, answer.reason);
      if (!answer.reply.ok) return refused(hands, reply, host, answer.reply);
      const { ok: _ok, v: _v, document: capabilities, ...rest } = answer.reply;
      return sendJson(reply, JSON.stringify({ ...rest, capabilities }));
    },
  );

  app.get(
    '/v1/hosts/:host/capabilities/history',
    {
      schema: documented(
        {
          tag: 'hosts',
          summary: 'What the host was before its capabilities changed',
          answer: hostCapabilitiesHistorySchema,
        },
        { params, querystring: noQuerySchema },
      ),
    },
    async ({ params: { host } }, reply) => {
      const hidden = hiddenHost(hands, reply, host);
      if (hidden !== undefined) return hidden;
      const answer = await hands.caps.history(host, capsTimeoutMs);
      if (answer.kind === 'unavailable') return capsUnavailable(reply, answer.reason);
      if (!answer.reply.ok) return refused(hands, reply, host, answer.reply);
      return sendJson(reply, JSON.stringify({ host, history: answer.reply.history }));
    },
  );

  /** A fact of one host, its document under `name`. */
  const sendFact = async (
    reply: FastifyReply,
    host: HostId,
    question: FactQuestion,
    name: string,
  ): Promise<FastifyReply> => {
    const hidden = hiddenHost(hands, reply, host);
    if (hidden !== undefined) return hidden;
    const answer = await hands.caps.fact(host, question, capsTimeoutMs);
    if (answer.kind === 'unavailable') return capsUnavailable(reply, answer.reason);
    if (!answer.reply.ok) return refused(hands, reply, host, answer.reply);
    const { hash, standing, observedAt } = answer.reply;
    const document: FactDocument = answer.reply.document;
    return sendJson(reply, JSON.stringify({ host, hash, standing, observedAt, [name]: document }));
  };

  app.get(
    '/v1/hosts/:host/cpu-models',
    {
      schema: documented(
        {
          tag: 'hosts',
          summary: "Which CPU models the host's CPU can be",
          description: "By libvirt's own compare of each model that it knows, for KVM.",
          answer: hostCpuModelsSchema,
        },
        { params, querystring: noQuerySchema },
      ),
    },
    ({ params: { host } }, reply) => sendFact(reply, host, { type: 'cpu-models' }, 'cpuModels'),
  );

  app.get(
    '/v1/hosts/:host/domain-capabilities',
    {
      schema: documented(
        {
          tag: 'hosts',
          summary: 'What domains of an emulator of the host can have',
          description:
            'Needs writable sessions of caps-cache (`VIRTSCOPE_DOMAIN_CAPABILITIES=on`). What nobody asked for before is answered 503 with `retry-after`, and one probe is made for all hosts of the kind.',
          answer: hostDomainCapabilitiesSchema,
        },
        { params, querystring: emulatorChoiceSchema },
      ),
    },
    ({ params: { host }, query: emulator }, reply) =>
      sendFact(reply, host, { type: 'domain', emulator }, 'domainCapabilities'),
  );

  app.get(
    '/v1/capabilities/matrix',
    {
      schema: documented(
        {
          tag: 'fleet',
          summary: 'Which machine types, CPU models and versions there are, and where',
          answer: capabilityMatrixSchema,
        },
        { querystring: matrixQuerySchema },
      ),
    },
    async ({ query: { names } }, reply) => {
      const asking = await whenReady(hands, reply, undefined);
      if (!(asking instanceof Asking)) return asking;
      const hosts = hostsAskedFor(asking, {});
      const factsOf = await hands.book.factsOf(hosts, { cpuModels: true }, hands.signal);
      const { revision } = hands.view;
      return sendJson(reply, JSON.stringify({ ...matrixOf(hosts, factsOf, names), revision }));
    },
  );

  app.get(
    '/v1/capabilities/drift',
    {
      schema: documented(
        {
          tag: 'fleet',
          summary: 'Hosts that differ from most of their group, and in what',
          answer: driftSchema,
        },
        { querystring: driftQuerySchema },
      ),
    },
    async ({ query: { label } }, reply) => {
      const asking = await whenReady(hands, reply, undefined);
      if (!(asking instanceof Asking)) return asking;
      const hosts = hostsAskedFor(asking, {});
      const factsOf = await hands.book.factsOf(hosts, { cpuModels: false }, hands.signal);
      const { wanted } = hands.view.hosts;
      const valueOf = (host: HostId): string | null =>
        label === undefined ? null : (wanted.get(host)?.labels[label] ?? null);
      const groups = driftOf(hosts, factsOf, valueOf);
      return sendJson(reply, JSON.stringify({ groups, revision: hands.view.revision }));
    },
  );

  app.post(
    '/v1/capabilities/common-cpu',
    {
      bodyLimit: 64 * 1024,
      schema: documented(
        {
          tag: 'fleet',
          summary: 'The best CPU that all of the hosts can be',
          description:
            "By libvirt's baseline of the hosts' CPUs: for KVM, and before what their emulators can do.",
          answer: commonCpuSchema,
        },
        { body: commonCpuBodySchema },
      ),
    },
    async ({ body: { hosts } }, reply) => {
      for (const host of hosts) {
        const hidden = hiddenHost(hands, reply, host);
        if (hidden !== undefined) return hidden;
      }
      const answer = await hands.caps.commonCpu(hosts, commonCpuTimeoutMs);
      if (answer.kind === 'unavailable') return capsUnavailable(reply, answer.reason);
      if (answer.reply.ok) {
        const { ok: _ok, v: _v, ...common } = answer.reply;
        return sendJson(reply, JSON.stringify(common));
      }
      const { code, message, retryAfterMs } = answer.reply;
      if (code === 'none')
        return sendProblem(reply, problemOf(absent(`no common CPU: ${message}`)));
      if (code === 'unknown-host') return sendProblem(reply, problemOf(absent(message)));
      return capsUnavailable(reply, message, retryAfterMs);
    },
  );
}

/** The refusal that was sent when the caller may not know of the host. */
export function hiddenHost(
  { scopeOf }: AnsweringHands,
  reply: FastifyReply,
  host: HostId,
): FastifyReply | undefined {
  const scope = scopeOf?.(reply.request) ?? everything;
  if (scope.host(host)) return undefined;
  return sendProblem(reply, problemOf(absent(`no host ${host} in the inventory`)));
}

const absent = (detail: string): { kind: 'absent'; detail: string } => ({ kind: 'absent', detail });

function refused(
  hands: AnsweringHands,
  reply: FastifyReply,
  host: HostId,
  {
    code,
    message,
    retryAfterMs,
  }: { code: string; message: string; retryAfterMs?: number | undefined },
): FastifyReply {
  if (code === 'unknown-host') {
    // Whether there is such a host is the inventory's to say, not the cache's.
    const known = findHost(new Asking(hands.view, moment(hands.clock)), host);
    if (known.kind === 'absent') return sendProblem(reply, problemOf(known));
  }
  if (code === 'refused') return sendProblem(reply, problemOf(absent(message)));
  if (code === 'switched-off') {
    const { unavailable: type } = problemTypes;
    return sendProblem(reply, { type, title: 'Switched off', status: 501, detail: message });
  }
  return capsUnavailable(reply, message, retryAfterMs);
}

function capsUnavailable(
  reply: FastifyReply,
  detail: string,
  retryAfterMs: number = 1_000,
): FastifyReply {
  const problem = unavailable('The capabilities are not available now', detail);
  return sendProblem(reply, problem, Math.max(1, Math.ceil(retryAfterMs / 1000)));
}
