/**
 * node-libvirt beside the clients of other languages: calls against a real libvirtd's test driver,
 * bulk stats of 500 domains against one simulated daemon, all in turns and in processes of their
 * own. A peer that this machine lacks leaves its figures out.
 *
 *     ./dev bench client [ROUNDS] [REPLIES]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { startLibvirtd, tempDir, ToolMissingError, waitFor } from '@virtscope/testkit';
import { existsSync } from 'node:fs';
import { measureFarHost } from './client/far-host.ts';
import { ask, goPeer, ours, type Peer, pythonPeer } from './client/peers.ts';
import { publish, quantile, type Row } from './report.ts';

const rounds = Number(process.argv[2] ?? 9);
const replies = Number(process.argv[3] ?? 1_000_000);
const calls = 10_000;
const eventCount = 200;

type Measured = { perSecond: number; cpuMsEach: number };

await using folder = await tempDir('vs-bench-');
const python = pythonPeer();
const go = goPeer(folder.path);
const conf = ['max_clients = 5000', 'max_anonymous_clients = 5000', 'max_queued_clients = 3000'];
await using daemon = await startLibvirtd({ name: 'bench', conf });
const rows: Row[] = [];

/** The peers' figures, each the median of its rounds, taken in turns. */
async function inTurns(
  work: readonly { peer: Peer | undefined; mode: string; target: string; count: number }[],
): Promise<(Measured | undefined)[]> {
  const all: Measured[][] = work.map(() => []);
  const failed = new Set<Peer>();
  for (let round = 0; round < rounds; round++) {
    for (const [i, { peer, mode, target, count }] of work.entries()) {
      if (peer === undefined || failed.has(peer)) continue;
      try {
        all[i]?.push(await ask<Measured>(peer, mode, target, count));
      } catch (error) {
        // A peer that cannot do this work leaves a gap in the table; we may not.
        if (peer === ours) throw error;
        failed.add(peer);
        console.error(`left out: ${(error as Error).message}`);
      }
    }
  }
  return all.map((some) =>
    some.length === 0
      ? undefined
      : {
          perSecond: quantile(
            some.map((one) => one.perSecond),
            0.5,
          ),
          cpuMsEach: quantile(
            some.map((one) => one.cpuMsEach),
            0.5,
          ),
        },
  );
}

function need(measured: Measured | undefined): Measured {
  if (measured === undefined) throw new Error('our own worker said nothing');
  return measured;
}

function add(row: Row, isMet?: (compared: number) => boolean): void {
  const ratio = row.baseline === undefined ? undefined : row.value / row.baseline;
  const compared = ratio ?? row.value;
  rows.push({
    ...row,
    ...(ratio === undefined ? {} : { ratio }),
    ...(isMet === undefined ? {} : { met: isMet(compared) }),
  });
}

// Calls, one after the other.
{
  const uri = daemon.testUri;
  const [our, py, gone, four] = await inTurns([
    { peer: ours, mode: 'sequential', target: uri, count: calls },
    { peer: python, mode: 'sequential', target: uri, count: calls },
    { peer: go, mode: 'sequential', target: daemon.socketRo, count: calls },
    { peer: ours, mode: 'inflight4', target: uri, count: calls * 4 },
  ]);
  const value = need(our).perSecond;
  const atLeast = { unit: '1/s', value, goal: 'ratio >= 1.0' };
  if (py !== undefined) {
    add(
      { id: 'calls.sequential.ratio_python', ...atLeast, baseline: py.perSecond },
      (ratio) => ratio >= 1,
    );
  }
  if (gone !== undefined) {
    add(
      { id: 'calls.sequential.ratio_golibvirt', ...atLeast, baseline: gone.perSecond },
      (ratio) => ratio >= 1,
    );
  }
  add({ id: 'calls.inflight4.per_s', unit: '1/s', value: need(four).perSecond });
}

// Bulk stats of 500 domains.
{
  const main = join(import.meta.dirname, '../libs/testkit/src/simulated-daemon/main.ts');
  const simulated = spawn(
    process.execPath,
    [main, '--hosts', '1', '--domains', '500', '--dir', folder.path],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const socket = join(folder.path, 'hv1.sock');
  await waitFor(() => existsSync(socket), { what: 'the simulated daemon to listen' });
  const uri = `qemu+unix:///system?socket=${socket}`;
  const [plain, columns, py, gone] = await inTurns([
    { peer: ours, mode: 'bulk', target: uri, count: 60 },
    { peer: ours, mode: 'columns', target: uri, count: 60 },
    { peer: python, mode: 'bulk', target: uri, count: 30 },
    { peer: go, mode: 'bulk', target: socket, count: 30 },
  ]);
  const best = Math.min(py?.cpuMsEach ?? Infinity, gone?.cpuMsEach ?? Infinity);
  const value = need(plain).cpuMsEach;
  const row = { id: 'bulk500.cpu.ratio_best', unit: 'ms CPU a reply', value, goal: 'ratio <= 0.5' };
  if (Number.isFinite(best)) add({ ...row, baseline: best }, (ratio) => ratio <= 0.5);
  for (const [name, peer] of Object.entries({ python: py, golibvirt: gone })) {
    if (peer === undefined) continue;
    const id = `bulk500.cpu.${name}`;
    add({ id, unit: 'ms CPU a reply', value: peer.cpuMsEach });
  }
  add({ id: 'bulk500.cpu.columns', unit: 'ms CPU a reply', value: need(columns).cpuMsEach });
  simulated.kill();
  await once(simulated, 'exit');
}

// A host that is far away, each side the median of its rounds.
try {
  const { definitionsSeconds, virshListSeconds } = await measureFarHost(
    folder.path,
    Math.min(rounds, 5),
  );
  const row = { id: 'far80.list100_xml_s', unit: 's', value: definitionsSeconds, goal: '< 3' };
  add(row, (seconds) => seconds < 3);
  add({ id: 'far80.virsh_list_s', unit: 's', value: virshListSeconds });
} catch (error) {
  if (!(error instanceof ToolMissingError)) throw error;
  console.error(`left out: ${error.message}`);
}

// Decoding alone.
{
  const decode = join(import.meta.dirname, '../libs/node-libvirt/src/decode.bench.ts');
  const child = spawn(process.execPath, [decode], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const rate = JSON.parse(line) as {
    parameters: number;
    plainPerSecond: number;
    columnsPerSecond: number;
    straightforwardPerSecond: number;
  };
  const value = rate.plainPerSecond;
  add({ id: 'decode.domains_per_s', unit: '1/s', value, goal: '>= 300000' }, (v) => v >= 300_000);
  add({ id: 'decode.params_per_s', unit: '1/s', value: value * rate.parameters });
  add({ id: 'decode.columns.domains_per_s', unit: '1/s', value: rate.columnsPerSecond });
  add(
    {
      id: 'decode.ratio_naive',
      unit: '1/s',
      value,
      baseline: rate.straightforwardPerSecond,
      goal: 'ratio >= 4',
    },
    (ratio) => ratio >= 4,
  );
}

// Memory.
{
  const { growthMiBPerMillion } = await ask<{ growthMiBPerMillion: number }>(
    ours,
    'memory',
    daemon.testUri,
    replies,
  );
  add(
    {
      id: 'memory.growth_mib_per_million',
      unit: 'MiB',
      value: growthMiBPerMillion,
      goal: '<= 16',
    },
    (v) => v <= 16,
  );
  const { rssKiBPerSession } = await ask<{ rssKiBPerSession: number }>(
    ours,
    'sessions',
    daemon.testUri,
    2_000,
  );
  add(
    {
      id: 'sessions2000.rss_kib_per_session',
      unit: 'KiB',
      value: rssKiBPerSession,
      goal: '< 60',
    },
    (v) => v < 60,
  );
}

// The way of an event to the callback.
if (python !== undefined) {
  const [ourNs, pythonNs] = await bothHear(python);
  const deltasMs = ourNs.map((ns, i) => Number(ns - (pythonNs[i] ?? ns)) / 1e6);
  add(
    {
      id: 'event.callback_delta_ms_p50',
      unit: 'ms',
      value: quantile(deltasMs, 0.5),
      goal: '< 1',
    },
    (v) => Math.abs(v) < 1,
  );
}

/** When each of the same events was heard by us and by the peer, on one clock. */
async function bothHear(peer: Peer): Promise<[bigint[], bigint[]]> {
  const listeners = [ours, peer].map((one) => {
    const args = [...one.args, 'events', daemon.testUri, String(eventCount)];
    const child = spawn(one.command, args, { env: one.env, stdio: ['ignore', 'pipe', 'inherit'] });
    return createInterface(child.stdout)[Symbol.asyncIterator]();
  });
  for (const lines of listeners) await lines.next();
  // One virsh for all commands: each command of its own would be a connection of its own.
  const virsh = spawn('virsh', ['-q', '-c', daemon.testUriRw], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  let sent = 0;
  const churn = setInterval(() => {
    virsh.stdin.write(sent++ % 2 === 0 ? 'suspend test\n' : 'resume test\n');
    if (sent === eventCount) clearInterval(churn);
  }, 10);
  const heard = await Promise.all(
    listeners.map(async (lines) => {
      const { value } = await lines.next();
      const { heardNs } = JSON.parse(String(value)) as { heardNs: string[] };
      return heardNs.map(BigInt);
    }),
  );
  virsh.stdin.end('quit\n');
  return [heard[0] ?? [], heard[1] ?? []];
}

for (const [name, peer] of Object.entries({ 'python3-libvirt': python, 'go-libvirt': go })) {
  if (peer === undefined) console.error(`${name} is not on this machine: its figures are left out`);
}
publish('client', rows);
