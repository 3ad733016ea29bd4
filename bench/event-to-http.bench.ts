/**
 * How long after libvirt's own callback an event is with a NATS subscriber, and its effect in the
 * HTTP answer that asks for it by `minRevision`. libvirtd's test driver sends the events; the
 * services run as processes. Beside it, in the same run, what bounds each from below: a message
 * through JetStream with its ack, and an HTTP request that asks nothing.
 */
import { spawn } from 'node:child_process';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { eventDataSchema, eventId, subjects } from '@virtscope/contracts';
import { Stack } from '@virtscope/testkit';
import { connect } from 'node-libvirt';
import { against, publish, quantile, type Row } from './report.ts';

const count = Number(process.argv[2] ?? 400);
const perSecond = 50;

await using stack = await Stack.start();
await stack.live();

await using session = await connect(stack.libvirtd.testUri);
await using raw = await session.domainEvents(['lifecycle']);

/** Milliseconds of the callback, by the event's place in the order. */
const heardAt: number[] = [];
void (async () => {
  for await (const _event of raw) heardAt.push(performance.now());
})().catch(() => undefined);

const onNats: number[] = [];
const overHttp: number[] = [];
let arrived = 0;
const all = Promise.withResolvers<void>();
stack.nc.subscribe(subjects.eventsOfHost('test1'), {
  callback: (_error, message) => {
    const atMs = performance.now();
    const event = eventDataSchema.parse(message.json());
    if (event.uuid === undefined || event.synthesised === true) return;
    const place = arrived++;
    void askFor(eventId(event)).then((answeredMs) => {
      onNats.push(atMs - (heardAt[place] ?? Number.NaN));
      overHttp.push(answeredMs - (heardAt[place] ?? Number.NaN));
      if (overHttp.length === count) all.resolve();
    }, all.reject);
  },
});
await stack.nc.flush();

async function askFor(id: string): Promise<number> {
  const path = `/v1/hosts/test1/domains/by-name/test?minRevision=${encodeURIComponent(id)}`;
  const response = await fetch(`${stack.url}${path}`);
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
  return performance.now();
}

// One virsh for all commands: its connection stays, and the test driver's state with it.
const virsh = spawn('virsh', ['-q', '-c', stack.libvirtd.testUriRw], {
  stdio: ['pipe', 'ignore', 'inherit'],
});
let sent = 0;
const churn = setInterval(() => {
  virsh.stdin.write(sent % 2 === 0 ? 'suspend test\n' : 'resume test\n');
  sent++;
  if (sent === count) clearInterval(churn);
}, 1000 / perSecond);

const deadline = setTimeout(
  () => all.reject(new Error(`only ${overHttp.length} of ${count} events came back`)),
  (count / perSecond) * 1_000 + 30_000,
);
await all.promise;
clearTimeout(deadline);
virsh.stdin.end('quit\n');

const jsm = await jetstreamManager(stack.nc);
await jsm.streams.add({ name: 'BENCH', subjects: ['bench'] });
const body = 'x'.repeat(500);
const bareJetStream = await sampled(count, async () => {
  await jetstream(stack.nc).publish('bench', body);
});
const bareHttp = await sampled(count, async () => {
  await (await fetch(`${stack.url}/healthz`)).arrayBuffer();
});

async function sampled(times: number, work: () => Promise<void>): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < times; i++) {
    const startedMs = performance.now();
    await work();
    took.push(performance.now() - startedMs);
  }
  return took;
}

const rows: Row[] = [0.5, 0.99].flatMap((q) => {
  const name = q === 0.5 ? 'p50' : 'p99';
  const jetStreamMs = quantile(bareJetStream, q);
  return [
    against({
      id: `event_to_nats_ms_${name}`,
      value: quantile(onNats, q),
      unit: 'ms',
      baseline: jetStreamMs,
    }),
    against({
      id: `event_to_http_ms_${name}`,
      value: quantile(overHttp, q),
      unit: 'ms',
      baseline: jetStreamMs + quantile(bareHttp, q),
    }),
  ];
});
publish('event-to-http', rows);
process.exit(0);
