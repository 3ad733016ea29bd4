/** Our side of the `client` bench, in a process of its own: worker.ts MODE URI COUNT, one line of JSON. */
import { readFileSync } from 'node:fs';
import { connect, type Session } from 'node-libvirt';

const [mode = '', uri = '', countText = ''] = process.argv.slice(2);
const count = Number(countText);

/** Runs `work` so many times, `lanes` at a time. */
async function inLanes(work: () => Promise<unknown>, times: number, lanes: number): Promise<void> {
  let left = times;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Rate and CPU of `work`, after as much of it to warm up: V8 compiles while it runs. */
async function measure(work: () => Promise<unknown>, lanes = 1): Promise<object> {
  await inLanes(work, count, lanes);
  const used = process.cpuUsage();
  const beganMs = performance.now();
  await inLanes(work, count, lanes);
  const { user, system } = process.cpuUsage(used);
  return {
    perSecond: (count * 1_000) / (performance.now() - beganMs),
    cpuMsEach: (user + system) / 1_000 / count,
  };
}

function rssKiB(): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}

async function stateOf(session: Session): Promise<() => Promise<unknown>> {
  const domain = await session.domainLookupByName('test');
  return () => session.domainGetState(domain);
}

/**
 * What is resident after `count` replies, against after a third as many before them: V8 takes its
 * time to give its young generation all the room that it likes.
 */
async function memory(session: Session): Promise<object> {
  const work = await stateOf(session);
  await inLanes(work, count / 3, 4);
  const beforeKiB = rssKiB();
  await inLanes(work, count, 4);
  return { growthMiBPerMillion: ((rssKiB() - beforeKiB) / 1_024) * (1e6 / count) };
}

async function sessions(): Promise<object> {
  const batch = 50;
  const open = (): Promise<Session[]> =>
    Promise.all(Array.from({ length: batch }, () => connect(uri, { connectTimeoutMs: 60_000 })));
  const held = await open();
  const beforeKiB = rssKiB();
  while (held.length < count + batch) held.push(...(await open()));
  const rssKiBPerSession = (rssKiB() - beforeKiB) / count;
  await Promise.all(held.map((session) => session.close()));
  return { rssKiBPerSession };
}

/** From nothing to the definitions of `count` domains: connecting, listing, four at a time. */
async function definitions(): Promise<object> {
  const beganMs = performance.now();
  await using session = await connect(uri, { maxLowPriorityInFlight: 4 });
  const domains = (await session.connectListAllDomains()).slice(0, count);
  await Promise.all(domains.map((domain) => session.domainGetXmlDesc(domain)));
  return { seconds: (performance.now() - beganMs) / 1_000 };
}

async function events(session: Session): Promise<object> {
  await using stream = await session.domainEvents(['lifecycle']);
  console.log('ready');
  const heardNs: string[] = [];
  for await (const _event of stream) {
    heardNs.push(String(process.hrtime.bigint()));
    if (heardNs.length === count) break;
  }
  return { heardNs };
}

async function answer(): Promise<object> {
  if (mode === 'sessions') return sessions();
  if (mode === 'definitions') return definitions();
  await using session = await connect(uri);
  switch (mode) {
    case 'sequential':
      return await measure(await stateOf(session));
    case 'inflight4':
      return await measure(await stateOf(session), 4);
    case 'bulk':
      return await measure(() => session.connectGetAllDomainStats({ stats: 0 }));
    case 'columns':
      return await measure(() => session.connectGetAllDomainStatsColumns({ stats: 0 }));
    case 'memory':
      return await memory(session);
    case 'events':
      return await events(session);
    default:
      throw new Error(`no such mode: ${mode}`);
  }
}

console.log(JSON.stringify(await answer()));
