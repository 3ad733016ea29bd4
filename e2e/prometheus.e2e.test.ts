/** Beside Debian's exporter: whoever scrapes it may scrape us, host by host, with the same names. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Stack, freePort, toolsDir, waitFor } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';

type Sample = { name: string; labels: Record<string, string>; value: number };

const owned = new AsyncDisposableStack();
let stack: Stack;
let exporterUrl: string;

beforeAll(async () => {
  stack = owned.use(await Stack.start(() => [], { VIRTSCOPE_MONITOR_PERIOD_MS: '1000' }));
  await stack.startGuest('running');
  await stack.startGuest('still');
  await stack.libvirtd.virsh('suspend', 'still');
  await stack.live();
  const path = ['prometheus-libvirt-exporter', 'usr/bin/prometheus-libvirt-exporter'];
  const unpacked = join(toolsDir(), ...path);
  const listen = `127.0.0.1:${await freePort()}`;
  const exporter = spawn(
    existsSync(unpacked) ? unpacked : 'prometheus-libvirt-exporter',
    [`--libvirt.uri=${stack.libvirtd.uri}`, `--web.listen-address=${listen}`],
    { stdio: 'ignore' },
  );
  owned.defer(async () => {
    exporter.kill();
    await once(exporter, 'exit');
  });
  exporterUrl = `http://${listen}/metrics`;
});

afterAll(() => owned.disposeAsync());

async function scrape(url: string): Promise<Sample[]> {
  const text = await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).text();
  return text.split('\n').flatMap((line) => {
    const match = /^(libvirt_\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (match === null) return [];
    const labels = [...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    return {
      name: match[1] ?? '',
      labels: Object.fromEntries(labels.map(([, key, value]) => [key ?? '', value ?? ''])),
      value: Number(match[3]),
    };
  });
}

/** Ours may have more labels: the host, and why it is believed. */
const alike = (ours: Sample, theirs: Sample): boolean =>
  ours.name === theirs.name &&
  Object.entries(theirs.labels).every(([label, value]) => ours.labels[label] === value);

test('every sample of the exporter is one of ours, by its name, its labels and its value', async () => {
  const theirs = await waitFor(
    async () => {
      const samples = await scrape(exporterUrl);
      return samples.some(({ name }) => name.includes('cpu_time')) && samples;
    },
    { what: 'the exporter', timeoutMs: 30_000 },
  );
  expect(new Set(theirs.map(({ name }) => name)).size).toBeGreaterThan(10);
  const url = `${stack.url}/metrics/fleet?names=libvirt-exporter&host=hv1`;
  const ours = await waitFor(
    async () => {
      const samples = await scrape(url);
      return theirs.every((each) => samples.some((our) => alike(our, each))) && samples;
    },
    { what: 'each of its samples among ours', timeoutMs: 40_000 },
  );
  const valueOf = (each: Sample): number | undefined =>
    ours.find((candidate) => alike(candidate, each))?.value;
  const isMoving = ({ name, labels }: Sample): boolean =>
    name.includes('cpu_time') || (labels['domain'] === 'running' && name.endsWith('_total'));
  const still = theirs.filter((each) => !isMoving(each));
  expect(still.map((each) => ({ ...each, value: valueOf(each) }))).toEqual(still);
  // Scraped one after the other: what goes on counting is further on in ours, but for CPU time,
  // which may be of a sample some seconds old.
  for (const each of theirs.filter(isMoving)) {
    const olderBy = each.name.includes('cpu_time') ? 0.5 : 0;
    expect(valueOf(each)).toBeGreaterThanOrEqual(each.value - olderBy);
  }
});
