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
type Document = { openapi: string; paths: Record<string, { get: Operation }> };

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
    const [path = ''] = question.split('?');
    if (path === '/openapi.json') continue;
    expect(told).toContain(path.replaceAll(/\{[^}]*\}/g, '{}'));
  }
  for (const [path, { get }] of Object.entries(document.paths)) {
    if (!path.startsWith('/v1/')) continue;
    expect(get.summary).toBeTypeOf('string');
    for (const status of ['400', '503']) {
      expect(get.responses[status]?.description).toBeTypeOf('string');
      expect(JSON.stringify(get.responses[status])).toContain('Problem');
    }
    const types = Object.keys(get.responses['200']?.content ?? {});
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

test('no request that its description allows, or forbids, breaks or hangs an endpoint', async () => {
  const bench = Bench.filled();
  const document = await documentOf(bench);
  const operations = Object.entries(document.paths).filter(([path]) => path !== endless);
  const request = fc.constantFrom(...operations).chain(([path, { get }]) =>
    fc.record({
      path: fc.constant(path),
      places: fc.record(
        Object.fromEntries(
          (get.parameters ?? [])
            .filter((each) => each.in === 'path')
            .map((each) => [each.name, valueOf(each)]),
        ),
      ),
      query: fc.record(
        Object.fromEntries(
          (get.parameters ?? [])
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
    fc.asyncProperty(request, async ({ path, places, query, stranger, headers }) => {
      const filled = path.replaceAll(/\{([^}]*)\}/g, (_, name: string) =>
        encodeURIComponent((places[name] ?? 'x').toWellFormed()),
      );
      const search = new URLSearchParams(query as Record<string, string>);
      if (stranger !== undefined) search.append(...stranger);
      const url = `${filled}?${search.toString()}`;
      const { statusCode, body } = await bench.app.inject({ url, headers });
      expect({ url, statusCode, known: known.includes(statusCode) }).toMatchObject({ known: true });
      const isProblem = statusCode >= 400;
      expect({ url, problem: body.includes('urn:virtscope:problem:') }).toMatchObject({
        problem: isProblem,
      });
    }),
    { numRuns: 1_500 },
  );
}, 120_000);
