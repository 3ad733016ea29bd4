import { capsReplySchema, subjects, type CapsReply } from '@virtscope/contracts';
import { Metrics } from '@virtscope/runtime';
import { expect, test } from 'vitest';
import { CapsMetrics } from './caps-metrics.ts';
import { capsQuestion } from './caps-question.ts';
import { hostEndpoint, passedEndpoint } from './host-endpoint.ts';

const metrics = new Metrics('caps-cache');
const elsewhere: CapsReply = {
  v: 1,
  ok: false,
  host: 'elsewhere',
  code: 'unavailable',
  message: 'the other replica says so',
};
const question = capsQuestion({
  deskOf: () => undefined,
  isWanted: (host: string) => host === 'starting' || host === 'elsewhere',
  passOn: (host: string) => (host === 'elsewhere' ? Promise.resolve(elsewhere) : undefined),
  metrics: new CapsMetrics(metrics),
});
const toAny = hostEndpoint(question);
const toOne = passedEndpoint('replica-1', question);

async function ask(
  subject: string,
  body: string,
  endpoint = toAny,
): Promise<{ reply: object; code?: number }> {
  const data = new TextEncoder().encode(body);
  const { body: text, error } = await endpoint.handle({ subject, data } as Parameters<
    typeof endpoint.handle
  >[0]);
  const reply = capsReplySchema.parse(JSON.parse(String(text)));
  return { reply, ...(error === undefined ? {} : { code: error.code }) };
}

test('a wanted host that nobody watches yet is unavailable for a moment, and not unknown', async () => {
  expect(await ask(subjects.capsOfHost('starting'), '')).toMatchObject({
    reply: { ok: false, code: 'unavailable', retryAfterMs: 1_000 },
    code: 503,
  });
});

test('a host that another replica has is asked of that one, and a question is passed on once', async () => {
  const asked = await ask(subjects.capsOfHost('elsewhere'), '');
  expect(asked.reply).toEqual(elsewhere);
  const passed = await ask(subjects.capsOfReplica('replica-1', 'elsewhere'), '', toOne);
  expect(passed.reply).toMatchObject({
    host: 'elsewhere',
    message: 'elsewhere is only now being watched',
  });
});

test('the body of a newer asker, an object with what we do not know, is taken', async () => {
  expect(await ask(subjects.capsOfHost('starting'), '{"v":2}')).toMatchObject({
    reply: { code: 'unavailable' },
  });
});

test('the pseudo host of the fleet is no host', async () => {
  expect(await ask('virt.v1.caps.host._fleet', '')).toMatchObject({
    reply: { code: 'unknown-host', host: '_fleet' },
    code: 404,
  });
});

test('a subject and a host of any length make a reply that fits the contract', async () => {
  expect(await ask(`virt.v1.caps.host.${'x'.repeat(5_000)}`, '')).toMatchObject({
    reply: { code: 'bad-request' },
    code: 400,
  });
});

test('every answer is counted by its outcome', async () => {
  expect(await metrics.registry.metrics()).toMatch(
    /virtscope_caps_answers_total\{outcome="unknown-host",service="caps-cache"\} 1/,
  );
});
