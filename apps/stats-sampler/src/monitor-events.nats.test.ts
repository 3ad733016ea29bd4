import { Health, Metrics, connectNats, createLogger, ensureBus, readEnv } from '@virtscope/runtime';
import { EventPublisher, systemClock as clock } from '@virtscope/runtime';
import { startNats, waitFor } from '@virtscope/testkit';
import { expect, test } from 'vitest';
import { MonitorEvents } from './monitor-events.ts';

const domain = { uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f', id: 4, name: 'vm' };

test('a sampler that takes over knows whom the one before told stuck, and goes on from there', async () => {
  await using nats = await startNats();
  const stop = new AbortController();
  const { signal } = stop;
  const log = createLogger('stats-sampler', 'test', 'silent');
  const env = readEnv({ VIRTSCOPE_NATS_URL: nats.url });
  await using nc = await connectNats({ name: 'test', env, log, health: new Health(), signal });
  await ensureBus(nc, { clock, log, signal });
  const publisher = new EventPublisher(nc, { clock, log });
  const hands = { clock, log, metrics: new Metrics('stats-sampler'), publisher };
  const open = (): Promise<MonitorEvents> => MonitorEvents.open(nc, 'hv1', hands, signal);
  const acked = (): Promise<unknown> =>
    waitFor(() => publisher.unacked === 0, { what: 'the ack of the event' });

  const first = await open();
  expect([first.open, first.highestEpoch]).toEqual([[], 0]);
  first.tell({ type: 'tell', kind: 'monitor-stuck', domain }, 7, signal);
  await acked();
  const second = await open();
  expect([second.open, second.highestEpoch]).toEqual([[domain], 7]);
  second.tell({ type: 'tell', kind: 'monitor-recovered', domain, because: 'ended' }, 8, signal);
  await acked();
  const third = await open();
  expect([third.open, third.highestEpoch]).toEqual([[], 8]);
  stop.abort();
});
