/** Reads what virsh prints for people. */

/** `Name:   value` and `name value` lines as a record; the first of a name stands. */
export function fieldsOf(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const match =
      /^\s*([^:\s][^:]*?)\s*:\s*(.*?)\s*$/.exec(line) ?? /^\s*(\S+)\s+(.*?)\s*$/.exec(line);
    if (match !== null) fields[match[1] ?? ''] ??= match[2] ?? '';
  }
  return fields;
}

/** The rows of a table, each a list of its cells; headings and ruler left out. */
export function rowsOf(text: string): string[][] {
  const lines = text.split('\n');
  const ruler = lines.findIndex((line) => /^-+$/.test(line.trim()));
  return lines
    .slice(ruler + 1)
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s{2,}/));
}

/** The lines that say something. */
export function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
