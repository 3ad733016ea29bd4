import {
  batchQuerySchema,
  domainBatchSchema,
  listDomainsQuerySchema,
  selectedDomainListSchema,
  summaryQuerySchema,
  summarySchema,
  usageQuerySchema,
  usageSchema,
  uuidPattern,
  lookupQuerySchema,
  migrationsSchema,
} from '@virtscope/contracts';
import {
  Asking,
  findUsage,
  listMigrations,
  freshnessOf,
  getBatch,
  hostsInScope,
  listDomains,
  maxBatch,
  readFields,
  readFilter,
  readOrder,
  readPaths,
  shownBy,
  streamDomains,
  summarise,
  type Answer,
  type ListQuery,
  type Used,
} from '@virtscope/view';
import { Readable, addAbortSignal } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { z } from 'zod';
import { grantOfRequest } from './access.ts';
import { sendAnswer, whenReady, type AnsweringHands } from './answering.ts';
import { documented } from './documented.ts';
import { invalid, sendProblem } from './problem.ts';
import type { App } from './server.ts';

const ndjson = 'application/x-ndjson';

/** A stream gives the network what it has whenever it has this much. */
const chunkLength = 64 * 1024;

/** Questions about many domains. */
export function listRoutes(app: App, hands: AnsweringHands): void {
  app.get(
    '/v1/domains',
    {
      schema: documented(
        {
          tag: 'domains',
          summary: 'Domains by filter and order, page by page',
          description: `With \`Accept: ${ndjson}\` every row of the filter comes as a line of JSON; the last line has \`complete\`, \`revision\` and \`unreachable\`.`,
          answer: selectedDomainListSchema,
        },
        { querystring: listDomainsQuerySchema },
      ),
    },
    ({ query, headers }, reply) => {
      const read = readList(query);
      if (!read.ok) return sendProblem(reply, invalid(read.reason));
      const { list } = read;
      if (headers.accept?.includes(ndjson) === true) {
        return streamList(hands, reply, list, query.minRevision);
      }
      return sendAnswer(hands, reply, {
        minRevision: query.minRevision,
        ask: (asking) => listDomains(asking, list),
        tag: (asking) => {
          const { filter, order, projection } = list;
          const { stats } = shownBy(filter, order, projection);
          // An expression may look at any host: only typed hosts narrow what the tag covers.
          return freshnessOf(asking, hostsInScope(asking, filter), { stats, question: '' });
        },
      });
    },
  );

  app.get(
    '/v1/domains/batch',
    {
      schema: documented(
        {
          tag: 'domains',
          summary: 'Many domains by their UUIDs',
          description: 'Of each missing one it says whether it is absent, or nobody can know.',
          answer: domainBatchSchema,
        },
        { querystring: batchQuerySchema },
      ),
    },
    ({ query: { uuid, fields, minRevision } }, reply) => {
      const uuids = uuid.toLowerCase().split(',');
      const read = fields === undefined ? undefined : readFields(fields);
      const wrong = uuids.find((each) => !uuidPattern.test(each));
      const reason =
        uuids.length > maxBatch
          ? `uuid: more than ${maxBatch}`
          : wrong !== undefined
            ? `uuid: ${JSON.stringify(wrong)} is no UUID`
            : read?.ok === false
              ? `fields: ${read.reason}`
              : undefined;
      if (reason !== undefined) return sendProblem(reply, invalid(reason));
      const projection = read?.ok === true ? read.projection : undefined;
      const ask = (asking: Asking): Answer => getBatch(asking, uuids, projection);
      return sendAnswer(hands, reply, { minRevision, ask });
    },
  );

  app.get(
    '/v1/summary',
    {
      schema: documented(
        { tag: 'fleet', summary: 'Counts and sums by any field', answer: summarySchema },
        { querystring: summaryQuerySchema },
      ),
    },
    ({ query }, reply) => {
      const filter = readFilter(query);
      const by = query.by === undefined ? nothing : readPaths(query.by);
      const sum = query.sum === undefined ? nothing : readPaths(query.sum);
      if (!filter.ok) return sendProblem(reply, invalid(filter.reason));
      if (!by.ok) return sendProblem(reply, invalid(`by: ${by.reason}`));
      if (!sum.ok) return sendProblem(reply, invalid(`sum: ${sum.reason}`));
      return sendAnswer(hands, reply, {
        minRevision: query.minRevision,
        ask: (asking) => summarise(asking, { filter: filter.filter, by: by.paths, sum: sum.paths }),
      });
    },
  );

  app.get(
    '/v1/migrations',
    {
      schema: documented(
        {
          tag: 'fleet',
          summary: 'Migrations under way, and how far they are',
          description: 'As the source tells its sampler, once in an interval of the monitor tier.',
          answer: migrationsSchema,
        },
        { querystring: lookupQuerySchema },
      ),
    },
    ({ query: { minRevision } }, reply) =>
      sendAnswer(hands, reply, { minRevision, ask: listMigrations }),
  );

  app.get(
    '/v1/usage',
    {
      schema: documented(
        {
          tag: 'fleet',
          summary: 'Is this disk, MAC, leased address, host device or name used by any domain?',
          answer: usageSchema,
        },
        { querystring: usageQuerySchema },
      ),
    },
    ({ query: { minRevision, ...used } }, reply) =>
      sendAnswer(hands, reply, {
        minRevision,
        // The schema holds that exactly one is named.
        ask: (asking) => findUsage(asking, used as Used),
      }),
  );
}

const nothing = { ok: true, paths: [] } as const;

type Read = { ok: true; list: ListQuery } | { ok: false; reason: string };

function readList(query: z.infer<typeof listDomainsQuerySchema>): Read {
  const { pageSize, pageToken, topK, maxAge } = query;
  const filter = readFilter(query);
  if (!filter.ok) return filter;
  const order = query.orderBy === undefined ? undefined : readOrder(query.orderBy);
  if (order?.ok === false) return { ok: false, reason: `orderBy: ${order.reason}` };
  const fields = query.fields === undefined ? undefined : readFields(query.fields);
  if (fields?.ok === false) return { ok: false, reason: `fields: ${fields.reason}` };
  if (topK !== undefined && (order === undefined || pageToken !== undefined)) {
    return { ok: false, reason: 'topK: it goes with orderBy, and without pageToken' };
  }
  return {
    ok: true,
    list: {
      filter: filter.filter,
      order: order?.order,
      projection: fields?.projection,
      pageSize,
      pageToken,
      topK,
      maxAgeMs: maxAge === undefined ? undefined : maxAge * 1_000,
      explain: query.explain === 'true',
    },
  };
}

/** Everything as lines: the caller's reading speed is the speed of the question. */
async function streamList(
  hands: AnsweringHands,
  reply: FastifyReply,
  { filter, order, projection, pageToken, topK, maxAgeMs }: ListQuery,
  minRevision: string | undefined,
): Promise<FastifyReply> {
  if ([order, pageToken, topK, maxAgeMs].some((each) => each !== undefined)) {
    const detail = 'a stream of lines has filter and fields alone, and no order, page or maxAge';
    return sendProblem(reply, invalid(detail));
  }
  const asking = await whenReady(hands, reply, minRevision);
  if (!(asking instanceof Asking)) return asking;
  const { slices, signal } = hands;
  async function* chunks(question: Asking): AsyncGenerator<string> {
    let lines = '';
    const sliced = streamDomains(question, { filter, projection }, (line) => (lines += line));
    for (let step = sliced.next(); step.done !== true; step = sliced.next()) {
      if (lines.length < chunkLength) continue;
      yield lines;
      lines = '';
      await slices.next(signal);
    }
    yield lines;
  }
  const lines = Readable.from(chunks(asking));
  const grant = grantOfRequest(reply.request);
  if (grant !== undefined) addAbortSignal(grant.signal, lines);
  return reply.type(`${ndjson}; charset=utf-8`).send(lines);
}
