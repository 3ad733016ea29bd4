/** What a host that nothing happens on costs libvirtd in a minute. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ServiceProcess } from '@virtscope/testkit';
import type { Row } from '../report.ts';

const minuteMs = 60_000;

/**
 * Calls of event-bridge with the reason `poll` in a quiet minute, which are to be none; beside them
 * all of its calls, the audit's, in the same minute.
 */
export async function quietMinute(bridge: ServiceProcess, host: string): Promise<Row[]> {
  const before = await callsOf(bridge, host);
  const startedMs = performance.now();
  await delay(minuteMs);
  const after = await callsOf(bridge, host);
  const perMinute = minuteMs / (performance.now() - startedMs);
  const polled = (after.polls - before.polls) * perMinute;
  return [
    {
      id: 'calls_per_quiet_minute',
      value: polled,
      unit: 'calls',
      goal: '0',
      met: polled === 0,
    },
    {
      id: 'calls_per_quiet_minute.any_reason',
      value: (after.all - before.all) * perMinute,
      unit: 'calls',
    },
  ];
}

async function callsOf(
  bridge: ServiceProcess,
  host: string,
): Promise<{ polls: number; all: number }> {
  let [polls, all] = [0, 0];
  for (const { labels, value } of await bridge.metric('virtscope_libvirt_calls_total')) {
    if (labels['host'] !== host) continue;
    all += value;
    if (labels['reason'] === 'poll') polls += value;
  }
  return { polls, all };
}
