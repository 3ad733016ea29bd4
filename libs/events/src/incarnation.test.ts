import type { DomainConfig } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { emptyBus, Feed, started, uuid } from './feed.fixture.ts';
import { isRenewed } from './incarnation.ts';

const config = (more: Partial<DomainConfig> = {}): DomainConfig => ({
  observedAt: '2026-01-01T00:00:00.000Z',
  xmlHash: 'f00d',
  disks: [],
  interfaces: [{ type: 'network', mac: '52:54:00:00:00:01', target: 'vnet0' }],
  graphics: [{ type: 'vnc', port: 5900, autoport: true }],
  channels: [{ type: 'unix', target: 'agent', source: '/run/domain-1-vm/agent' }],
  processLabel: 'system_u:system_r:svirt_t:s0:c1,c2',
  ...more,
});

test.for([
  [
    'a tap device',
    { interfaces: [{ type: 'network', mac: '52:54:00:00:00:01', target: 'vnet7' }] },
  ],
  ['a display’s port', { graphics: [{ type: 'vnc', port: 5903, autoport: true }] }],
  ['a channel’s socket', { channels: [{ type: 'unix', target: 'agent', source: '/run/other' }] }],
  ['the process label', { processLabel: 'system_u:system_r:svirt_t:s0:c7,c9' }],
] as const)('%s that libvirt gave anew is another run', ([, more]) => {
  expect(isRenewed(config(), config(more as Partial<DomainConfig>))).toBe(true);
});

test('devices that came or went, and ports that the operator chose, are not', () => {
  const more = [
    ...config().interfaces,
    { type: 'network', mac: '52:54:00:00:00:02', target: 'v1' },
  ];
  expect(isRenewed(config(), config({ interfaces: more }))).toBe(false);
  expect(isRenewed(config(), config({ interfaces: [], graphics: [], channels: [] }))).toBe(false);
  const chosen = (port: number) => config({ graphics: [{ type: 'vnc', port, autoport: false }] });
  expect(isRenewed(chosen(5901), chosen(5902))).toBe(false);
});

const outcome = (of: DomainConfig) => ({
  config: of,
  persistent: true,
  autostart: false,
  managedSave: false,
});

const restarts = (feed: Feed): unknown[] =>
  feed.told.filter(({ kind }) => kind === 'restarted').map(({ before, after }) => [before, after]);

/** A feed that knows the domain's configuration. */
function known(): Feed {
  const feed = new Feed();
  feed.input({ type: 'config', uuid, outcome: outcome(config()) });
  return feed;
}

const same = [{ state: 'running', id: 4 }];

test('a host that booted while nobody watched may give the same id: the run is told anew', () => {
  const before = new Feed({ config: config() });
  const rows = before.row === undefined ? [] : [before.row];
  const next = new Feed({
    base: { ...emptyBus, rows, record: before.record && { seq: 1, body: before.record } },
    epoch: 101,
    config: config({ processLabel: 'system_u:system_r:svirt_t:s0:c7,c9' }),
  });
  expect(restarts(next)).toEqual([[same[0], same[0]]]);
  expect(next.told.find(({ kind }) => kind === 'restarted')).toMatchObject({ synthesised: true });
});

test('a start that was heard is no other run than it says', () => {
  const feed = known();
  feed.libvirt = { found: true, name: 'vm', id: 5, state: 1, reason: 1 };
  feed.hears(started);
  feed.input({ type: 'config', uuid, outcome: outcome(config({ processLabel: 'other' })) });
  expect(restarts(feed)).toEqual([]);
});

test('a hint of the sampler is told once, and only of the run that it means', () => {
  const feed = known();
  feed.input({ type: 'hinted', uuid, id: 3 });
  expect(restarts(feed)).toEqual([]);
  feed.input({ type: 'hinted', uuid, id: 4 });
  feed.input({ type: 'config', uuid, outcome: outcome(config({ processLabel: 'other' })) });
  expect(restarts(feed)).toHaveLength(1);
});
