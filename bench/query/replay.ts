/** A new replica on a full bus, beside a consumer that only counts. */
import { readFileSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import { buckets, stateStream, subjects } from '@virtscope/contracts';
import { createLogger, ensureBus, systemClock } from '@virtscope/runtime';
import { startNats, startService, tempDir, waitFor } from '@virtscope/testkit';
import {
  beat,
  bytesOf,
  inventory,
  mark,
  page,
  presence,
  record,
  stateSubject,
  type Fleet,
} from './fleet.ts';

const inFlight = 512;

export async function replay(
  fleet: Fleet,
): Promise<{ readyMs: number; bareMs: number; rssMiB: number }> {
  await using dir = await tempDir('vs-bench-');
  await using nats = await startNats();
  const nc = await connect({ servers: nats.url });
  const stop = new AbortController();
  const signal = stop.signal;
  try {
    const log = createLogger('bench', 'bench', 'error');
    await ensureBus(nc, { clock: systemClock, log, signal });
    const js = jetstream(nc);
    let waiting: Promise<unknown>[] = [];
    const publish = async (subject: string, body: unknown): Promise<void> => {
      waiting.push(js.publish(subject, bytesOf(body), { timeout: 30_000 }));
      if (waiting.length < inFlight) return;
      await Promise.all(waiting);
      waiting = [];
    };
    for (let n = 0; n < fleet.domains; n++) {
      const row = presence(fleet, n);
      await publish(stateSubject(row), row);
    }
    const entries = inventory(fleet);
    const kv = await new Kvm(nc).open(buckets.hosts);
    for (const [host, each] of entries.entries()) {
      await publish(subjects.hostRecord(each.id), record(each.id));
      for (const tier of ['fast', 'monitor'] as const) {
        await publish(subjects.stats(each.id, tier, 0), page(fleet, host, tier, 1));
      }
      await kv.put(each.id, JSON.stringify(each));
    }
    await Promise.all(waiting);
    const { key, value } = mark(entries);
    await kv.put(key, JSON.stringify(value));
    const jsm = await jetstreamManager(nc);
    const { state } = await jsm.streams.info(stateStream.name);
    setInterval(() => {
      nc.publish(subjects.heartbeat('event-bridge', 'bench'), bytesOf(beat(fleet, state.last_seq)));
    }, 2_000).unref();

    const countedMs = performance.now();
    await readBare();
    const bareMs = performance.now() - countedMs;

    const startedMs = performance.now();
    await using service = await startService({
      name: 'query-api',
      dir: dir.path,
      fleetFile: '/dev/null',
      natsUrl: nats.url,
      redisUrl: 'redis://127.0.0.1:1',
      env: { VIRTSCOPE_LOG_LEVEL: 'warn' },
    });
    const ready = async (): Promise<boolean> => (await fetch(`${service.url}/readyz`)).ok;
    await waitFor(ready, { what: 'the replica to be ready', timeoutMs: 120_000, intervalMs: 20 });
    const readyMs = performance.now() - startedMs;
    const kib = Number(
      /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))?.[1],
    );
    return { readyMs, bareMs, rssMiB: kib / 1_024 };

    /** The last message of every subject, counted as it comes: what NATS takes for it. */
    async function readBare(): Promise<void> {
      const inbox = `bench.${Date.now()}`;
      const all = Promise.withResolvers<void>();
      let count = 0;
      const wanted = fleet.domains + fleet.hosts;
      const subscription = nc.subscribe(inbox, {
        callback: (_error, message) => {
          if (message.headers?.code === 100) {
            if (message.reply !== undefined && message.reply !== '') message.respond();
            return;
          }
          if (++count === wanted) all.resolve();
        },
      });
      await jsm.consumers.add(stateStream.name, {
        deliver_subject: inbox,
        filter_subject: subjects.stateOfAll,
        ack_policy: 'none',
        deliver_policy: 'last_per_subject',
        flow_control: true,
        idle_heartbeat: 1_000_000_000,
        mem_storage: true,
      });
      await all.promise;
      subscription.unsubscribe();
    }
  } finally {
    stop.abort();
    await nc.close();
  }
}
