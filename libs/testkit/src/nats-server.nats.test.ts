import { existsSync } from 'node:fs';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { remainsOfKilledOwner } from './killed-owner.ts';
import { startNats } from './nats-server.ts';
import { isAlive, signalProcess } from './process-ref.ts';
import { ServerStartError } from './server-process.ts';
import { tempDir } from './temp-dir.ts';
import { waitFor } from './wait-for.ts';

/** A stream's name is what survives a restart, or does not. */
async function streams(url: string): Promise<string[]> {
  const nc = await connect({ servers: url });
  try {
    const answer = await nc.request('$JS.API.STREAM.NAMES', '', { timeout: 5_000 });
    return answer.json<{ streams?: string[] | null }>().streams ?? [];
  } finally {
    await nc.close();
  }
}

async function addStream(url: string): Promise<void> {
  const nc = await connect({ servers: url });
  const config = { name: 'KEPT', subjects: ['kept.>'], storage: 'file' };
  await nc.request('$JS.API.STREAM.CREATE.KEPT', JSON.stringify(config), { timeout: 5_000 });
  await nc.close();
}

test('a started nats-server has JetStream and answers on its URL', async () => {
  await using nats = await startNats();
  expect(nats.url).toBe(`nats://127.0.0.1:${nats.port}`);
  expect(await streams(nats.url)).toEqual([]);
});

test('a killed and restarted nats-server keeps its port and its streams', async () => {
  await using nats = await startNats();
  const { url, pid } = nats;
  await addStream(url);
  await nats.kill();
  await expect(connect({ servers: url, timeout: 1_000 })).rejects.toThrow();
  await nats.restart();
  expect(nats.url).toBe(url);
  expect(nats.pid).not.toBe(pid);
  expect(await streams(url)).toEqual(['KEPT']);
});

test('a nats-server restarted empty keeps its port and nothing else', async () => {
  await using nats = await startNats();
  const { url } = nats;
  await addStream(url);
  await nats.restartEmpty();
  expect(nats.url).toBe(url);
  expect(await streams(url)).toEqual([]);
});

test('a paused nats-server is silent until it is resumed', async () => {
  await using nats = await startNats();
  const nc = await connect({ servers: nats.url });
  nats.pause();
  let answered = false;
  const flush = nc.flush().then(() => (answered = true));
  expect(answered).toBe(false);
  nats.resume();
  await flush;
  expect(answered).toBe(true);
  await nc.close();
});

test('a disposed nats-server is gone, and so is its folder unless it was given one', async () => {
  await using dir = await tempDir();
  const kept = await startNats({ dir: dir.path });
  const own = await startNats();
  const refs = [kept.ref, own.ref];
  await kept[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
  await own[Symbol.asyncDispose]();
  expect(refs.filter(isAlive)).toEqual([]);
  expect(existsSync(dir.path)).toBe(true);
  expect(existsSync(own.storeDir)).toBe(false);
});

test('a nats-server that cannot start says why with the end of its log', async () => {
  await using first = await startNats();
  await expect(startNats({ port: first.port })).rejects.toThrow(ServerStartError);
  await expect(startNats({ port: first.port })).rejects.toThrow(/address already in use/);
});

test('a nats-server told to outlive its owner does', async () => {
  await using dir = await tempDir();
  const { processes } = await remainsOfKilledOwner('outliving-nats', dir.path);
  expect(processes).toHaveLength(1);
  for (const ref of processes) {
    signalProcess(ref, 'SIGKILL');
    await waitFor(() => !isAlive(ref), { what: 'the end of nats-server' });
  }
});

test('an owner killed with SIGKILL leaves no nats-server', async () => {
  await using dir = await tempDir();
  const remains = await remainsOfKilledOwner('nats', dir.path);
  expect(remains).toEqual({ started: 1, processes: [], mounts: [] });
});
