/** How libvirt's two kinds of capabilities documents are read alike. */
import { parseXml, XmlError, type XmlElement } from '@virtscope/xml';
import { CapabilitiesXmlError } from './capabilities-xml-error.ts';

/**
 * @param name of the root element
 * @param what the document tells, for errors
 * @throws {CapabilitiesXmlError}
 */
export function rootOf(xml: string, { name, what }: { name: string; what: string }): XmlElement {
  let root: XmlElement;
  try {
    root = parseXml(xml);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new CapabilitiesXmlError(`the ${what} are not readable: ${error.message}`, {
      cause: error,
    });
  }
  if (root.name !== name) {
    throw new CapabilitiesXmlError(
      `expected a <${name}> document, the root is <${root.name.slice(0, 64)}>`,
    );
  }
  return root;
}

/** A natural number; undefined for anything else. */
export function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** A property that is there when its value is. */
export function present<Name extends string, T>(
  name: Name,
  value: T | undefined,
): { [Key in Name]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { [Key in Name]?: T });
}

/** By code units: the same on every machine. */
export function sortedBy<T>(items: readonly T[], key: (item: T) => string): T[] {
  return items
    .map((item) => [key(item), item] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, item]) => item);
}
