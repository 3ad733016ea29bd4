import type { Paths } from '../paths.ts';
import { formatTable } from '../table.ts';
import { CannotError } from '../usage.ts';
import { fetchHosts } from '../workbench/overview.ts';
import { type State, isUp, processRuns, readState } from '../workbench/state.ts';

/** Prints what runs. @throws {CannotError} nothing does */
export async function status(paths: Paths, options: { json: boolean }): Promise<void> {
  const state = readState(paths.stateFile);
  if (state === undefined || !isUp(state)) {
    throw new CannotError('nothing runs; ./dev up starts a workbench');
  }
  console.log(options.json ? JSON.stringify(statusJson(state), undefined, 2) : await text(state));
}

export type StatusJson = {
  queryApi: string | null;
  nats: string | null;
  redis: string | null;
  hosts: { id: string; uri: string }[];
  services: { name: string; pid: number; metrics: string }[];
};

export function statusJson(state: State): StatusJson {
  return {
    queryApi: state.queryApi ?? null,
    nats: state.nats ?? null,
    redis: state.redis ?? null,
    hosts: state.hosts.map(({ id, uri }) => ({ id, uri })),
    services: state.processes
      .filter(({ layer }) => layer === 'service')
      .map(({ name, refs, metrics }) => ({ name, pid: refs[0]?.pid ?? 0, metrics: metrics ?? '' })),
  };
}

async function text(state: State): Promise<string> {
  const processes = state.processes.map((process) => [
    process.name,
    processRuns(process) ? 'runs' : 'ended',
    String(process.refs[0]?.pid ?? '-'),
    process.metrics ?? '',
  ]);
  const trust = new Map<string, string>();
  if (state.queryApi !== undefined) {
    const hosts = await fetchHosts(state.queryApi).catch(() => []);
    for (const host of hosts) trust.set(host.host, host.trust);
  }
  const hosts = state.hosts.map(({ id, uri }) => [id, trust.get(id) ?? 'unknown', uri]);
  return [
    formatTable([['PROCESS', 'STATE', 'PID', 'METRICS'], ...processes]),
    formatTable([['HOST', 'TRUST', 'URI'], ...hosts]),
    `query-api ${state.queryApi ?? 'does not run yet'}\nNATS      ${state.nats ?? '-'}\nRedis     ${state.redis ?? '-'}`,
  ].join('\n\n');
}
