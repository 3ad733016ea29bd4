import { expect, test } from 'vitest';
import { changeAt } from './churn.ts';
import { running } from './domain-row.ts';
import { SimulatedHost } from './state.ts';

const fleet = (): SimulatedHost[] =>
  ['hv1', 'hv2'].map((hostname) => new SimulatedHost({ hostname, domains: 5 }, 0));

/** Plays it as the daemons would: what cannot be done throws. */
function play(seed: string, steps: number): { told: string[]; hosts: SimulatedHost[] } {
  const hosts = fleet();
  const told: string[] = [];
  for (let step = 0; step < steps; step++) {
    const next = changeAt(seed, step, hosts);
    if (next === undefined) throw new Error('nothing can happen');
    const { host, domain, change } = next;
    const on = hosts[host] as SimulatedHost;
    told.push(`${on.hostname} ${domain.config.name} ${change}`);
    if (change === 'start') on.start(domain, step);
    else if (change === 'suspend' || change === 'resume') on[change](domain, step);
    else on[change](domain);
  }
  return { told, hosts };
}

test('the same seed is the same history, another one is not, and every change can be made', () => {
  const { told, hosts } = play('a', 500);
  expect(play('a', 500).told).toEqual(told);
  expect(play('b', 500).told).not.toEqual(told);
  expect(new Set(told.map((line) => line.split(' ')[2]))).toEqual(
    new Set(['suspend', 'resume', 'reset', 'shutdown', 'start']),
  );
  const states = hosts.flatMap((host) => [...host.domains].map(({ state }) => state));
  expect(states).toContain(running);
});

test('a fleet without hosts, or a host without domains, stands still', () => {
  expect(changeAt('a', 0, [])).toBeUndefined();
  expect(changeAt('a', 0, [new SimulatedHost({ hostname: 'hv1' }, 0)])).toBeUndefined();
});
