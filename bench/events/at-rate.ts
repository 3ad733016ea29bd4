/** How long an event takes to a NATS subscriber and to an HTTP answer, beside the raw callback. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ours, pythonPeer } from '../client/peers.ts';
import { quantile, type Row } from '../report.ts';
import type { Heard } from './subscriber.ts';

const subscriberFile = join(import.meta.dirname, 'subscriber.ts');

const seconds = 10;
/** The first events meet code that has not been compiled yet, in all processes: they do not count. */
const warmUpSeconds = 1;
/** Of the events at a rate, so many a second are asked for over HTTP. */
const asksPerSecond = 100;

/** Something that happens on a host when it is told to. */
export type Source = {
  host: string;
  uri: string;
  /** What its rows are called by: `@100`, `@test100`. */
  label: (rate: number) => string;
  /** Makes the next event; `sent` is called when it is on its way. */
  send: (sent: () => void) => void;
};

export type Reading = {
  natsUrl: string;
  /** query-api's. */
  apiUrl: string;
  source: Source;
  rate: number;
  /** At which rate p99 has a goal. */
  goalsAt: number;
};

export async function atRate({ natsUrl, apiUrl, source, rate, goalsAt }: Reading): Promise<Row[]> {
  const { host, uri } = source;
  const skipped = rate * warmUpSeconds;
  const count = skipped + Math.max(10, rate * seconds);
  const every = Math.max(1, Math.floor(rate / asksPerSecond));
  const peer = pythonPeer() ?? ours;
  await using raw = await listen<{ heardNs: string[] }>(
    { ...peer, args: [...peer.args, 'events', uri, String(count)] },
    'the raw listener',
  );
  await using subscriber = await listen<Heard>(
    {
      command: process.execPath,
      args: [subscriberFile, natsUrl, apiUrl, host, String(count), String(every)],
      env: process.env,
    },
    'the subscriber',
  );
  const sentNs: bigint[] = [];
  let wished = 0;
  const startedMs = performance.now();
  const timer = setInterval(() => {
    // As many as are due: a timer that comes late sends what it missed.
    const due = Math.min(count, Math.floor(((performance.now() - startedMs) / 1000) * rate) + 1);
    for (; wished < due; wished++) source.send(() => sentNs.push(process.hrtime.bigint()));
    if (wished === count) clearInterval(timer);
  }, 1);
  const { natsNs, httpNs } = await subscriber.heard;
  const { heardNs } = await raw.heard;
  const since = (ns: string, place: number): number =>
    Number(BigInt(ns) - (sentNs[place] ?? 0n)) / 1e6;
  const rawMs = heardNs.map(since).slice(skipped);
  const onNats = natsNs.map(since).slice(skipped);
  const overHttp = httpNs.flatMap(([place, ns]) => (place < skipped ? [] : [since(ns, place)]));
  return [0.5, 0.99].flatMap((q) => {
    const name = q === 0.5 ? 'p50' : 'p99';
    const baseline = quantile(rawMs, q);
    const figure = (what: string, samples: number[], goalMs: number): Row => {
      const value = quantile(samples, q);
      const goal =
        rate === goalsAt && q === 0.99 ? { goal: `<= ${goalMs}`, met: value <= goalMs } : {};
      const id = `event_to_${what}_ms_${name}@${source.label(rate)}`;
      return { id, value, unit: 'ms', baseline, ratio: value / baseline, ...goal };
    };
    return [figure('nats', onNats, 5), figure('http', overHttp, 10)];
  });
}

/** A program in a process of its own, that says `ready` and then, in one line, what it heard. */
async function listen<T>(
  { command, args, env }: { command: string; args: string[]; env: NodeJS.ProcessEnv },
  what: string,
): Promise<AsyncDisposable & { heard: Promise<T> }> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.value !== 'ready') throw new Error(`${what} says ${String(first.value)}`);
  const heard = lines.next().then(({ value }) => JSON.parse(String(value)) as T);
  return {
    heard,
    [Symbol.asyncDispose]: () => {
      child.kill();
      return Promise.resolve();
    },
  };
}
