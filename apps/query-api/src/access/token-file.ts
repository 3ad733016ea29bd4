/** The file of tokens: who may ask, what of the fleet each sees, and until when. */
import type { YamlFile } from '@virtscope/runtime';
import { z } from 'zod';

/** More of them are no file for people any more. */
const maxTokens = 10_000;

const labels = z.record(z.string().min(1).max(256), z.string().max(1024));

const tokenSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$/, 'letters, digits, ".", "_", "@" and "-"'),
  /** Of the token, in hexadecimal digits: the token itself is nowhere. */
  sha256: z
    .string()
    .toLowerCase()
    .regex(/^[0-9a-f]{64}$/, '64 hexadecimal digits'),
  expires: z.iso.datetime({ offset: true }).optional(),
  /** Labels that a host must have; without them all hosts are seen. */
  hosts: labels.optional(),
  /** Labels that a domain must have, as the rules of event-bridge take them from its metadata. */
  domains: labels.optional(),
});
export type TokenEntry = z.infer<typeof tokenSchema>;

const fileSchema = z.strictObject({ tokens: z.array(tokenSchema).max(maxTokens) });

/** The file is no list of tokens: the message names file, line and reason, and no hash. */
export class TokenFileError extends Error {
  override readonly name = 'TokenFileError';
}

/** @throws {TokenFileError} */
export function readTokens(file: YamlFile): TokenEntry[] {
  const parsed = fileSchema.safeParse(file.value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = (issue?.path ?? []).filter((part) => typeof part !== 'symbol');
    throw new TokenFileError(`${file.locate(path)}: ${path.join('.')}: ${issue?.message ?? ''}`);
  }
  const { tokens } = parsed.data;
  for (const key of ['name', 'sha256'] as const) {
    const seen = new Set<string>();
    for (const [index, token] of tokens.entries()) {
      if (seen.has(token[key])) {
        const where = file.locate(['tokens', index, key]);
        throw new TokenFileError(`${where}: tokens.${index}.${key}: another token has it already`);
      }
      seen.add(token[key]);
    }
  }
  return tokens;
}
