import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startFarLink, startLibvirtd, tempDir } from '@virtscope/testkit';
import { expect, test } from 'vitest';
import { connect } from './connect.ts';
import type { CallBill } from './rpc/call.ts';

const delayMs = 40;
const count = 100;

test('100 domains and their XML come over a long path, four calls under way at a time', async () => {
  await using dir = await tempDir();
  const file = join(dir.path, 'node.xml');
  const names = Array.from({ length: count }, (_, i) => `vm${i}`);
  const domain = (name: string): string =>
    `<domain type='test'><name>${name}</name><memory>1024</memory><os><type>hvm</type></os></domain>`;
  writeFileSync(file, `<node>${names.map(domain).join('\n')}</node>`);
  await using link = await startFarLink({ delayMs });
  await using host = await startLibvirtd({ link, listen: { tcp: true } });
  const bills: CallBill[] = [];
  await using session = await connect(`test+tcp://${link.farAddress}:${host.tcpPort}${file}`, {
    maxLowPriorityInFlight: 4,
    onCall: (bill) => bills.push(bill),
  });
  const domains = await session.connectListAllDomains();
  bills.length = 0;
  const texts = await Promise.all(domains.map((one) => session.domainGetXmlDesc(one)));
  const found = texts.map((text) => /<name>(.*?)<\/name>/.exec(text)?.[1]);
  expect(found).toHaveLength(count);
  expect(new Set(found)).toEqual(new Set(names));
  // Each took a round trip, and all but the first four waited for one of those before them.
  const roundTripMs = 2 * delayMs - 1; // timers may be early by less than that
  expect(bills.every(({ tookMs }) => tookMs >= roundTripMs)).toBe(true);
  expect(bills.filter(({ queuedMs }) => queuedMs < roundTripMs)).toHaveLength(4);
});
