/**
 * Makes the package that is published: compiled to JavaScript with declarations, because Node does
 * not run TypeScript below node_modules.
 *
 *     node libs/node-libvirt/pack.ts FOLDER     leaves node-libvirt-VERSION.tgz there
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const here = import.meta.dirname;
const workspace = resolve(here, '../..');

type Manifest = { version: string; exports: Record<string, string> };

/** Packs into `folder` and returns the tarball's path. */
export function pack(folder: string): string {
  const staging = mkdtempSync(join(tmpdir(), 'node-libvirt-'));
  try {
    const root = join(staging, 'package');
    const tsc = join(workspace, 'node_modules/.bin/tsc');
    execFileSync(tsc, ['-p', join(here, 'tsconfig.build.json'), '--outDir', join(root, 'dist')]);
    const manifest = JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as Manifest;
    writeFileSync(join(root, 'package.json'), `${JSON.stringify(published(manifest), null, 2)}\n`);
    for (const file of ['README.md', 'docs', 'examples']) {
      cpSync(join(here, file), join(root, file), { recursive: true });
    }
    cpSync(join(workspace, 'LICENSE'), join(root, 'LICENSE'));
    mkdirSync(folder, { recursive: true });
    const tarball = join(resolve(folder), `node-libvirt-${manifest.version}.tgz`);
    execFileSync('tar', ['-czf', tarball, '-C', staging, 'package']);
    return tarball;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** The manifest with compiled doors in place of the sources, and nothing of the workspace. */
function published(manifest: Manifest): object {
  const doors = Object.entries(manifest.exports).map(([door, source]) => {
    const compiled = source.replace('./src/', './dist/').replace(/\.ts$/, '');
    return [door, { types: `${compiled}.d.ts`, default: `${compiled}.js` }];
  });
  const kept = Object.entries(manifest).filter(
    ([key]) => !['private', 'exports', 'devDependencies', 'nx'].includes(key),
  );
  return {
    ...Object.fromEntries(kept),
    engines: { node: '>=24' },
    exports: Object.fromEntries(doors) as object,
  };
}

if (process.argv[1] === import.meta.filename) {
  const [folder] = process.argv.slice(2);
  if (folder === undefined) {
    console.error('usage: node libs/node-libvirt/pack.ts FOLDER');
    process.exit(2);
  }
  console.log(pack(folder));
}
