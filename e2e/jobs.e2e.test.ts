/** A live migration that takes its time: what it costs the samples of the domain, and of others. */
import {
  migrationsSchema,
  stateAtSchema,
  statsPageSchema,
  statsRows,
  subjects,
  type StatsPage,
} from '@virtscope/contracts';
import { startLibvirtd, Stack, waitFor, type Libvirtd } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

const owned = new AsyncDisposableStack();
let target: Libvirtd;
let stack: Stack;
let moving: string;
let staying: string;
const pages: StatsPage[] = [];

beforeAll(async () => {
  target = owned.use(await startLibvirtd({ name: 'hv2' }));
  stack = owned.use(await Stack.start(() => [`  - { id: hv2, uri: "${target.uri}" }`]));
  stack.nc.subscribe(subjects.statsOfAll, {
    callback: (_, message) => {
      pages.push(statsPageSchema.parse(message.json()));
    },
  });
  moving = (await stack.startGuest('wanderer')).uuid;
  staying = (await stack.startGuest('homebody')).uuid;
  await stack.live('hv1', 'hv2', 'test1');
}, 60_000);

afterAll(() => owned.disposeAsync());

/** The next page of the monitor tier that has the domain and is as asked. */
function next(host: string, uuid: string, is: (page: StatsPage) => boolean): Promise<StatsPage> {
  const from = pages.length;
  const look = (): StatsPage | undefined =>
    pages
      .slice(from)
      .find(
        (page) =>
          page.host === host && page.tier === 'monitor' && page.uuids.includes(uuid) && is(page),
      );
  return waitFor(look, { what: `a page of ${uuid} on ${host}`, timeoutMs: 60_000 });
}

const isFresh = ({ kept, monitor, groups }: StatsPage): boolean =>
  kept === undefined && monitor === undefined && groups['cpu-total'] === 'complete';

test('a domain that migrates is asked for its progress alone, and nobody else loses a sample', async () => {
  await next('hv1', moving, isFresh);
  const before = new Date().toISOString();
  const slowly = ['--bandwidth', '1', '--migrateuri', 'tcp:127.0.0.1'];
  const flags = ['--live', '--persistent', '--unsafe', ...slowly];
  const migrated = stack.libvirtd.virsh('migrate', ...flags, 'wanderer', target.uriRw);
  await stack.until('the first iteration', () =>
    stack.events.some(({ uuid, kind }) => uuid === moving && kind === 'migration-iteration'),
  );
  // The target takes no more of what comes: the migration stands still for as long as we like.
  const pid = target.qemuPid('wanderer');
  process.kill(pid, 'SIGSTOP');
  try {
    const kept = await next('hv1', moving, ({ kept: why }) => why === 'job');
    expect(kept.columns['cpu.time']?.[0]).toBeGreaterThan(0);
    const progress = await next('hv1', moving, ({ columns }) => 'job.operation' in columns);
    const [row] = [...statsRows(progress)].filter(({ uuid }) => uuid === moving);
    expect(row?.fields['job.operation']).toBe(5);
    expect(row?.fields['job.time_elapsed']).toBeGreaterThan(0);
    const sample = pages.filter(
      ({ host, tier, sampleId, epoch }) =>
        host === 'hv1' &&
        tier === 'monitor' &&
        epoch === progress.epoch &&
        sampleId === progress.sampleId,
    );
    expect(sample.some((page) => isFresh(page) && page.uuids.includes(staying))).toBe(true);
    const { body } = await stack.get(`/v1/hosts/hv1/domains/${moving}/stats`);
    expect(body).toMatchObject({ fields: { 'job.operation': 5 } });
    expect(JSON.stringify(body)).toContain('"kept":"job"');
    const { migrations } = migrationsSchema.parse((await stack.get('/v1/migrations')).body);
    expect(migrations).toMatchObject([
      { uuid: moving, name: 'wanderer', from: 'hv1', to: 'hv2', job: { operation: 5 } },
    ]);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await migrated;
  await next('hv2', moving, isFresh);
  await stack.until('the end of the migration to be seen', async () => {
    const { body } = await stack.get('/v1/migrations');
    return migrationsSchema.parse(body).migrations.length === 0;
  });
  const then = await stack.get(`/v1/domains/${moving}/at?time=${before}`);
  expect(stateAtSchema.parse(then.body).presences).toEqual([
    { host: 'hv1', state: { state: 'running', id: 1 }, watched: true, by: 'event' },
    { host: 'hv2', state: null, watched: true, by: 'event' },
  ]);
}, 120_000);
