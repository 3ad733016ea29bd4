/** What an answer shows of each row: everything, or the fields that were asked for. */
import type { HostId, StatsCell } from '@virtscope/contracts';
import type { HostFacts } from './facts.ts';
import { readPart, valueAt, type Part } from './paths.ts';
import type { Row } from './row.ts';
import type { CurrentPage } from './stats-table.ts';

export const maxFields = 100;

export type Projection = {
  /** As it was asked; empty for everything. */
  text: string;
  json: (row: Row, facts: HostFacts) => string;
  /** What its answers depend on beside rows and trust. */
  stats: boolean;
  config: boolean;
};

export const wholeRow: Projection = {
  text: '',
  json: (row, facts) => facts.asking.json(row),
  stats: false,
  config: true,
};

/** Reads `host,uuid,config.vcpusCurrent,stats.cpu.*`. */
export function readFields(
  text: string,
): { ok: true; projection: Projection } | { ok: false; reason: string } {
  const parts: Part[] = [];
  for (const name of new Set(text.split(',').map((each) => each.trim()))) {
    const part = readPart(name);
    if (typeof part === 'string') return { ok: false, reason: part };
    parts.push(part);
  }
  if (parts.length > maxFields) return { ok: false, reason: `more than ${maxFields} fields` };
  // Plain members are never empty: the commas between them stand in their texts already.
  const plain = parts
    .flatMap((part) => plainWriter(part) ?? [])
    .map((writer, i) => writer(i === 0 ? '' : ','));
  const config = configWriter(parts);
  const stats = statsWriter(parts);
  const others = [config, labelsWriter(parts), stats].filter((each) => each !== undefined);
  const projection: Projection = {
    text,
    stats: stats !== undefined,
    config: config !== undefined,
    json(row, facts) {
      let body = '';
      for (const write of plain) body += write(row, facts);
      for (const write of others) {
        const member = write(row, facts);
        if (member !== '') body += body === '' ? member : `,${member}`;
      }
      return `{${body}}`;
    },
  };
  return { ok: true, projection };
}

/** Members of the row's object, without braces; empty when there is nothing to say. */
type Writer = (row: Row, facts: HostFacts) => string;

/** @returns a writer for what stands before its member: nothing or a comma */
function plainWriter(part: Part): ((before: string) => Writer) | undefined {
  if (part.of === 'verifiedAt') {
    return (before) =>
      (row, { asking }) =>
        `${before}"verifiedAt":${JSON.stringify(asking.host(row.host).verifiedAt)}`;
  }
  if (part.of !== 'row') return undefined;
  const { field } = part;
  return (before) => {
    const start = `${before}"${field}":`;
    if (field === 'id') return (row, facts) => `${start}${facts.idOf(row)}`;
    if (field === 'name') return (row) => start + quoted(row.name);
    // Patterns keep these free of what JSON would escape.
    if (field === 'host' || field === 'uuid' || field === 'state') {
      return (row) => `${start}"${row[field]}"`;
    }
    return (row, facts) => start + JSON.stringify(valueAt(part, row, facts) ?? null);
  };
}

const plainText = /^[\w .:/-]*$/;

/** As `JSON.stringify`, quicker for what most names are. */
function quoted(text: string): string {
  return plainText.test(text) ? `"${text}"` : JSON.stringify(text);
}

function configWriter(parts: readonly Part[]): Writer | undefined {
  if (parts.some(({ of }) => of === 'config-all')) {
    return ({ config }) => (config === undefined ? '' : `"config":${JSON.stringify(config)}`);
  }
  const fields = parts.flatMap((part) =>
    part.of === 'config' || part.of === 'list' ? part.field : [],
  );
  if (fields.length === 0) return undefined;
  return ({ config }) => {
    if (config === undefined) return '';
    const chosen = Object.fromEntries(fields.map((field) => [field, config[field]]));
    return `"config":${JSON.stringify(chosen)}`;
  };
}

function labelsWriter(parts: readonly Part[]): Writer | undefined {
  const all = parts.some(({ of }) => of === 'labels');
  const names = parts.flatMap((part) => (part.of === 'label' ? part.label : []));
  if (!all && names.length === 0) return undefined;
  return perHost((facts) => {
    if (all) return `"labels":${JSON.stringify(facts.labels)}`;
    const entries = names.map((name) => [name, facts.label(name)]);
    return `"labels":${JSON.stringify(Object.fromEntries(entries))}`;
  });
}

/** A field, and where its cells are: of each page that has it, the newest first. */
type StatColumn = {
  prefix: string;
  sources: { page: number; cells: readonly (StatsCell | null)[] }[];
};
type HostColumns = {
  facts: HostFacts;
  columns: StatColumn[];
  /** By the pages in which a row stands: mostly the same few for all rows of a host. */
  samples: Map<string, string>;
};

/** The stats, and of each sample that they may come from its age. */
function statsWriter(parts: readonly Part[]): Writer | undefined {
  const fields = parts.flatMap((part) => (part.of === 'stat' ? part.field : []));
  const prefixes = parts.flatMap((part) => (part.of === 'stats' ? part.prefix : []));
  if (fields.length === 0 && prefixes.length === 0) return undefined;
  let known: HostColumns | undefined;
  const positions: (number | undefined)[] = [];
  return (row, facts) => {
    if (known?.facts !== facts) {
      known = { facts, columns: columnsOf(facts, fields, prefixes), samples: new Map() };
    }
    let stands = '';
    for (const [i, page] of facts.pages.entries()) {
      const position = page.positionOf(row);
      positions[i] = position;
      if (position !== undefined) stands += `${i},`;
    }
    let samples = known.samples.get(stands);
    if (samples === undefined) {
      samples = samplesOf(facts.pages.filter((_, i) => positions[i] !== undefined));
      known.samples.set(stands, samples);
    }
    let body = '';
    for (const { prefix, sources } of known.columns) {
      for (const { page, cells } of sources) {
        const position = positions[page];
        const cell = position === undefined ? undefined : cells[position];
        if (cell === undefined || cell === null) continue;
        body += `${body === '' ? '' : ','}${prefix}${cellJson(cell)}`;
        break;
      }
    }
    return `"stats":{${body}},${samples}`;
  };
}

function columnsOf(
  { pages }: HostFacts,
  fields: readonly string[],
  prefixes: readonly string[],
): StatColumn[] {
  const named = new Set(fields);
  const columns = new Map<string, StatColumn>();
  for (const [page, { held }] of pages.entries()) {
    for (const [name, cells] of Object.entries(held.page.columns)) {
      if (!named.has(name) && !prefixes.some((prefix) => name.startsWith(prefix))) continue;
      let column = columns.get(name);
      if (column === undefined) {
        columns.set(name, (column = { prefix: `${JSON.stringify(name)}:`, sources: [] }));
      }
      column.sources.push({ page, cells });
    }
  }
  return [...columns.values()];
}

function samplesOf(pages: readonly CurrentPage[]): string {
  const samples: Record<string, { observedAt: string; ageMs: number }> = {};
  for (const { held, ageMs } of pages) {
    // The newest comes first, and of several pages of a row the oldest speaks.
    samples[held.page.tier] = { observedAt: held.page.startedAt, ageMs: Math.round(ageMs) };
  }
  return `"samples":${JSON.stringify(samples)}`;
}

function cellJson(cell: StatsCell): string {
  return typeof cell === 'number' ? String(cell) : JSON.stringify(cell);
}

function perHost(write: (facts: HostFacts) => string): Writer {
  let known: { host: HostId; facts: HostFacts; text: string } | undefined;
  return (_row, facts) => {
    if (known?.facts !== facts) known = { host: facts.host, facts, text: write(facts) };
    return known.text;
  };
}
