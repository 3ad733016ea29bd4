/**
 * Prints how many CPUs each running domain keeps busy: two bulk calls, whatever their number.
 *
 *     node examples/cpu-load.ts [URI] [SECONDS]
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node-libvirt';
import {
  VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE,
  VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
  VIR_DOMAIN_STATS_CPU_TOTAL,
} from 'node-libvirt/constants';

const [uri = 'qemu:///system', seconds = '1'] = process.argv.slice(2);
const ask = {
  stats: VIR_DOMAIN_STATS_CPU_TOTAL,
  flags: VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT,
};

await using session = await connect(uri);
const firstMs = performance.now();
const before = new Map<string, number>();
for (const { domain, params } of await session.connectGetAllDomainStats(ask)) {
  const cpuTimeNs = params.get('cpu.time');
  if (cpuTimeNs !== undefined) before.set(domain.uuid, Number(cpuTimeNs));
}
await delay(Number(seconds) * 1_000);
const tookNs = (performance.now() - firstMs) * 1e6;
for (const { domain, params } of await session.connectGetAllDomainStats(ask)) {
  const earlier = before.get(domain.uuid);
  const cpuTimeNs = params.get('cpu.time');
  // Absent is unknown, never zero: this domain could not be asked in time, or has just started.
  if (earlier === undefined || cpuTimeNs === undefined) console.log(`${domain.name} unknown`);
  else console.log(`${domain.name} ${((Number(cpuTimeNs) - earlier) / tookNs).toFixed(2)}`);
}
