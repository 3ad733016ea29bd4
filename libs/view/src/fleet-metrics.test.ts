import { expect, test } from 'vitest';
import { Asking } from './asking.ts';
import { fleetMetrics, type MetricsQuery } from './fleet-metrics.ts';
import { runAll } from './sliced.ts';
import { at, bytes, config, entry, page, presence, record, World } from './world.fixture.ts';

function world(): World {
  const made = World.ready();
  made.apply(entry('hv1', { labels: { zone: 'a"b', secret: 's' } }), entry('hv2'));
  made.state(presence('hv1', 1, { config: config(), name: 'a\\b"c\nd' }), record('hv1'));
  made.beat(1_000, { hv1: { upTo: 2 } });
  made.view.statsOpened();
  made.view.statsBrokerTime(0, 0);
  const columns = { 'cpu.time': [5e9], 'block.0.rd.bytes': [7], 'net.0.rx.bytes': [null] };
  made.view.statsMessage('virt.v1.stats.hv1.fast.0', bytes(page('hv1', { columns })), 900, 900);
  return made;
}

function textOf(query: Partial<MetricsQuery> = {}): string {
  const asking = new Asking(world().view, at(1_000));
  const answer = runAll(fleetMetrics(asking, { labels: ['zone'], names: 'virtscope', ...query }));
  return answer.ok ? answer.text : answer.reason;
}

test('every sample is well formed, holes are left out, and labels are those allowed', () => {
  const text = textOf();
  for (const line of text.trim().split('\n')) {
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+\{(\w+="([^"\\\n]|\\.)*",?)+\} -?[\d.e+-]+)$/);
  }
  expect(text).toContain('virtscope_domain_cpu_seconds_total{host="hv1",label_zone="a\\"b",');
  expect(text).toContain('domain="a\\\\b\\"c\\nd"} 5\n');
  expect(text).toContain('device="vda"} 7');
  expect(text).not.toContain('receive');
  expect(text).not.toContain('secret');
  expect(text).toContain('virtscope_host_live{host="hv2",trust="never"} 0');
});

test('the names of the common exporters stand behind a switch', () => {
  expect(textOf({ names: 'libvirt-exporter' })).toContain(
    'libvirt_domain_info_cpu_time_seconds_total{',
  );
});

test('shards are the whole, and none is told twice', () => {
  const lines = (text: string): string[] => text.split('\n').filter((line) => /^\w/.test(line));
  const shards = [0, 1, 2].flatMap((index) => lines(textOf({ shard: { index, of: 3 } })));
  expect(shards.toSorted()).toEqual(lines(textOf()).toSorted());
  expect(lines(textOf({ host: 'hv2' }))).toHaveLength(1);
});
