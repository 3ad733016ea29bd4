/** The whole fleet as Prometheus' text, written by hand: a hundred thousand domains are millions of samples. */
import type { HostId } from '@virtscope/contracts';
import type { Asking } from './asking.ts';
import { FactsBook, type HostFacts } from './facts.ts';
import type { Row } from './row.ts';
import type { Sliced } from './sliced.ts';

/** An answer with more samples is refused: ask for a host, or for one shard of several. */
export const maxSamples = 500_000;

/** Which name a stats field has: our own, or that of the common exporters. */
export type MetricNames = 'virtscope' | 'libvirt-exporter';

export type MetricsQuery = {
  host?: HostId | undefined;
  /** Hosts are dealt out by their place in the order of ids: `index` of `of`, from 0. */
  shard?: { index: number; of: number } | undefined;
  /** Labels of hosts that become labels of samples. */
  labels: readonly string[];
  names: MetricNames;
};

type Metric = {
  type: 'counter' | 'gauge';
  help: string;
  names: Readonly<Record<MetricNames, string>>;
  /** From libvirt's unit to the metric's. */
  factor: number;
  fields: RegExp;
};

/** A field's number in the middle of its name (`net.0.rx.bytes`) becomes a label. */
const metrics: readonly Metric[] = [
  metric(
    'counter',
    'cpu_seconds_total',
    'info_cpu_time_seconds_total',
    'CPU time used',
    /^cpu\.time$/,
    1e-9,
  ),
  metric(
    'gauge',
    'balloon_bytes',
    'memory_stats_actual_balloon_bytes',
    'Memory that the balloon leaves',
    /^balloon\.current$/,
    1024,
  ),
  metric(
    'gauge',
    'rss_bytes',
    'memory_stats_rss_bytes',
    'Memory that QEMU holds',
    /^balloon\.rss$/,
    1024,
  ),
  metric(
    'counter',
    'block_read_bytes_total',
    'block_stats_read_bytes_total',
    'Bytes read',
    /^block\.(\d+)\.rd\.bytes$/,
    1,
  ),
  metric(
    'counter',
    'block_written_bytes_total',
    'block_stats_write_bytes_total',
    'Bytes written',
    /^block\.(\d+)\.wr\.bytes$/,
    1,
  ),
  metric(
    'counter',
    'block_reads_total',
    'block_stats_read_requests_total',
    'Read requests',
    /^block\.(\d+)\.rd\.reqs$/,
    1,
  ),
  metric(
    'counter',
    'block_writes_total',
    'block_stats_write_requests_total',
    'Write requests',
    /^block\.(\d+)\.wr\.reqs$/,
    1,
  ),
  metric(
    'counter',
    'net_receive_bytes_total',
    'interface_stats_receive_bytes_total',
    'Bytes received',
    /^net\.(\d+)\.rx\.bytes$/,
    1,
  ),
  metric(
    'counter',
    'net_transmit_bytes_total',
    'interface_stats_transmit_bytes_total',
    'Bytes sent',
    /^net\.(\d+)\.tx\.bytes$/,
    1,
  ),
];

function metric(
  type: Metric['type'],
  ours: string,
  common: string,
  help: string,
  fields: RegExp,
  factor: number,
): Metric {
  const names = {
    virtscope: `virtscope_domain_${ours}`,
    'libvirt-exporter': `libvirt_domain_${common}`,
  };
  return { type, help, names, factor, fields };
}

type Family = { head: string; samples: string[] };

/** @returns the text, or why there is none */
export function* fleetMetrics(
  asking: Asking,
  { host, shard, labels, names }: MetricsQuery,
): Sliced<{ ok: true; text: string } | { ok: false; reason: string }> {
  const all = [...asking.allHosts()].toSorted();
  const hosts = all.filter(
    (each, i) =>
      (host === undefined || each === host) &&
      (shard === undefined || i % shard.of === shard.index),
  );
  const book = new FactsBook(asking);
  const up = family('gauge', 'virtscope_host_live', 'Whether what is known of the host is current');
  const info = family('gauge', 'virtscope_domain_info', 'What a domain is: always 1');
  const running = family('gauge', 'virtscope_domain_running', 'Whether the domain runs');
  const families = metrics.map((each) => family(each.type, each.names[names], each.help));
  let samples = 0;
  for (const each of hosts) {
    const facts = book.of(each);
    const hostLabels = labelsOf(facts, labels);
    const { trust, slot } = asking.host(each);
    up.samples.push(`{${hostLabels},trust="${trust}"} ${trust === 'live' ? 1 : 0}`);
    const columns = columnsOf(facts);
    for (const row of slot?.sorted ?? []) {
      if (!asking.sees(row)) continue;
      const domain = `${hostLabels},uuid="${row.uuid}",domain="${escaped(row.name)}"`;
      info.samples.push(
        `{${domain},state="${row.state}",machine="${escaped(row.config?.machine ?? '')}"} 1`,
      );
      running.samples.push(`{${domain}} ${row.state === 'running' ? 1 : 0}`);
      samples += 2;
      for (const { index, field, device } of columns) {
        const value = facts.stat(row, field);
        if (typeof value !== 'number') continue;
        const more =
          device === undefined ? '' : `,device="${escaped(deviceName(row, field, device))}"`;
        const { factor } = metrics[index] ?? { factor: 1 };
        families[index]?.samples.push(`{${domain}${more}} ${value * factor}`);
        samples++;
      }
      if (samples > maxSamples) {
        const reason = `more than ${maxSamples} samples: ask with ?host= or ?shard=0/${Math.ceil(asking.view.table.rows / 10_000)} and its likes`;
        return { ok: false, reason };
      }
    }
    yield;
  }
  let text = '';
  for (const { head, samples: lines } of [up, info, running, ...families]) {
    if (lines.length === 0) continue;
    const [, name = ''] = /^# TYPE (\S+)/m.exec(head) ?? [];
    text += head;
    for (const line of lines) text += `${name}${line}\n`;
    yield;
  }
  return { ok: true, text };
}

function family(type: Metric['type'], name: string, help: string): Family {
  return { head: `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`, samples: [] };
}

function labelsOf(facts: HostFacts, allowed: readonly string[]): string {
  const parts = [`host="${facts.host}"`];
  for (const name of allowed) {
    const value = facts.label(name);
    if (value !== undefined) parts.push(`label_${name.replaceAll(/\W/g, '_')}="${escaped(value)}"`);
  }
  return parts.join(',');
}

type Column = { index: number; field: string; device: number | undefined };

function columnsOf(facts: HostFacts): Column[] {
  const fields = new Set(facts.pages.flatMap(({ held }) => Object.keys(held.page.columns)));
  return [...fields].flatMap((field) => {
    const index = metrics.findIndex((each) => each.fields.test(field));
    if (index < 0) return [];
    const number = metrics[index]?.fields.exec(field)?.[1];
    return { index, field, device: number === undefined ? undefined : Number(number) };
  });
}

/** The disk or interface by the name that the guest's operator knows; else by its number. */
function deviceName({ config }: Row, field: string, device: number): string {
  const name = field.startsWith('net.')
    ? config?.interfaces[device]?.target
    : config?.disks[device]?.target;
  return name ?? String(device);
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
