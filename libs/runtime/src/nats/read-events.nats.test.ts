import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { eventsStream, subjects } from '@virtscope/contracts';
import { startNats } from '@virtscope/testkit';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { readEvents } from './read-events.ts';

const uuid = '00000000-0000-0000-0000-000000000001';

test('events are read by host, domain and kind, page after page, from a place or a moment', async () => {
  await using nats = await startNats();
  const nc = await connect({ servers: nats.url });
  try {
    const jsm = await jetstreamManager(nc);
    await jsm.streams.add({ name: eventsStream.name, subjects: [...eventsStream.subjects] });
    const js = jetstream(nc);
    for (const host of ['hv1', 'hv2', 'hv1', 'hv1']) {
      await js.publish(subjects.event(host, 'domain', uuid, 'started'), 'x');
    }
    await js.publish(subjects.event('hv1', 'host', 'hv1', 'gap'), 'x');
    const seqs = async (
      where: Parameters<typeof subjects.eventsWhere>[0],
      more: { after?: number; since?: string; limit?: number } = {},
    ): Promise<[number[], boolean]> => {
      const page = await readEvents(nc, {
        filter: subjects.eventsWhere(where),
        limit: 100,
        ...more,
      });
      expect(page.firstSeq).toBe(1);
      expect(Math.abs(Date.now() - (page.firstMs ?? 0))).toBeLessThan(60_000);
      return [page.events.map(({ seq }) => seq), page.more];
    };
    expect(await seqs({})).toEqual([[1, 2, 3, 4, 5], false]);
    expect(await seqs({ host: 'hv2' })).toEqual([[2], false]);
    expect(await seqs({ uuid, host: 'hv1' }, { limit: 2 })).toEqual([[1, 3], true]);
    expect(await seqs({ uuid, host: 'hv1' }, { after: 3 })).toEqual([[4], false]);
    expect(await seqs({ kind: 'gap' })).toEqual([[5], false]);
    expect(await seqs({}, { since: new Date(Date.now() + 60_000).toISOString() })).toEqual([
      [],
      false,
    ]);
  } finally {
    await nc.close();
  }
});
