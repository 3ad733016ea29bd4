/** What happens in a fleet that lives: one change after the other, the same for the same seed. */
import { createHash } from 'node:crypto';
import { paused, running, type DomainRow } from './domain-row.ts';
import type { SimulatedHost } from './state.ts';

export type Change = 'suspend' | 'resume' | 'reset' | 'shutdown' | 'start';

/** The `step`th change: on which host, of which of its domains, and what. */
export function changeAt(
  seed: string,
  step: number,
  hosts: readonly SimulatedHost[],
): { host: number; domain: DomainRow; change: Change } | undefined {
  const dice = createHash('sha256').update(`${seed}/churn/${step}`).digest();
  const host = dice.readUInt32LE(0) % Math.max(hosts.length, 1);
  const rows = [...(hosts[host]?.domains ?? [])];
  const domain = rows[dice.readUInt32LE(4) % Math.max(rows.length, 1)];
  if (domain === undefined) return undefined;
  return { host, domain, change: changeOf(domain, dice.readUInt32LE(8) % 10) };
}

/** Most domains that run go on running. */
function changeOf({ state }: DomainRow, die: number): Change {
  if (state === paused) return 'resume';
  if (state !== running) return 'start';
  if (die < 5) return 'suspend';
  return die < 8 ? 'reset' : 'shutdown';
}
