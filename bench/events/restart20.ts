/** How long after libvirtd's socket is back the view says what libvirt says. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { domainListSchema } from '@virtscope/contracts';
import { pulseGuest, startNats, startService, waitFor } from '@virtscope/testkit';
import { connect } from 'node-libvirt';
import { startGuests } from '../guests.ts';
import type { Row } from '../report.ts';

const running = 20;
const killed = 5;
const placed = ['late0', 'late1', 'late2'];

/**
 * libvirtd is killed with twenty running domains; five of their QEMUs are killed and three
 * definitions placed before it is started again. Beside it the time that one complete list takes
 * on a session of its own: less than that nobody can need.
 */
export async function restart20(): Promise<Row> {
  await using host = await startGuests(running);
  const { dir, libvirtd, guests } = host;
  await using nats = await startNats();
  const fleetFile = join(dir, 'fleet.yaml');
  writeFileSync(fleetFile, `hosts:\n  - { id: hv1, uri: "${libvirtd.uri}" }\n`);
  const redisUrl = 'redis://127.0.0.1:1';
  const surroundings = { dir, fleetFile, natsUrl: nats.url, redisUrl };
  await using _bridge = await startService({ name: 'event-bridge', ...surroundings });
  await using api = await startService({ name: 'query-api', ...surroundings });
  /** Name and state of each domain of the host; undefined while it is not live. */
  const viewSays = async (): Promise<string | undefined> => {
    const response = await fetch(`${api.url}/v1/domains?host=hv1&pageSize=1000`);
    const answer = domainListSchema.safeParse(await response.json()).data;
    if (answer === undefined || answer.unreachable.length > 0) return undefined;
    return lines(answer.domains.map(({ name, state }) => `${name} ${state}`));
  };
  const before = lines(guests.map(({ name }) => `${name} running`));
  await waitFor(async () => (await viewSays()) === before, {
    what: 'all domains in the view',
    timeoutMs: 120_000,
  });
  const doomed = guests.slice(0, killed);
  const pids = doomed.map(({ name }) => libvirtd.qemuPid(name));
  await libvirtd.kill();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  for (const name of placed) {
    const { xml } = pulseGuest(join(dir, 'guests'), { name });
    writeFileSync(join(libvirtd.dir, 'etc/qemu', `${name}.xml`), xml);
  }
  const gone = new Set(doomed);
  const after = lines([
    ...guests.map((guest) => `${guest.name} ${gone.has(guest) ? 'shutoff' : 'running'}`),
    ...placed.map((name) => `${name} shutoff`),
  ]);
  await libvirtd.start();
  const backMs = performance.now();
  await waitFor(async () => (await viewSays()) === after, {
    what: 'the view to say what libvirt says',
    timeoutMs: 60_000,
    intervalMs: 5,
  });
  const value = (performance.now() - backMs) / 1000;
  const baseline = (await listMs(libvirtd.uri)) / 1000;
  return {
    id: 'restart20.time_to_truth_s',
    value,
    unit: 's',
    baseline,
    ratio: value / baseline,
    goal: '<= 2',
    met: value <= 2,
  };
}

/** Connecting, and one list with every domain's configuration. */
async function listMs(uri: string): Promise<number> {
  const startedMs = performance.now();
  await using session = await connect(uri);
  const domains = await session.connectListAllDomains();
  await Promise.all(domains.map((domain) => session.domainGetXmlDesc(domain)));
  return performance.now() - startedMs;
}

function lines(of: readonly string[]): string {
  return of.toSorted((a, b) => (a < b ? -1 : 1)).join('\n');
}
