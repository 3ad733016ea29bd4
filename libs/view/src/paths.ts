/** Fields by their path, as `fields`, `orderBy` and `by` name them. */
import type { StatsCell } from '@virtscope/contracts';
import { configFields, rowFields, type RowField } from './expression/environment.ts';
import type { HostFacts } from './facts.ts';
import type { Row } from './row.ts';

export const maxPathLength = 256;

export type Path =
  | { of: 'row'; field: RowField }
  | { of: 'config'; field: keyof typeof configFields }
  | { of: 'label'; label: string }
  | { of: 'stat'; field: string };

/** What `fields` may name beside single fields. */
export type Part =
  | Path
  | { of: 'config-all' }
  | { of: 'list'; field: 'disks' | 'interfaces' }
  | { of: 'labels' }
  | { of: 'stats'; prefix: string }
  | { of: 'verifiedAt' };

const names = {
  row: Object.keys(rowFields).join(', '),
  config: Object.keys(configFields).join(', '),
};

/** A path to one value. */
export function readPath(text: string): Path | string {
  if (text.length > maxPathLength) return `a field's name has at most ${maxPathLength} characters`;
  if (Object.hasOwn(rowFields, text)) return { of: 'row', field: text as RowField };
  const dot = text.indexOf('.');
  const [root, rest] = [text.slice(0, Math.max(0, dot)), text.slice(dot + 1)];
  if (root === 'config' && Object.hasOwn(configFields, rest)) {
    return { of: 'config', field: rest as keyof typeof configFields };
  }
  if (root === 'labels' && rest !== '') return { of: 'label', label: rest };
  if (root === 'stats' && rest !== '') return { of: 'stat', field: rest };
  if (root === 'config') return `config has ${names.config}`;
  return `${JSON.stringify(text)} is none of ${names.row}, config.<field>, labels.<label>, stats.<field>`;
}

/** A path to one value or to several. */
export function readPart(text: string): Part | string {
  if (text === 'config') return { of: 'config-all' };
  if (text === 'config.disks') return { of: 'list', field: 'disks' };
  if (text === 'config.interfaces') return { of: 'list', field: 'interfaces' };
  if (text === 'labels') return { of: 'labels' };
  if (text === 'stats') return { of: 'stats', prefix: '' };
  if (text === 'verifiedAt') return { of: 'verifiedAt' };
  if (text.startsWith('stats.') && text.endsWith('.*') && text.length <= maxPathLength) {
    return { of: 'stats', prefix: text.slice('stats.'.length, -1) };
  }
  return readPath(text);
}

/** The value there; undefined where there is none. */
export function valueAt(path: Path, row: Row, facts: HostFacts): StatsCell | undefined {
  switch (path.of) {
    case 'row':
      if (path.field === 'id') return facts.idOf(row);
      return path.field === 'trust' ? facts.trustOf(row) : row[path.field];
    case 'config':
      return row.config?.[path.field];
    case 'label':
      return facts.label(path.label);
    case 'stat':
      return facts.stat(row, path.field);
  }
}
