/** The whole fleet as Prometheus' text, written by hand: a hundred thousand domains are millions of samples. */
import { domainStates, type HostId } from '@virtscope/contracts';
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
  /** Absent: it has no such name there. */
  names: Readonly<Partial<Record<MetricNames, string>>>;
  /** From libvirt's unit to the metric's. */
  factor: number;
  fields: RegExp;
};

/** A field's number in the middle of its name (`net.0.rx.bytes`) becomes a label. */
const metrics: readonly Metric[] = [
  counter('cpu_seconds_total', 'info_cpu_time_seconds_total', 'CPU time used', /^cpu\.time$/, 1e-9),
  gauge('vcpus', 'info_virtual_cpus', 'Virtual CPUs', /^vcpu\.current$/),
  gauge(
    'memory_max_bytes',
    'info_maximum_memory_bytes',
    'Memory that it may have',
    /^balloon\.maximum$/,
    1024,
  ),
  gauge(
    'balloon_bytes',
    'info_memory_usage_bytes',
    'Memory that the balloon leaves',
    /^balloon\.current$/,
    1024,
  ),
  gauge(
    undefined,
    'memory_stats_actual_balloon_bytes',
    'Memory that the balloon leaves',
    /^balloon\.current$/,
    1024,
  ),
  gauge('rss_bytes', 'memory_stats_rss_bytes', 'Memory that QEMU holds', /^balloon\.rss$/, 1024),
  ...[
    ['read_bytes_total', 'read_bytes_total', 'Bytes read', 'rd\\.bytes'],
    ['written_bytes_total', 'write_bytes_total', 'Bytes written', 'wr\\.bytes'],
    ['reads_total', 'read_requests_total', 'Read requests', 'rd\\.reqs'],
    ['writes_total', 'write_requests_total', 'Write requests', 'wr\\.reqs'],
  ].map(([ours, common, help, field]) =>
    counter(
      `block_${ours}`,
      `block_stats_${common}`,
      help ?? '',
      new RegExp(`^block\\.(\\d+)\\.${field}$`),
    ),
  ),
  ...(['receive', 'transmit'] as const).flatMap((direction) =>
    (
      [
        ['bytes', 'bytes', 'Bytes'],
        ['packets', 'pkts', 'Packets'],
        ['errors', 'errs', 'Errors'],
        ['drops', 'drop', 'Dropped packets'],
      ] as const
    ).map(([what, field, help]) =>
      counter(
        `net_${direction}_${what}_total`,
        `interface_stats_${direction}_${what}_total`,
        `${help}, ${direction === 'receive' ? 'received' : 'sent'}`,
        new RegExp(`^net\\.(\\d+)\\.${direction === 'receive' ? 'rx' : 'tx'}\\.${field}$`),
      ),
    ),
  ),
];

function counter(
  ours: string | undefined,
  common: string,
  help: string,
  fields: RegExp,
  factor = 1,
): Metric {
  const names = {
    ...(ours === undefined ? {} : { virtscope: `virtscope_domain_${ours}` }),
    'libvirt-exporter': `libvirt_domain_${common}`,
  };
  return { type: 'counter', help, names, factor, fields };
}

function gauge(...of: Parameters<typeof counter>): Metric {
  return { ...counter(...of), type: 'gauge' };
}

/** At virDomainState's numbers. */
const stateCodes: readonly string[] = domainStates;

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
  const isCommon = names === 'libvirt-exporter';
  const up = isCommon
    ? family('gauge', 'libvirt_up', 'Whether what is known of the host is current')
    : family('gauge', 'virtscope_host_live', 'Whether what is known of the host is current');
  const number = family('gauge', 'libvirt_domains_number', 'Domains of the host');
  const info = family('gauge', 'virtscope_domain_info', 'What a domain is: always 1');
  const running = family('gauge', 'virtscope_domain_running', 'Whether the domain runs');
  const code = family('gauge', 'libvirt_domain_state_code', "libvirt's number of the state");
  const families = metrics.map((each) => family(each.type, each.names[names] ?? '', each.help));
  let samples = 0;
  for (const each of hosts) {
    const facts = book.of(each);
    const hostLabels = labelsOf(facts, labels);
    const { trust, slot } = asking.host(each);
    up.samples.push(`{${hostLabels},trust="${trust}"} ${trust === 'live' ? 1 : 0}`);
    const columns = columnsOf(facts, names);
    const rows = asking.seen(slot?.sorted ?? []);
    if (isCommon) number.samples.push(`{${hostLabels}} ${rows.length}`);
    for (const row of rows) {
      const domain = `${hostLabels},uuid="${row.uuid}",domain="${escaped(row.name)}"`;
      info.samples.push(
        `{${domain},state="${row.state}",machine="${escaped(row.config?.machine ?? '')}"} 1`,
      );
      running.samples.push(`{${domain}} ${row.state === 'running' ? 1 : 0}`);
      samples += 2;
      if (isCommon) {
        code.samples.push(`{${domain}} ${Math.max(0, stateCodes.indexOf(row.state))}`);
        samples++;
      }
      for (const { index, field, device } of columns) {
        const value = facts.stat(row, field);
        if (typeof value !== 'number') continue;
        const more = device === undefined ? '' : deviceLabels(row, field, device, isCommon);
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
  for (const { head, samples: lines } of [up, number, info, running, code, ...families]) {
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

function columnsOf(facts: HostFacts, names: MetricNames): Column[] {
  const fields = new Set(facts.pages.flatMap(({ held }) => Object.keys(held.page.columns)));
  return [...fields].flatMap((field) =>
    metrics.flatMap((each, index) => {
      const match = each.names[names] === undefined ? null : each.fields.exec(field);
      if (match === null) return [];
      const [, device] = match;
      return { index, field, device: device === undefined ? undefined : Number(device) };
    }),
  );
}

/** The disk or interface by the name that the guest's operator knows; else by its number. */
function deviceLabels({ config }: Row, field: string, device: number, isCommon: boolean): string {
  const [disk, nic] = field.startsWith('net.')
    ? [undefined, config?.interfaces[device]]
    : [config?.disks[device], undefined];
  const name = escaped(disk?.target ?? nic?.target ?? String(device));
  if (!isCommon) return `,device="${name}"`;
  const source = disk?.source === undefined ? '' : `,source_file="${escaped(disk.source)}"`;
  return `,target_device="${name}"${source}`;
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
