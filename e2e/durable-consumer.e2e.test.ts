/** The durable consumers of `examples`, killed while events come: nothing is lost to it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { eventDataSchema, eventId, subjects } from '@virtscope/contracts';
import {
  ServerProcess,
  startNats,
  startService,
  startSimulatedDaemon,
  tempDir,
  waitFor,
} from '@virtscope/testkit';
import { expect, test } from 'vitest';

const examples = resolve(import.meta.dirname, '../examples');
const programs = [
  { language: 'TypeScript', command: process.execPath, file: 'src/durable-consumer.ts' },
  { language: 'Python', command: 'python3', file: 'durable_consumer.py' },
];

test.each(programs)(
  'a durable consumer in $language, killed in a burst, gets every event',
  async ({ command, file }) => {
    await using dir = await tempDir('vs-durable-');
    await using daemon = await startSimulatedDaemon({
      socketPath: join(dir.path, 'sim.sock'),
      hostname: 'sim1.test',
      domains: 20,
    });
    await using nats = await startNats();
    const fleetFile = join(dir.path, 'fleet.yaml');
    writeFileSync(
      fleetFile,
      `hosts:\n  - { id: sim1, uri: "${daemon.uri}", identity: hostname }\n`,
    );
    await using nc = await connect({ servers: nats.url });
    const sent = new Set<string>();
    let ended = false;
    nc.subscribe(subjects.eventsOfAll, {
      callback: (_error, message) => {
        const event = eventDataSchema.parse(message.json());
        if (event.phase === 'end') ended = true;
        if (event.uuid !== undefined && ended) sent.add(eventId(event));
      },
    });
    await nc.flush();
    await using _bridge = await startService({
      name: 'event-bridge',
      dir: dir.path,
      fleetFile,
      natsUrl: nats.url,
      redisUrl: 'redis://127.0.0.1:1',
    });
    await waitFor(() => ended, { what: 'the first sync', timeoutMs: 30_000 });

    const logFile = join(dir.path, 'consumer.log');
    const lines = (): string[] => readFileSync(logFile, 'utf8').split('\n').filter(Boolean);
    const heard = (): Set<string> => new Set(lines().map((line) => line.split(' ')[0] ?? ''));
    const start = async (): Promise<ServerProcess> => {
      const starts = readiness();
      const consumer = await ServerProcess.start({
        what: 'the consumer',
        command,
        args: [join(examples, file), 'orchestrator'],
        env: { NATS_URL: nats.url, NATS_HOST: '127.0.0.1', NATS_PORT: String(nats.port) },
        logFile,
      });
      await consumer.ready(() => readiness() > starts, { timeoutMs: 30_000 });
      return consumer;
    };
    const readiness = (): number => {
      try {
        return lines().filter((line) => line === 'ready').length;
      } catch {
        return 0; // it has no log yet
      }
    };
    const burst = (): void => {
      for (let n = 1; n <= 20; n++) {
        const name = `vm${String(n).padStart(5, '0')}`;
        daemon.suspend(name);
        daemon.resume(name);
      }
    };

    const first = await start();
    burst();
    await waitFor(() => heard().size > 1, { what: 'the first event', timeoutMs: 30_000 });
    await first.end('SIGKILL');
    burst();
    await waitFor(() => sent.size >= 80, { what: 'all events on the bus', timeoutMs: 30_000 });
    const second = await start();
    await waitFor(() => sent.difference(heard()).size === 0, {
      what: 'every event at the consumer',
      timeoutMs: 45_000,
    });
    await second.end('SIGTERM');
    expect(sent.size).toBe(80);
    // Over its whole life nothing came that was not sent after it began.
    expect([...heard().difference(sent)]).toEqual(['ready']);
  },
);
