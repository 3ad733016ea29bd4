import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { novaLabelRules } from '@virtscope/domain-xml';
import { EnvError } from '@virtscope/runtime';
import { tempDir, type TempDir } from '@virtscope/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { maxLabelRules, readLabelRules } from './label-rules.ts';

let dir: TempDir;
let file: string;

beforeAll(async () => {
  dir = await tempDir('vs-labels-');
  file = join(dir.path, 'labels.yaml');
});

afterAll(() => dir[Symbol.asyncDispose]());

function rules(text: string): ReturnType<typeof readLabelRules> {
  writeFileSync(file, text);
  return readLabelRules({ VIRTSCOPE_LABEL_RULES: file });
}

async function refusal(text: string): Promise<string> {
  const error: unknown = await rules(text).catch((each: unknown) => each);
  if (!(error instanceof EnvError)) throw new Error(`not refused: ${text}`);
  return error.message;
}

const own = `rules:
  - { label: nova.project, namespace: "urn:team", path: team/name }
  - label: cost
    namespace: urn:team
    path: team/{urn:a@b/c}part[2]
    attribute: cost
`;

test('without a file the rules are those for OpenStack Nova', async () => {
  expect(await readLabelRules({})).toBe(novaLabelRules);
  expect(await readLabelRules({ VIRTSCOPE_LABEL_RULES: '' })).toBe(novaLabelRules);
});

test("a file's rules come before the defaults, or take their place", async () => {
  const [first, second, ...others] = await rules(own);
  expect(first).toEqual({ label: 'nova.project', namespace: 'urn:team', path: 'team/name' });
  expect(second).toMatchObject({ label: 'cost', attribute: 'cost' });
  expect(others).toEqual(novaLabelRules);
  expect(await rules(`defaults: false\n${own}`)).toEqual([first, second]);
  expect(await rules('defaults: false\nrules: []')).toEqual([]);
});

test('whatever is wrong is told with file, line, path and reason, all at once', async () => {
  expect(
    await refusal(`rules:
  - { label: cost, namespace: urn:t, path: team@cost }
  - { label: a b, namespace: urn:t, path: team }
  - { label: c, path: /team, colour: red }
  - { label: d, namespace: urn:t, path: "" }
`),
  ).toBe(
    [
      `VIRTSCOPE_LABEL_RULES: ${file}:2:44: rules.0.path: a path is names of elements joined by "/"; the name of an attribute goes into "attribute"`,
      `${file}:3:14: rules.1.label: a label has 1 to 63 letters, digits or "._/-"`,
      `${file}:4:5: rules.2.namespace: Invalid input: expected string, received undefined`,
      `${file}:4:23: rules.2.path: a path is names of elements joined by "/"; the name of an attribute goes into "attribute"`,
      `${file}:4:5: rules.2: Unrecognized key: "colour"`,
      `${file}:5:41: rules.3.path: a path is names of elements joined by "/"; the name of an attribute goes into "attribute"`,
    ].join('; '),
  );
  expect(await refusal('rules: [')).toMatch(`VIRTSCOPE_LABEL_RULES: ${file}:1:`);
  expect(await refusal('')).toMatch(/labels\.yaml.*: file: /);
  expect(
    await refusal(
      `rules:\n${'  - { label: a, namespace: n, path: p }\n'.repeat(maxLabelRules + 1)}`,
    ),
  ).toMatch(`${file}:2:3: rules: `);
});

test('a file that is not there ends the start, and says which', async () => {
  const missing = join(dir.path, 'none.yaml');
  await expect(readLabelRules({ VIRTSCOPE_LABEL_RULES: missing })).rejects.toThrow(
    `VIRTSCOPE_LABEL_RULES: ${missing}: cannot be read`,
  );
});
