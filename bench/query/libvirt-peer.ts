/** What the same questions cost when libvirtd is asked: real QEMU domains over its UNIX socket. */
import { defineAndStart, pulseGuest, startLibvirtd, tempDir } from '@virtscope/testkit';
import { connect } from 'node-libvirt';
import { quantile } from '../report.ts';

/** virDomainStatsTypes: state, cpu-total, balloon, vcpu, interface, block. */
const stateGroup = 1;
const sixGroups = 63;

/** Milliseconds per domain: a loop of state calls, one bulk call of states, one of six groups. */
export async function askLibvirt(
  domains: number,
): Promise<{ loopMs: number; bulkMs: number; bulk6Ms: number }> {
  await using folder = await tempDir('vs-bench-');
  await using daemon = await startLibvirtd({ name: 'bench' });
  for (let i = 0; i < domains; i++) {
    await defineAndStart(daemon, pulseGuest(folder.path, { name: `bench-${i}` }));
  }
  await using session = await connect(daemon.uri);
  const names = Array.from({ length: domains }, (_, i) => `bench-${i}`);
  const handles = await Promise.all(names.map((name) => session.domainLookupByName(name)));
  const rounds = 5;
  const each = async (work: () => Promise<unknown>): Promise<number> => {
    const took: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const startedMs = performance.now();
      await work();
      took.push((performance.now() - startedMs) / domains);
    }
    return quantile(took, 0.5);
  };
  const loopMs = await each(async () => {
    for (const handle of handles) await session.domainGetState(handle);
  });
  const bulkMs = await each(() => session.connectGetAllDomainStats({ stats: stateGroup }));
  const bulk6Ms = await each(() =>
    session.connectGetAllDomainStats({ stats: sixGroups }, { timeoutMs: 60_000 }),
  );
  return { loopMs, bulkMs, bulk6Ms };
}
