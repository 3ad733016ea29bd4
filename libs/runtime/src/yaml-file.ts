import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';

export type YamlPath = readonly (string | number)[];

export type YamlFile = {
  value: unknown;
  /** `file:line:column` of the value at `path`, or of the nearest parent that is there. */
  locate(path: YamlPath): string;
};

/** A file that cannot be read as YAML: the message names file, line and reason. */
export class YamlFileError extends Error {
  override readonly name = 'YamlFileError';
}

/** @throws {YamlFileError} unreadable, or no YAML */
export async function readYamlFile(file: string): Promise<YamlFile> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new YamlFileError(`${file}: cannot be read: ${(cause as Error).message}`, { cause });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [first] = document.errors;
  if (first !== undefined) {
    const { line, col } = lines.linePos(first.pos[0]);
    throw new YamlFileError(`${file}:${line}:${col}: ${first.message}`, { cause: first });
  }
  return {
    // Aliases are expanded at most so often: a small file must not become a huge value.
    value: document.toJS({ maxAliasCount: 100 }) as unknown,
    locate(path) {
      for (let length = path.length; length >= 0; length--) {
        const node = document.getIn(path.slice(0, length), true) as
          | { range?: [number, number, number] }
          | undefined;
        if (node?.range) {
          const { line, col } = lines.linePos(node.range[0]);
          return `${file}:${line}:${col}`;
        }
      }
      return file;
    },
  };
}
