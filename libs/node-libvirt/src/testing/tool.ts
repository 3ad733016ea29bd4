/** Programs that only tests need: installed, or unpacked where the workbench unpacks servers. */
import { existsSync, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';

export type TestTool = { command: string; env: NodeJS.ProcessEnv };

/**
 * @param toolsDir where the workbench unpacks
 * @param debianPackage what brings the program, and the name of its folder among the tools
 * @throws when it is nowhere; the message says how to get it
 */
export function testTool(toolsDir: string, program: string, debianPackage: string): TestTool {
  const folders = (process.env['PATH'] ?? '').split(delimiter).concat('/usr/sbin', '/sbin');
  const installed = folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
  if (installed !== undefined) return { command: installed, env: process.env };
  const root = join(toolsDir, debianPackage);
  const [command] = globSync(`usr/{sbin,bin}/${program}`, { cwd: root });
  if (command === undefined) {
    throw new Error(
      `these tests need ${program}: install ${debianPackage}, or unpack it into ${root}`,
    );
  }
  const libraries = globSync('{usr/,}lib/*-linux-*', { cwd: root }).map((lib) => join(root, lib));
  return {
    command: join(root, command),
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(delimiter) },
  };
}
