/**
 * From libvirt's event to a NATS subscriber and to an HTTP answer by `minRevision`: at 1, 100 and
 * 1,000 events a second from a simulated daemon, and at 100 from the test driver of a real libvirtd,
 * counted from the moment at which the event, or the call that causes it, was sent. Beside it, in
 * the same run and for the same events, the raw callback of python3-libvirt: what somebody would
 * have who listens to libvirtd alone. Then what a quiet minute costs, and how soon after a restart of a
 * real libvirtd with twenty domains the view is right again.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostListSchema } from '@virtscope/contracts';
import {
  startNats,
  startRedis,
  startService,
  tempDir,
  waitFor,
  type ServiceName,
} from '@virtscope/testkit';
import { atRate } from './events/at-rate.ts';
import { simulatedSource, testDriverSource } from './events/sources.ts';
import { quietMinute } from './events/quiet-minute.ts';
import { restart20 } from './events/restart20.ts';
import { publish, type Row } from './report.ts';

const rates = [1, 100, 1_000];
const testRate = 100;

await using owned = new AsyncDisposableStack();
const dir = owned.use(await tempDir('vs-events-'));
const simulated = owned.use(await simulatedSource(join(dir.path, 'sim.sock')));
const testDriver = owned.use(await testDriverSource());
const sources = [simulated, testDriver];
const [nats, redis] = [owned.use(await startNats()), owned.use(await startRedis())];
const fleetFile = join(dir.path, 'fleet.yaml');
const lines = sources.map(
  ({ host, uri }) => `  - { id: ${host}, uri: "${uri}", identity: hostname }`,
);
writeFileSync(fleetFile, ['hosts:', ...lines, ''].join('\n'));
const surroundings = { dir: dir.path, fleetFile, natsUrl: nats.url, redisUrl: redis.url };
const launch = async (name: ServiceName) =>
  owned.use(await startService({ name, ...surroundings, env: { VIRTSCOPE_LOG_LEVEL: 'warn' } }));
const bridge = await launch('event-bridge');
const { url } = await launch('query-api');
await waitFor(
  async () => {
    const answer = hostListSchema.safeParse(await (await fetch(`${url}/v1/hosts`)).json());
    return answer.data?.hosts.every(({ trust }) => trust === 'live') === true;
  },
  { what: 'both hosts to be live', timeoutMs: 60_000 },
);
const rows: Row[] = [];
const reading = { natsUrl: nats.url, apiUrl: url, goalsAt: 1_000 };
for (const rate of rates) {
  rows.push(...(await atRate({ ...reading, source: simulated, rate })));
}
rows.push(...(await atRate({ ...reading, source: testDriver, rate: testRate })));
rows.push(...(await quietMinute(bridge, simulated.host)), await restart20());
publish('events', rows);
await owned.disposeAsync();
