/** The documents against the repository that they describe. */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const documents = ['README.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: root })];
const sources = globSync('{apps,libs,infra,e2e,bench,tools,examples}/**/*.ts', {
  cwd: root,
  exclude: (path) => path.endsWith('node_modules'),
});

/** Each match of the pattern's first group in the documents, as `file: text`. */
function mentions(pattern: RegExp): { file: string; text: string }[] {
  return documents.flatMap((file) =>
    [...read(file).matchAll(pattern)].map((match) => ({ file, text: match[1] ?? '' })),
  );
}

test('every relative link leads to a file, and to a heading of it', () => {
  const links = mentions(/\]\((?!https?:)([^)\s]+)\)/g);
  const broken = links.filter(({ file, text }) => {
    const [path = '', heading] = text.split('#');
    const target = path === '' ? file : join(dirname(file), path);
    if (!existsSync(join(root, target))) return true;
    return heading !== undefined && !headings(read(target)).has(heading);
  });
  expect(broken).toEqual([]);
  expect(links.length).toBeGreaterThan(10);
});

test('every path of the repository in backticks exists', () => {
  const paths = mentions(/`((?:apps|libs|infra|e2e|bench|tools|examples|docs)\/[^\s`<>*…]*)`/g);
  expect(paths.filter(({ text }) => !existsSync(join(root, text)))).toEqual([]);
  expect(paths.length).toBeGreaterThan(50);
});

test('every ./dev command in the documents is one that ./dev help knows', () => {
  const { stdout } = spawnSync(process.execPath, ['infra/dev/src/main.ts', 'help'], {
    cwd: root,
    encoding: 'utf8',
  });
  const known = new Set([...stdout.matchAll(/^ {2}\.\/dev (\w+)/gm)].map(([, name]) => name));
  expect(known).toContain('up');
  const used = mentions(/\.\/dev ([a-z]+)/g);
  expect(used.filter(({ text }) => !known.has(text))).toEqual([]);
});

test('every promise and rule that code cites is described in docs/ARCHITECTURE.md', () => {
  const architecture = read('docs/ARCHITECTURE.md');
  const described = new Set([
    ...[...architecture.matchAll(/^- \*\*([TLS]\d+)\*\*/gm)].map(([, id]) => `${id}`),
    ...[...section(architecture, 'Rules of the bus').matchAll(/^(\d+)\. \*\*/gm)].map(
      ([, number]) => `bus rule ${number}`,
    ),
  ]);
  const unknown = sources.flatMap((file) =>
    citedIn(read(file)).flatMap((id) => (described.has(id) ? [] : `${file}: ${id}`)),
  );
  expect(unknown).toEqual([]);
});

test('citations are found across lines, in lists and in the plural', () => {
  expect(citedIn('// keeps S4 (T2); see bus rules 3, 4 and 8\n * rule: bus\n * rule 10')).toEqual([
    'S4',
    'T2',
    'bus rule 3',
    'bus rule 4',
    'bus rule 8',
    'bus rule 10',
  ]);
});

/** The ids that comments cite: `T1`, `bus rule 4`, `bus rules 3, 4 and 8`. */
function citedIn(source: string): string[] {
  const text = source.replaceAll(/\n\s*(?:\*|\/\/)?\s*/g, ' ');
  const promises = [...text.matchAll(/\b[TLS][1-9]\b/g)].map(([id]) => id);
  const rules = [...text.matchAll(/\bbus rules? ((?:\d+(?:, | and )?)+)/gi)].flatMap(
    ([, numbers = '']) => (numbers.match(/\d+/g) ?? []).map((number) => `bus rule ${number}`),
  );
  return [...promises, ...rules];
}

/** The text under a heading, up to the next one. */
function section(markdown: string, heading: string): string {
  return markdown.split(/^#+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
}

/** The anchors of a document's headings, as GitHub makes them. */
function headings(markdown: string): Set<string> {
  return new Set(
    [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}
