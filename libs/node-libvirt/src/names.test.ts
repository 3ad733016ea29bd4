import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Admin } from './admin.ts';
import { Session } from './session.ts';

const page = readFileSync(join(import.meta.dirname, '../docs/names.md'), 'utf8');
/** `| libvirt | here | procedure | …` */
const rows = [...page.matchAll(/^\| .*`(\w+)` +\| +(\d+) \| (high|low) *\|(.*)\|$/gm)].map(
  (row) => ({
    method: row[1] ?? '',
    number: Number(row[2]),
    priority: row[3],
    access: row[4]?.includes('yes') === true ? 'write' : 'read',
  }),
);

/** Methods of a class and of what it extends. */
function methodsOf(prototype: object): string[] {
  const names: string[] = [];
  for (let p: unknown = prototype; p !== Object.prototype; p = Object.getPrototypeOf(p)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(p as object))) {
      if (typeof value === 'function' && name !== 'constructor') names.push(name);
    }
  }
  return names;
}

const notCalls = ['close', 'ping', 'domainEvents', 'objectEvents'];

test('the page of names has every call, and no call that is not there', () => {
  const calls = [...methodsOf(Session.prototype), ...methodsOf(Admin.prototype)];
  expect(new Set(rows.map(({ method }) => method))).toEqual(
    new Set(calls.filter((name) => !notCalls.includes(name))),
  );
});

type Known = { name: string; number: number; priority: string; access: string };

test('numbers, priorities and rights on the page are those of the procedures', async () => {
  const folder = join(import.meta.dirname, 'procedures');
  const byNumber = new Map<number, Known>();
  for (const file of globSync('*.ts', { cwd: folder })) {
    const module = (await import(join(folder, file))) as Record<string, unknown>;
    for (const value of Object.values(module)) {
      const found = value as Partial<Known> | undefined;
      if (typeof found?.number === 'number') byNumber.set(found.number, found as Known);
    }
  }
  for (const { method, number, priority, access } of rows) {
    expect(byNumber.get(number), method).toMatchObject({ priority, access });
  }
  // No number twice: the map holds as many as there are procedures.
  expect(byNumber.size).toBeGreaterThan(110);
});
