import { domainRowSchema, maxRowBytes, type DomainConfig } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { presenceRow, type Truth } from './row.ts';

const uuid = '6695eb01-f6a4-8304-79aa-97f2502e193f';
const by = { host: 'hv1', epoch: 5, seq: 1, lastEvent: null };

function rowOf(parts: Partial<DomainConfig>): ReturnType<typeof presenceRow> {
  const truth: Truth = {
    name: 'vm1',
    id: 1,
    state: 'running',
    stateReason: 'booted',
    stateFrom: 'read',
    stateObservedMs: 0,
    persistent: true,
    autostart: false,
    managedSave: false,
    config: {
      observedAt: '2026-01-01T00:00:00.000Z',
      xmlHash: '',
      disks: [],
      interfaces: [],
      ...parts,
    },
  };
  const row = presenceRow(uuid, truth, by);
  expect(JSON.stringify(row).length).toBeLessThanOrEqual(maxRowBytes);
  expect(domainRowSchema.safeParse(row).success).toBe(true);
  return row;
}

const ofBytes = (kib: number): string[] => Array.from({ length: kib }, () => 'x'.repeat(1000));
const disks = (kib: number): DomainConfig['disks'] =>
  ofBytes(kib).map((source, index) => ({ type: 'file', target: `vd${index}`, source }));
const metadata = (kib: number): DomainConfig['metadata'] => ({
  urn: Object.fromEntries(ofBytes(kib).map((value, index) => [`path/${index}`, value])),
});

test('a row within the bound keeps everything', () => {
  const row = rowOf({ disks: disks(100), metadata: metadata(100) });
  expect(row.config).not.toHaveProperty('omitted');
  expect(row.config?.disks).toHaveLength(100);
});

test('bus rule 10: of the parts whose going suffices, the one goes that is missed least', () => {
  const row = rowOf({ disks: disks(150), metadata: metadata(120), description: 'short' });
  expect(row.config?.omitted).toEqual(['metadata']);
  expect(row.config).toMatchObject({ description: 'short' });
  expect(row.config?.disks).toHaveLength(150);
});

test('a part that cannot suffice is not given up for one that can', () => {
  const row = rowOf({ disks: disks(260), metadata: metadata(5), omitted: ['disks'] });
  expect(row.config?.omitted).toEqual(['disks']);
  expect(row.config?.disks).toEqual([]);
  expect(row.config?.metadata).toBeDefined();
});

test('where no part suffices by itself, the largest goes first', () => {
  const row = rowOf({ disks: disks(600), metadata: metadata(300), title: 't' });
  expect(row.config?.omitted).toEqual(['disks', 'metadata']);
  expect(row.config?.title).toBe('t');
});
