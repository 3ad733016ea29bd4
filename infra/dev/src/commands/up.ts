import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, logTail, waitFor } from '@virtscope/testkit';
import type { UpOptions } from '../arguments.ts';
import { installBus, installServers } from '../install/install.ts';
import type { Paths } from '../paths.ts';
import { type Progress, formatSeconds } from '../progress.ts';
import { CannotError } from '../usage.ts';
import { endWorkbench } from '../workbench/end.ts';
import {
  allLive,
  fetchHosts,
  fetchOverview,
  overviewTables,
  summary,
} from '../workbench/overview.ts';
import { type Started, startWorkbench } from '../workbench/start.ts';
import { isUp, processRuns, readState } from '../workbench/state.ts';

/** How long query-api may take until it has replayed the bus. */
const readyMs = 60_000;
/** How long the hosts' first sync may take before the table is shown as it is. */
const liveMs = 15_000;
/** A thousand sessions open and sync on one machine. */
const fleetLiveMs = 120_000;

/** Starts a workbench; in the foreground, keeps it until the signal aborts, then ends it. */
export async function up(
  options: UpOptions,
  paths: Paths,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const beganMs = performance.now();
  refuseSecond(paths);
  await (options.fleet === undefined ? installServers : installBus)(progress);
  if (options.fleet === undefined && process.getuid?.() !== 0) {
    throw new CannotError(
      'the private libvirtd hosts need namespaces of their own, and so root: sudo ./dev up, or ./dev fleet',
    );
  }
  // What a crashed workbench left would be in the way.
  await endWorkbench(paths, readState(paths.stateFile));
  const port = await portFor(options.port);
  let started: Started;
  try {
    started = await startWorkbench(paths, { ...options, port }, progress, signal);
    await progress.step('waiting for query-api to be ready', () => ready(started, signal));
    await introduce(started, options, signal);
  } catch (error) {
    await endWorkbench(paths, readState(paths.stateFile));
    if (signal.aborted) throw new CannotError('interrupted: what had started was ended');
    throw error;
  }
  const tookSeconds = formatSeconds(performance.now() - beganMs);
  console.log(`up after ${tookSeconds}; ${options.detach ? './dev down' : 'Ctrl-C'} ends it`);
  if (options.detach) return;
  await watch(started, signal);
  const ended = await endWorkbench(paths, readState(paths.stateFile));
  console.log(`\nended ${ended.join(', ')}`);
}

function refuseSecond(paths: Paths): void {
  const state = readState(paths.stateFile);
  if (state === undefined || !isUp(state)) return;
  const where = state.queryApi === undefined ? 'is starting' : `runs: ${state.queryApi}`;
  throw new CannotError(`a workbench ${where}. ./dev status shows it, ./dev down ends it.`);
}

/** The wanted port if it is free, any free one for 0. */
async function portFor(wanted: number): Promise<number> {
  if (wanted === 0) return freePort();
  const server = createServer().listen(wanted, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new CannotError(
      `port ${wanted} of 127.0.0.1 cannot be used (${(error as NodeJS.ErrnoException).code}): take another with --port, or any free one with --port 0`,
      { cause: error },
    );
  }
  server.close();
  await once(server, 'close');
  return wanted;
}

/** @throws {CannotError} a service ended, or query-api is not ready in time; with log */
async function ready(started: Started, signal: AbortSignal): Promise<void> {
  const url = `${started.queryApi}/readyz`;
  try {
    await waitFor(
      async () => {
        const ended = endedService(started);
        if (ended !== undefined) return { ended };
        const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
        if (response.ok) return { ended };
        throw new Error(`${url} answers ${response.status}: ${await response.text()}`);
      },
      { what: 'query-api to be ready', timeoutMs: readyMs, intervalMs: 100, signal },
    ).then(({ ended }) => {
      if (ended !== undefined) throw new Error(`the service ${ended} ended`);
    });
  } catch (error) {
    signal.throwIfAborted();
    const culprit = endedService(started) ?? 'query-api';
    const log = started.state.processes.find(({ name }) => name === culprit)?.log ?? '';
    throw new CannotError(`${(error as Error).message}\n${log}:\n${logTail(log)}`, {
      cause: error,
    });
  }
}

function endedService({ services }: Started): string | undefined {
  for (const [name, server] of services) if (!server.runs) return name;
  return undefined;
}

/** Shows the fleet, once every host is live or time is up, and what to try next. */
async function introduce(
  { queryApi, state }: Started,
  { fleet }: UpOptions,
  signal: AbortSignal,
): Promise<void> {
  const overview = await waitFor(
    async () => {
      const now = await fetchOverview(queryApi, signal);
      return allLive(now) ? now : undefined;
    },
    {
      what: 'every host to be live',
      timeoutMs: fleet === undefined ? liveMs : fleetLiveMs,
      intervalMs: 100,
      signal,
    },
  ).catch(() => {
    signal.throwIfAborted();
    return fetchOverview(queryApi, signal);
  });
  const hv1 = state.hosts.find(({ id }) => id === 'hv1');
  const writable = hv1?.uri.replace(/-ro$/, '') ?? '';
  const domain = fleet === undefined ? 'vm1' : 'vm00001';
  console.log(`
${overviewTables(overview)}

${queryApi}

Worth trying:
  curl '${queryApi}/v1/domains?state=running'
  virsh -c '${writable}' suspend ${domain} && curl '${queryApi}/v1/hosts/hv1/domains/by-name/${domain}'
  ./dev logs event-bridge -f
`);
}

/** Says what changes, until the signal: the fleet in a line, and services that ended. */
async function watch(started: Started, signal: AbortSignal): Promise<void> {
  const mourned = new Set<string>();
  let last = '';
  while (!signal.aborted) {
    for (const process of started.state.processes) {
      if (mourned.has(process.name) || processRuns(process)) continue;
      mourned.add(process.name);
      console.log(`${clock()} ${process.name} ended; ./dev logs ${process.name} shows why`);
    }
    const now = await fetchHosts(started.queryApi, signal).then(summary, (error: Error) =>
      signal.aborted ? last : `query-api: ${error.message}`,
    );
    if (now !== last) console.log(`${clock()} ${now}`);
    last = now;
    await delay(2_000, undefined, { signal }).catch(() => undefined);
  }
}

function clock(): string {
  return new Date().toTimeString().slice(0, 8);
}
