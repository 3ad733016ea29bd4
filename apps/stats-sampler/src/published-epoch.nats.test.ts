import { statsStream, subjects } from '@virtscope/contracts';
import {
  Health,
  connectNats,
  createLogger,
  ensureBus,
  readEnv,
  systemClock,
} from '@virtscope/runtime';
import { startNats } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publishedEpoch, type Bus } from './published-epoch.ts';

const stack = new AsyncDisposableStack();
let nc: Bus;

beforeAll(async () => {
  const nats = stack.use(await startNats());
  const log = createLogger('stats-sampler', 'test', 'silent');
  const { signal } = new AbortController();
  const env = readEnv({ VIRTSCOPE_NATS_URL: nats.url });
  nc = stack.use(
    await connectNats({ name: 'stats-sampler', env, log, health: new Health(), signal }),
  );
  await ensureBus(nc, { clock: systemClock, log, signal });
});

afterAll(() => stack.disposeAsync());

/** Publishes and waits until the stream has it. */
async function store(subject: string, payload: string): Promise<void> {
  await nc.request(subject, payload);
}

test('a host without pages stands at 0', async () => {
  expect(await publishedEpoch(nc, 'hv1')).toBe(0);
});

test('the higher epoch of both tiers counts, and no other host', async () => {
  await store(subjects.stats('hv2', 'fast', 0), JSON.stringify({ epoch: 7 }));
  await store(subjects.stats('hv2', 'monitor', 0), JSON.stringify({ epoch: 9 }));
  await store(subjects.stats('hv3', 'fast', 0), JSON.stringify({ epoch: 11 }));
  expect(await publishedEpoch(nc, 'hv2')).toBe(9);
});

test.each(['not JSON', '{"epoch":-1}', '{"epoch":1e300}', ''])(
  'a message that is no page (%s) counts as none',
  async (payload) => {
    await store(subjects.stats('hv4', 'fast', 0), payload);
    expect(await publishedEpoch(nc, 'hv4')).toBe(0);
  },
);

test('a bus without the stream is an error, not an epoch', async () => {
  await nc.request(`$JS.API.STREAM.DELETE.${statsStream.name}`);
  await expect(publishedEpoch(nc, 'hv2')).rejects.toThrow(statsStream.name);
});
