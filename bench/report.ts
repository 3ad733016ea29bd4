import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

/** One figure of a benchmark. */
export type Row = {
  /** Stable: what issues, documents and later runs name. */
  id: string;
  value: number;
  unit: string;
  /** The peer's or the physical limit's figure, measured in the same run. */
  baseline?: number;
  /** `value / baseline`: what compares across noisy machines. */
  ratio?: number;
  /** In words, such as `<= 10`. */
  goal?: string;
  met?: boolean;
};

export type Report = { bench: string; machine: string; rows: Row[] };

/** `value` beside what bounds it from below. */
export function against(row: Row & { baseline: number }): Row {
  return { ...row, ratio: row.value / row.baseline };
}

/** Prints the table and writes `bench/results/<name>.json`. */
export function publish(bench: string, rows: readonly Row[]): void {
  const [cpu] = cpus();
  const machine = `${cpus().length} x ${cpu?.model.trim() ?? arch()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
  const report: Report = { bench, machine, rows: rows.map(rounded) };
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${bench}.json`), `${JSON.stringify(report, null, 2)}\n`);
  const lines = [
    ['row', 'value', 'unit', 'baseline', 'ratio', 'goal', 'met'],
    ...report.rows.map((row) => [
      row.id,
      text(row.value),
      row.unit,
      text(row.baseline),
      text(row.ratio),
      row.goal ?? '',
      row.met === undefined ? '' : row.met ? 'yes' : 'NO',
    ]),
  ];
  const widths = lines[0]?.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  console.log(`${bench}: ${machine}`);
  for (const line of lines) {
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}

/** The q-quantile of the samples, by the nearest rank. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(q * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}

function rounded(row: Row): Row {
  const copy = { ...row, value: significant(row.value) };
  if (row.baseline !== undefined) copy.baseline = significant(row.baseline);
  if (row.ratio !== undefined) copy.ratio = significant(row.ratio);
  return copy;
}

function significant(value: number): number {
  return Number(value.toPrecision(4));
}

function text(value: number | undefined): string {
  return value === undefined ? '' : String(significant(value));
}
