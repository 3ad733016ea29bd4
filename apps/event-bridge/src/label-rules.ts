/** The operator's rules for labels, out of the file that VIRTSCOPE_LABEL_RULES names. */
import { labelNameSchema, maxMetadataPath } from '@virtscope/contracts';
import { novaLabelRules, type LabelRule } from '@virtscope/domain-xml';
import {
  EnvError,
  YamlFileError,
  parseVariables,
  readYamlFile,
  type YamlFile,
} from '@virtscope/runtime';
import { z } from 'zod';

/** Each becomes at most one label of a row. */
export const maxLabelRules = 256;

const variable = 'VIRTSCOPE_LABEL_RULES';

const pathSchema = z
  .string()
  .max(maxMetadataPath)
  .refine((path) => {
    // A namespace in braces may hold either sign.
    const names = path.replaceAll(/\{[^}]*\}/g, '');
    return names.split('/').every((name) => name !== '') && !names.includes('@');
  }, 'a path is names of elements joined by "/"; the name of an attribute goes into "attribute"');

const ruleSchema = z.strictObject({
  label: labelNameSchema,
  namespace: z.string().max(1024),
  path: pathSchema,
  attribute: z.string().min(1).max(256).optional(),
});

const fileSchema = z.strictObject({
  /** Whether the rules for OpenStack Nova hold too, behind the file's own. */
  defaults: z.boolean().default(true),
  rules: z.array(ruleSchema).max(maxLabelRules),
});

/**
 * The rules to label domains by: the file's own come first, so that one for a label of the
 * defaults takes its place where it finds something.
 *
 * @throws {EnvError} naming file, line and reason of everything that is wrong in it
 */
export async function readLabelRules(
  env: Record<string, string | undefined>,
): Promise<readonly LabelRule[]> {
  const { [variable]: file } = parseVariables(env, { [variable]: z.string().optional() });
  return file === undefined ? novaLabelRules : rulesOf(await read(file));
}

async function read(file: string): Promise<YamlFile> {
  try {
    return await readYamlFile(file);
  } catch (error) {
    if (!(error instanceof YamlFileError)) throw error;
    throw new EnvError(`${variable}: ${error.message}`, { cause: error });
  }
}

function rulesOf(file: YamlFile): readonly LabelRule[] {
  const parsed = fileSchema.safeParse(file.value);
  if (!parsed.success) {
    const reasons = parsed.error.issues.map((issue) => {
      const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
      return `${file.locate(path)}: ${path.join('.') || 'file'}: ${issue.message}`;
    });
    throw new EnvError(`${variable}: ${reasons.join('; ')}`);
  }
  const { rules, defaults } = parsed.data;
  return defaults ? [...rules, ...novaLabelRules] : rules;
}
