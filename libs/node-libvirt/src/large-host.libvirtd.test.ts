import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startLibvirtd, tempDir } from '@virtscope/testkit';
import { expect, test } from 'vitest';
import { allDomainStats } from './all-domain-stats.ts';
import { connect } from './connect.ts';
import { VIR_DOMAIN_STATS_STATE } from './constants/flags.ts';

const count = 17_000;

/** A host of libvirt's test driver; every other domain is shut off. */
function testHost(): string {
  const domains = Array.from(
    { length: count },
    (_, i) =>
      `<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>` +
      `<name>vm${i}</name><memory>1024</memory><os><type>hvm</type></os>` +
      `<test:runstate>${i % 2 === 0 ? 1 : 5}</test:runstate></domain>`,
  );
  return `<node>${domains.join('\n')}</node>`;
}

const versions = ['installed', '11'] as const;

test.each(versions)(
  'libvirt, %s, gives 17,000 domains and their stats in parts',
  async (version) => {
    await using dir = await tempDir();
    await using daemon = await startLibvirtd({ dir: dir.path, version });
    const file = join(dir.path, 'node.xml');
    writeFileSync(file, testHost());
    const uri = `test+unix://${file}?socket=${daemon.socketRo}`;
    await using session = await connect(uri, { connectTimeoutMs: 60_000, callTimeoutMs: 60_000 });
    const stats = VIR_DOMAIN_STATS_STATE;
    await expect(session.connectGetAllDomainStats({ stats })).rejects.toMatchObject({ code: 1 });
    const domains = await session.connectListAllDomains();
    expect(new Set(domains.map(({ name }) => name)).size).toBe(count);
    const { records, vanished } = await allDomainStats(session, { domains, stats, chunk: 5_000 });
    expect(records.filter(({ params }) => params.get('state.state') === 1)).toHaveLength(count / 2);
    expect(records).toHaveLength(count);
    expect(vanished).toEqual([]);
  },
);
