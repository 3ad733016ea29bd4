import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Asking } from '../asking.ts';
import { HostFacts } from '../facts.ts';
import type { Row } from '../row.ts';
import {
  at,
  bytes,
  config,
  entry,
  page,
  presence,
  record,
  uuidOf,
  World,
} from '../world.fixture.ts';
import { compileExpression } from './compile.ts';

function world(): { row: Row; facts: HostFacts } {
  const made = World.ready();
  made.apply(entry('hv1', { labels: { zone: 'a', 'rack.no/x': '7' } }));
  made.state(presence('hv1', 1, { config: config() }), record('hv1'));
  made.beat(1_000, { hv1: { upTo: 2 } });
  made.view.statsOpened();
  made.view.statsBrokerTime(0, 0);
  const columns = { 'cpu.time': [500], 'block.0.rd.bytes': [null] };
  made.view.statsMessage('virt.v1.stats.hv1.fast.0', bytes(page('hv1', { columns })), 900, 900);
  const row = made.view.table.byUuid.get(uuidOf(1))[0];
  if (row === undefined) throw new Error('no row');
  return { row, facts: new HostFacts(new Asking(made.view, at(1_000)), 'hv1') };
}

const { row, facts } = world();

function judge(text: string): boolean {
  const compiled = compileExpression(text);
  if (!compiled.ok) throw new Error(compiled.reason);
  return compiled.expression.matches(row, facts);
}

test.each([
  'name == "vm-1" && state == "running"',
  'id == 1 && persistent && !autostart && trust == "live"',
  'config.vcpusCurrent >= 4 && config.memoryCurrentKiB / 1024 == 4096',
  'config.vcpusCurrent / 3 == 1',
  'stats.cpu.time / 3 > 166',
  'config.disks.exists(d, d.source == "/images/1.qcow2" && d.format == "qcow2")',
  'config.disks.all(d, d.target.startsWith("vd"))',
  'config.disks.exists_one(d, d.bus == "virtio")',
  'config.interfaces[0].mac.startsWith("52:54:00")',
  'labels.zone in ["a", "b"] && labels["rack.no/x"] == "7" && "zone" in labels',
  'stats.cpu.time > 100 && stats["cpu.time"] == 500 && has(stats.cpu.time)',
  '!has(stats.block) && !has(config.title) && !("nope" in labels)',
  'name.glob("v?-*") && name.contains("m-") && name.endsWith("1") && !name.glob("*2")',
  'size(config.disks) == 1 && config.disks.size() + 1 == 2',
  'false || (true ? name != "x" : false)',
  'stats.nope > 1 || name == "vm-1"',
  '-1 < 0 && 7 % 4 == 3 && 2 * 3 - 1 == 5 && "a" + "b" == "ab"',
  'string(config.vcpusCurrent) == "4" && int("7") == 7 && double("1.5") == 1.5',
  '"VM".lowerAscii() == "vm"',
])('true of the row: %s', (text) => {
  expect(judge(text)).toBe(true);
});

test.each([
  'stats.nope > 1',
  '!(stats.nope > 1)',
  'stats.nope == stats.nope',
  'stats["block.0.rd.bytes"] >= 0',
  'config.title == "x" || config.title != "x"',
  'config.vcpusCurrent / 0 == 0',
  'id > 1 && stats.nope == 1',
  'stats["__proto__"] == null',
  'has(labels.constructor)',
])('what is absent matches nothing, not even its opposite: %s', (text) => {
  expect(judge(text)).toBe(false);
});

test.each([
  ['', /./],
  ['name ==', /./],
  ['name', /not a condition/],
  ['name == 3', /overload/],
  ['nope == "x"', /[Uu]nknown variable/],
  ['config.nope == "x"', /No such key/],
  ['name.matches("(a+)+$")', /use glob/],
  ['labels[name] == "x"', /between quotes/],
  ['name.glob(state)', /between quotes/],
  [`name.glob("${'*a'.repeat(200)}")`, /at most 256/],
  ['config.disks.exists(a, config.disks.exists(b, a.source == b.source))', /another macro/],
  [`${'('.repeat(200)}true${')'.repeat(200)}`, /./],
  [Array.from({ length: 400 }, () => 'true').join(' && '), /./],
  ['x'.repeat(5_000), /longer than/],
  ['[1, 2].map(x, x + 1) == [2, 3]', /./],
  ['timestamp("2026-01-01T00:00:00Z") > timestamp("2025-01-01T00:00:00Z")', /./],
  ['{"a": 1}.a == 1', /./],
])('refused with its reason: %s', (text, reason) => {
  const compiled = compileExpression(text);
  expect(compiled).toMatchObject({ ok: false });
  expect((compiled as { reason: string }).reason).toMatch(reason);
});

test('whatever text comes, it is refused with a reason or gives a condition', () => {
  const words =
    'name config disks stats labels d . [ ] ( ) "a" 1 ? : && || ! - == < in + % exists has size , b"x" null true 1u 1.5 9223372036854775807 glob { } dyn type cel';
  const word = fc.constantFrom(...words.split(' '));
  const text = fc.oneof(
    fc.array(word, { maxLength: 25 }).map((words) => words.join(' ')),
    fc.string({ maxLength: 200, unit: 'binary' }),
  );
  fc.assert(
    fc.property(text, (each) => {
      const compiled = compileExpression(each);
      const outcome = compiled.ok ? compiled.expression.matches(row, facts) : compiled.reason;
      expect(typeof outcome).toBe(compiled.ok ? 'boolean' : 'string');
    }),
    { numRuns: 2_000 },
  );
});

/** Conditions as trees, with what they must give by CEL's rules. */
type Tree = { text: string; value: boolean | undefined };
const leaf: fc.Arbitrary<Tree> = fc.constantFrom<Tree>(
  { text: 'name == "vm-1"', value: true },
  { text: 'config.vcpusCurrent < 4', value: false },
  { text: 'stats.nope == 1', value: undefined },
);
const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    leaf,
    tie('tree').map(({ text, value }) => ({
      text: `!(${text})`,
      value: value === undefined ? undefined : !value,
    })),
    fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({
      text: `(${a.text} && ${b.text})`,
      value:
        a.value === false || b.value === false
          ? false
          : a.value === undefined || b.value === undefined
            ? undefined
            : true,
    })),
    fc.tuple(tie('tree'), tie('tree')).map(([a, b]) => ({
      text: `(${a.text} || ${b.text})`,
      value:
        a.value === true || b.value === true
          ? true
          : a.value === undefined || b.value === undefined
            ? undefined
            : false,
    })),
  ),
}));

test("conditions combine as CEL's do, errors absorbed", () => {
  fc.assert(
    fc.property(tree, ({ text, value }) => {
      expect(judge(text)).toBe(value === true);
    }),
  );
});

test('a glob is what its signs say, on any text', () => {
  const sign = fc.constantFrom('a', 'b', '*', '?', '[', '.');
  const pattern = fc.array(sign, { maxLength: 12 }).map((signs) => signs.join(''));
  const text = fc.array(fc.constantFrom('a', 'b', '[', '.'), { maxLength: 12 });
  fc.assert(
    fc.property(pattern, text, (glob, letters) => {
      const source = glob
        .split('')
        .map((each) => (each === '*' ? '[^]*' : each === '?' ? '[^]' : `\\${each}`))
        .join('')
        .replaceAll('\\a', 'a')
        .replaceAll('\\b', 'b');
      const expected = new RegExp(`^${source}$`).test(letters.join(''));
      expect(judge(`"${letters.join('')}".glob("${glob}")`)).toBe(expected);
    }),
  );
});
