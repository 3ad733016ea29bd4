import { expect, test } from 'vitest';
import { inventoryOf } from './inventory-file.ts';
import { hostEntry, inventoryChange, parseInventory, type WantedHost } from './inventory.ts';

const uri = 'qemu:///system';

test('a bad entry costs itself alone, and says where it is and why', () => {
  const { hosts, problems } = parseInventory({
    hosts: [
      { id: 'hv1', uri },
      { id: 'has.dot', uri },
      { id: 'hv2' },
      { id: 'hv1', uri },
      { id: 'hv3', uri, colour: 'red' },
      'hv4',
      { id: 'hv5', uri: 'no uri' },
      { id: 'hv6', uri, labels: { zone: 'a' } },
    ],
  });
  expect(hosts?.map(({ id }) => id)).toEqual(['hv1', 'hv6']);
  expect(problems.map(({ path }) => path.join('.'))).toEqual([
    'hosts.1.id',
    'hosts.2.uri',
    'hosts.3.id',
    'hosts.4',
    'hosts.5',
    'hosts.6.uri',
  ]);
});

test('a file that is no inventory is not an empty inventory', () => {
  for (const value of [null, 'x', [], {}, { hosts: 'x' }, { hosts: [], more: 1 }]) {
    const { hosts, problems } = parseInventory(value);
    expect(hosts).toBeUndefined();
    expect(problems).not.toEqual([]);
  }
  expect(parseInventory({ hosts: [] })).toMatchObject({ hosts: [], problems: [] });
});

test('a problem names file, line, path and reason', () => {
  const { problems } = inventoryOf(
    {
      value: { hosts: [{ id: 'a b', uri }] },
      locate: (path) => `fleet.yaml:3:9(${path.length})`,
    },
    [],
  );
  expect(problems).toEqual([
    'fleet.yaml:3:9(3): hosts.0.id: a host id has 1 to 63 letters, digits, "_" or "-", the first no sign',
  ]);
});

test('a wanted host whose entry turns bad stays as it was; one that is taken out goes', () => {
  const locate = (): string => 'fleet.yaml:1:1';
  const hosts = (value: unknown, before: WantedHost[]): WantedHost[] =>
    inventoryOf({ value, locate }, before).hosts ?? [];
  const before = hosts(
    {
      hosts: [
        { id: 'hv1', uri },
        { id: 'hv2', uri },
      ],
    },
    [],
  );
  const after = hosts({ hosts: [{ id: 'hv1', uri, labels: 7 }] }, before);
  expect(after).toEqual(before.slice(0, 1));
});

test('a file that takes out more than a tenth of the hosts must say that it means it', () => {
  const locate = (): string => 'fleet.yaml:1:1';
  const file = (count: number, more = {}): { value: unknown; locate: () => string } => ({
    value: { hosts: Array.from({ length: count }, (_, i) => ({ id: `hv${i}`, uri })), ...more },
    locate,
  });
  const before = inventoryOf(file(30), []).hosts ?? [];
  expect(inventoryOf(file(27), before).hosts).toHaveLength(27);
  expect(inventoryOf(file(26), before)).toMatchObject({
    hosts: undefined,
    problems: [expect.stringContaining('takes out 4 of 30 hosts at once, above 3')],
  });
  expect(inventoryOf(file(0, { allowRemovals: true }), before).hosts).toEqual([]);
  // One may always go.
  expect(inventoryOf(file(1), before.slice(0, 2)).hosts).toHaveLength(1);
  expect(inventoryOf(file(0), before.slice(0, 2)).hosts).toBeUndefined();
});

test('the bus is told the name of a profile, never a URI', () => {
  const [host] = parseInventory({ hosts: [{ id: 'hv1', uri, displayName: 'One' }] }).hosts ?? [];
  expect(JSON.stringify(hostEntry(host as WantedHost, 'fleet'))).not.toContain('qemu:');
});

test('a change of inventory moves only the hosts that changed', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((id): WantedHost => ({
    id,
    uri,
    profile: `inline-${id}`,
    labels: {},
    identity: 'uuid',
    relistIntervalSeconds: 10,
  })) as [WantedHost, WantedHost, WantedHost];
  const b2 = { ...b, uri: 'test:///default' };
  expect(inventoryChange([a, b], [a, b2, c])).toEqual({ added: [c], removed: [], changed: [b2] });
  expect(inventoryChange([a, b], [b])).toEqual({ added: [], removed: ['a'], changed: [] });
});
