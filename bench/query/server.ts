/**
 * query-api's server on a view that is fed by hand, in a process of its own: server.ts HOSTS
 * DOMAINS. It answers messages of its parent, and tells `{ url }` first.
 */
import { subjects } from '@virtscope/contracts';
import { noCaps } from '@virtscope/query-api/caps-book';
import { Movement } from '@virtscope/query-api/movement';
import { buildServer } from '@virtscope/query-api/server';
import { Slices } from '@virtscope/query-api/slices';
import { Metrics, createLogger, systemClock } from '@virtscope/runtime';
import { Asking, View, listDomains, runAll } from '@virtscope/view';
import { readFileSync } from 'node:fs';
import {
  beat,
  bytesOf,
  inventory,
  mark,
  page,
  presence,
  record,
  stateSubject,
  uuidOf,
  type Fleet,
} from './fleet.ts';

const fleet: Fleet = { hosts: Number(process.argv[2]), domains: Number(process.argv[3]) };
const now = (): { monotonicMs: number; wallMs: number } => ({
  monotonicMs: performance.now(),
  wallMs: Date.now(),
});

function filled(size: Fleet): { view: View; seq: number } {
  const view = new View();
  let seq = 0;
  view.connection(true);
  view.stateOpened({ createdMs: 1_000, timeline: 0 }, 'being filled');
  for (let n = 0; n < size.domains; n++) {
    const row = presence(size, n);
    view.stateMessage(++seq, stateSubject(row), bytesOf(row), 0);
  }
  const entries = inventory(size);
  for (const { id } of entries)
    view.stateMessage(++seq, subjects.hostRecord(id), bytesOf(record(id)), 0);
  view.stateCaughtUp(seq, performance.now());
  view.hostsOpened();
  for (const [i, each] of entries.entries()) {
    view.hostsMessage({ seq: i + 1, subject: each.id, key: each.id, data: bytesOf(each) }, 0);
  }
  const { key, value } = mark(entries);
  view.hostsMessage({ seq: entries.length + 1, subject: key, key, data: bytesOf(value) }, 0);
  view.hostsCaughtUp(performance.now());
  return { view, seq };
}

/** Milliseconds to apply every row once more and list it, per domain: the best of some rounds. */
function costPerDomain(size: Fleet, rounds: number): number {
  const { view, seq } = filled(size);
  const messages = Array.from({ length: size.domains }, (_, n) => {
    const row = presence(size, n);
    return { subject: stateSubject(row), data: bytesOf(row) };
  });
  let next = seq;
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const startedMs = performance.now();
    for (const { subject, data } of messages) view.stateMessage(++next, subject, data, 0);
    let pageToken: string | undefined;
    do {
      const query = { filter: {}, pageSize: 1_000, pageToken };
      const answer = runAll(listDomains(new Asking(view, now()), query));
      if (answer.kind !== 'found') throw new Error(JSON.stringify(answer));
      pageToken = /"nextPageToken":"([^"]+)"/.exec(answer.json.slice(-2_000))?.[1];
    } while (pageToken !== undefined);
    best = Math.min(best, performance.now() - startedMs);
  }
  return best / size.domains;
}

const made = filled(fleet);
const { view } = made;
let { seq } = made;
view.statsOpened();
view.statsBrokerTime(Date.now(), performance.now());

const firstSample = 1_000_000;

/** Each page is made once; what comes later has another number in the same place. */
const pages = new Map<string, { data: Buffer; at: number }>();

function sample(host: number, tier: 'fast' | 'monitor', sampleId: number): void {
  const subject = subjects.stats(`hv${host}`, tier, 0);
  let made = pages.get(subject);
  if (made === undefined) {
    const data = Buffer.from(bytesOf(page(fleet, host, tier, firstSample)));
    made = { data, at: data.indexOf(String(firstSample)) };
    pages.set(subject, made);
  }
  made.data.write(String(firstSample + sampleId), made.at);
  view.statsMessage(subject, made.data, Date.now(), performance.now());
}
for (let host = 0; host < fleet.hosts; host++) {
  sample(host, 'fast', 1);
  sample(host, 'monitor', 1);
}

function pulse(): void {
  const ms = performance.now();
  view.roundTripEnded({ startedMs: ms, endedMs: ms });
  view.heartbeat(subjects.heartbeat('event-bridge', 'bench'), bytesOf(beat(fleet, seq)));
}
pulse();
setInterval(pulse, 2_000);

/** Changes a second, and whether all stats arrive. */
let load = { changes: 0, stats: false };
let changed = 0;
let owed = 0;
let hostTurn = 0;
let lastMs = performance.now();
let samples = 1;
setInterval(() => {
  const ms = performance.now();
  owed += ((ms - lastMs) / 1_000) * load.changes;
  for (; owed >= 1; owed--) {
    const n = (changed * 7_919) % fleet.domains;
    const row = presence(fleet, n, {
      stateReason: `${process.hrtime.bigint()}`,
      autostart: Math.floor(changed / fleet.domains) % 2 === 0,
    });
    changed++;
    view.stateMessage(++seq, stateSubject(row), bytesOf(row), ms);
  }
  if (load.stats) {
    const hosts = ((ms - lastMs) / 2_000) * fleet.hosts;
    for (let i = 0; i < hosts; i++) {
      hostTurn = (hostTurn + 1) % fleet.hosts;
      if (hostTurn === 0) samples++;
      sample(hostTurn, 'fast', 2 + samples);
      if (hostTurn % 5 === samples % 5) sample(hostTurn, 'monitor', 2 + samples);
    }
  }
  lastMs = ms;
}, 10);

const limits = { watchers: 10_000, groups: 1_000, liveGroups: 32 };
const app = buildServer({
  view,
  movement: new Movement(systemClock),
  slices: new Slices(systemClock),
  clock: systemClock,
  metrics: new Metrics('bench'),
  log: createLogger('bench', 'bench', 'error'),
  signal: new AbortController().signal,
  watchLimits: limits,
  callerLimits: { perCaller: 10_000 },
  caps: noCaps('none here'),
  events: () => Promise.resolve(undefined),
  xml: () => Promise.resolve(undefined),
});
// What the same server with the same hooks can do at most: a text that is ready.
const constant = (await app.inject(`/v1/domains/${uuidOf(1)}`)).body;
const bounded = buildServer({
  // Its own: a view tells one what changes.
  view: new View(),
  movement: new Movement(systemClock),
  slices: new Slices(systemClock),
  clock: systemClock,
  metrics: new Metrics('bench'),
  log: createLogger('bench', 'bench', 'error'),
  signal: new AbortController().signal,
  caps: noCaps('none here'),
  events: () => Promise.resolve(undefined),
  xml: () => Promise.resolve(undefined),
});
bounded.get('/constant', (_request, reply) =>
  reply.type('application/json; charset=utf-8').send(constant),
);
const url = await app.listen({ host: '127.0.0.1', port: 0 });
const constantUrl = await bounded.listen({ host: '127.0.0.1', port: 0 });

process.on('message', (message: { ask: string; changes?: number; stats?: boolean }) => {
  if (message.ask === 'load') {
    load = { changes: message.changes ?? 0, stats: message.stats ?? false };
    owed = 0;
    process.send?.({ changed });
  } else if (message.ask === 'rss') {
    const kib = Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
    process.send?.({ rssMiB: kib / 1_024, changed });
  } else if (message.ask === 'growth') {
    const one = costPerDomain({ hosts: 10, domains: 1_000 }, 20);
    const all = costPerDomain({ hosts: 1_000, domains: 100_000 }, 3);
    process.send?.({ one, all });
  }
});
process.send?.({ url, constantUrl, bytes: constant.length });
