/**
 * Holds the import table of the architecture: who may import whom. A package may name in its
 * `dependencies`, and its sources may import, only the rooms listed for it; its tests may also
 * use `testkit`. A room that is missing from the table fails, so that a new room is a decision.
 *
 *     node tools/boundaries.ts
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

const minds = ['@virtscope/events', '@virtscope/stats', '@virtscope/caps', '@virtscope/view'];
const writer = ['@virtscope/fleet', 'node-libvirt', '@virtscope/runtime', '@virtscope/contracts'];

/** room → what it may import. `types` are importable as types and constants alone. */
const table: Record<string, { may: string[]; types?: string[] }> = {
  'node-libvirt': { may: [] },
  '@virtscope/xml': { may: [] },
  '@virtscope/contracts': { may: [] },
  '@virtscope/domain-xml': { may: ['@virtscope/contracts', '@virtscope/xml'] },
  '@virtscope/trust': { may: ['@virtscope/contracts'] },
  '@virtscope/events': {
    may: ['@virtscope/contracts', '@virtscope/domain-xml', '@virtscope/xml', '@virtscope/trust'],
    types: ['node-libvirt'],
  },
  '@virtscope/stats': { may: ['@virtscope/contracts'], types: ['node-libvirt'] },
  '@virtscope/caps': { may: ['@virtscope/contracts', '@virtscope/xml'], types: ['node-libvirt'] },
  '@virtscope/view': { may: ['@virtscope/contracts', '@virtscope/trust'] },
  '@virtscope/client': { may: ['@virtscope/contracts'] },
  '@virtscope/fleet': { may: ['@virtscope/contracts', 'node-libvirt'] },
  '@virtscope/runtime': { may: ['@virtscope/contracts'] },
  '@virtscope/event-bridge': {
    may: ['@virtscope/events', '@virtscope/domain-xml', ...writer],
  },
  '@virtscope/stats-sampler': { may: ['@virtscope/stats', ...writer] },
  '@virtscope/caps-cache': { may: ['@virtscope/caps', ...writer] },
  '@virtscope/query-api': {
    may: ['@virtscope/view', '@virtscope/domain-xml', '@virtscope/runtime', '@virtscope/contracts'],
  },
  '@virtscope/testkit': {
    may: [
      'node-libvirt',
      '@virtscope/xml',
      '@virtscope/contracts',
      '@virtscope/fleet',
      '@virtscope/runtime',
      ...minds,
    ],
  },
  '@virtscope/dev': { may: ['@virtscope/testkit', '@virtscope/contracts'] },
  '@virtscope/e2e': {
    may: ['@virtscope/testkit', '@virtscope/contracts', '@virtscope/dev', 'node-libvirt'],
  },
  '@virtscope/bench': {
    may: [
      '@virtscope/testkit',
      '@virtscope/contracts',
      '@virtscope/dev',
      '@virtscope/query-api',
      '@virtscope/runtime',
      'node-libvirt',
      ...minds,
    ],
  },
  '@virtscope/tools': { may: [] },
  '@virtscope/examples': { may: [] },
};

/** What every test, fixture and bench file may import besides its own room's list. */
const testsMay = ['@virtscope/testkit', '@virtscope/contracts', 'node-libvirt'];

const root = resolve(import.meta.dirname, '..');
const problems: string[] = [];
const importPattern =
  /^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?\sfrom\s+)?['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)/gm;

for (const manifest of globSync('{apps,libs}/*/package.json', { cwd: root }).concat(
  'infra/dev/package.json',
  'e2e/package.json',
  'bench/package.json',
  'tools/package.json',
  'examples/package.json',
)) {
  const folder = dirname(manifest);
  const { name, dependencies = {} } = JSON.parse(readFileSync(join(root, manifest), 'utf8')) as {
    name: string;
    dependencies?: Record<string, string>;
  };
  const room = table[name];
  if (room === undefined) {
    problems.push(`${manifest}: ${name} has no line in the import table (tools/boundaries.ts)`);
    continue;
  }
  const allowed = new Set([...room.may, ...(room.types ?? [])]);
  for (const dependency of Object.keys(dependencies)) {
    if (isOurs(dependency) && !allowed.has(dependency)) {
      problems.push(`${manifest}: ${name} may not depend on ${dependency}`);
    }
  }
  for (const file of globSync(`${folder}/**/*.{ts,tsx}`, {
    cwd: root,
    exclude: (path) => path.includes('node_modules'),
  })) {
    checkFile(file, folder, name, room);
  }
}

function checkFile(
  file: string,
  folder: string,
  name: string,
  room: { may: string[]; types?: string[] },
): void {
  const source = readFileSync(join(root, file), 'utf8');
  const isTest = /\.(test|bench|fixture)\.ts$/.test(file);
  for (const match of source.matchAll(importPattern)) {
    const target = match[2] ?? match[3] ?? '';
    if (target.startsWith('.')) {
      const inside = relative(join(root, folder), resolve(root, dirname(file), target));
      if (inside === '..' || inside.startsWith(`..${sep}`)) {
        problems.push(`${file}: ${target} leaves ${folder}; import the package by its name`);
      }
      continue;
    }
    const imported = packageOf(target);
    if (!isOurs(imported) || imported === name) continue;
    if (room.may.includes(imported)) continue;
    if (isTest && testsMay.includes(imported)) continue;
    if (room.types?.includes(imported) === true) {
      const typesOnly = match[1] !== undefined || target.endsWith('/constants');
      if (!typesOnly) {
        problems.push(`${file}: only types and constants of ${imported} may be imported here`);
      }
      continue;
    }
    problems.push(`${file}: ${name} may not import ${imported}`);
  }
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

function isOurs(specifier: string): boolean {
  return specifier === 'node-libvirt' || specifier.startsWith('@virtscope/');
}

if (problems.length > 0) {
  console.error(problems.join('\n'));
  console.error(
    `boundaries: ${problems.length} import(s) against the table in docs/ARCHITECTURE.md`,
  );
  process.exit(1);
}
console.log('boundaries: the import table holds');
