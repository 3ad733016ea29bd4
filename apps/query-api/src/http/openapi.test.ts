import fc from 'fast-check';
import { expect, test } from 'vitest';
import { uuidOf } from '../bus.fixture.ts';
import { Bench } from './bench.fixture.ts';

type Parameter = {
  name: string;
  in: 'query' | 'path';
  required?: boolean;
  schema: { type?: string; enum?: unknown[]; examples?: unknown[] };
  examples?: Record<string, { value: unknown }>;
};
type Operation = {
  summary?: string;
  parameters?: Parameter[];
  responses: Record<
    string,
    { description?: string; content?: Record<string, { schema: unknown }> }
  >;
};
type Method = 'get' | 'post';
type Document = { openapi: string; paths: Record<string, Partial<Record<Method, Operation>>> };

const operationsOf = ({ paths }: Document): { path: string; method: Method; told: Operation }[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, told]) => ({ path, method: method as Method, told })),
  );

async function documentOf(bench: Bench): Promise<Document> {
  const { body, status } = await bench.get('/openapi.json');
  expect(status).toBe(200);
  return body as Document;
}

const endless = '/v1/watch';

test('OpenAPI tells of every question, its parameters and its errors', async () => {
  const bench = Bench.filled();
  const document = await documentOf(bench);
  expect(document.openapi).toBe('3.1.0');
  const { questions } = (await bench.get('/')).body as { questions: string[] };
  const told = Object.keys(document.paths).map((path) => path.replaceAll(/\{[^}]*\}/g, '{}'));
  for (const question of questions) {
    const [path = ''] = question.replace(/^POST /, '').split('?');
    if (path === '/openapi.json') continue;
    expect(told).toContain(path.replaceAll(/\{[^}]*\}/g, '{}'));
  }
  for (const { path, told: operation } of operationsOf(document)) {
    if (!path.startsWith('/v1/')) continue;
    expect(operation.summary).toBeTypeOf('string');
    for (const status of ['400', '503']) {
      expect(operation.responses[status]?.description).toBeTypeOf('string');
      expect(JSON.stringify(operation.responses[status])).toContain('Problem');
    }
    const types = Object.keys(operation.responses['200']?.content ?? {});
    const wanted = path.endsWith('/xml') ? 'application/xml' : 'application/json';
    expect(types).toEqual(path === endless ? [] : [wanted]);
  }
  expect(JSON.stringify(document)).toContain('stats.cpu.time desc, name');
});

const wild = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ maxLength: 20, unit: 'binary' }),
  fc.constantFrom('', '0', '-1', '1e9', 'NaN', 'true', 'null', '[]', '../..', '%00', '\u0000', 'é'),
  fc.constantFrom('hv1', 'hv2', uuidOf(1), uuidOf(9), 'running', 'vm-1', '1', 'bWFk'),
  fc.constantFrom('name == "vm-1"', 'stats.cpu.time > 1', 'id', 'name desc', 'stats.*', 'labels'),
);

function valueOf({ schema }: Parameter): fc.Arbitrary<string> {
  const examples = [...(schema.examples ?? []), ...(schema.enum ?? [])].map(String);
  return examples.length === 0 ? wild : fc.oneof(wild, fc.constantFrom(...examples));
}

const needs = fc.record(
  {
    arch: fc.constantFrom('x86_64', '', 'é'),
    machine: fc.constantFrom('q35', 'x'.repeat(200)),
    cpu: fc.constantFrom({}, { model: 'EPYC' }, { mode: 'maximum', features: ['a'] }, 7),
    vcpus: fc.constantFrom(1, 0, 1.5),
    memoryKiB: fc.constantFrom(0, 1e300, -1),
    stranger: fc.anything(),
  },
  { requiredKeys: [] },
);

/** What might be sent as a question, or be none. */
const body: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      needs,
      uuid: fc.constantFrom(uuidOf(1), uuidOf(9), 'none'),
      xml: fc.constantFrom('<domain/>', '<domain type="kvm"><vcpu>2</vcpu></domain>', '<', ''),
      hosts: fc.constantFrom([], ['hv1'], ['hv1', 'hv9'], ['no host'], 'hv1'),
      labels: fc.constantFrom({}, { zone: 'a' }, []),
      limit: fc.constantFrom(1, 0, 100_000),
    },
    { requiredKeys: [] },
  ),
  needs.map((each) => ({ needs: each })),
);

test('no request that its description allows, or forbids, breaks or hangs an endpoint', async () => {
  const bench = Bench.filled();
  const document = await documentOf(bench);
  const operations = operationsOf(document).filter(({ path }) => path !== endless);
  const request = fc.constantFrom(...operations).chain(({ path, method, told }) =>
    fc.record({
      path: fc.constant(path),
      method: fc.constant(method),
      payload: method === 'post' ? body : fc.constant(undefined),
      places: fc.record(
        Object.fromEntries(
          (told.parameters ?? [])
            .filter((each) => each.in === 'path')
            .map((each) => [each.name, valueOf(each)]),
        ),
      ),
      query: fc.record(
        Object.fromEntries(
          (told.parameters ?? [])
            .filter((each) => each.in === 'query')
            .map((each) => [each.name, valueOf(each)]),
        ),
        { requiredKeys: [] },
      ),
      stranger: fc.option(fc.tuple(wild, wild), { nil: undefined, freq: 8 }),
      headers: fc.record(
        {
          accept: fc.constantFrom('*/*', 'application/x-ndjson', 'text/html'),
          'if-none-match': fc.constantFrom('*', 'W/"x"', '"', ','),
          'accept-encoding': fc.constantFrom('gzip', 'zstd', 'br', ';;', '*'),
        },
        { requiredKeys: [] },
      ),
    }),
  );
  const known = [200, 304, 400, 404, 410, 414, 503];
  await fc.assert(
    fc.asyncProperty(
      request,
      async ({ path, method, payload, places, query, stranger, headers }) => {
        const filled = path.replaceAll(/\{([^}]*)\}/g, (_, name: string) =>
          encodeURIComponent((places[name] ?? 'x').toWellFormed()),
        );
        const search = new URLSearchParams(query as Record<string, string>);
        if (stranger !== undefined) search.append(...stranger);
        const url = `${filled}?${search.toString()}`;
        const sent = payload === undefined ? {} : { payload: JSON.stringify(payload) };
        const type = method === 'post' ? { 'content-type': 'application/json' } : {};
        const { statusCode, body: answered } = await bench.app.inject({
          url,
          method: method === 'post' ? 'POST' : 'GET',
          headers: { ...headers, ...type },
          ...sent,
        });
        expect({ url, sent, statusCode, known: known.includes(statusCode) }).toMatchObject({
          known: true,
        });
        const isProblem = statusCode >= 400;
        expect({ url, problem: answered.includes('urn:virtscope:problem:') }).toMatchObject({
          problem: isProblem,
        });
      },
    ),
    { numRuns: 1_500 },
  );
}, 120_000);
