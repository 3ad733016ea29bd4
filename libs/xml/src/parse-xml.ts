import { SaxesParser } from 'saxes';
import { XmlElement } from './xml-element.ts';
import { XmlError, type XmlErrorCode } from './xml-error.ts';

/** Beyond a limit the document is refused, with an {@link XmlError}: nothing is cut. */
export type XmlLimits = {
  /** Of the text as UTF-8. */
  maxBytes: number;
  /** The root has depth 1. */
  maxDepth: number;
  maxElements: number;
};

/**
 * 4 MiB is the longest string in libvirt's protocol. A domain nests some ten levels deep, and one
 * with 4,000 disks has some 40,000 elements.
 */
export const defaultXmlLimits: XmlLimits = {
  maxBytes: 4 * 1024 * 1024,
  maxDepth: 64,
  maxElements: 200_000,
};

type Open = { attrs: Record<string, string>; children: XmlElement[]; text: string };

/**
 * Reads a whole document. Strict: what is not well-formed is refused, and so is every document
 * type declaration, so that no entity but XML's own five and character references exists.
 * Namespaces are not resolved: a prefixed name stays as it is written. Comments and processing
 * instructions are left out.
 *
 * @returns the root
 * @throws {XmlError} the only error, whatever the text is
 */
export function parseXml(text: string, limits: XmlLimits = defaultXmlLimits): XmlElement {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.maxBytes) {
    throw new XmlError('too-large', `${bytes} bytes, the limit is ${limits.maxBytes}`, 1, 1);
  }
  // saxes counts line and column in any case; `position` only repeats them in its messages.
  const parser = new SaxesParser({ position: false, xmlns: false });
  const open: Open[] = [];
  let elements = 0;
  let root: XmlElement | undefined;

  const fail = (code: XmlErrorCode, reason: string): never => {
    throw new XmlError(code, reason, parser.line, parser.column + 1);
  };
  const onText = (chunk: string): void => {
    const current = open.at(-1);
    if (current !== undefined) current.text += chunk;
  };

  parser.on('error', (error) => fail('syntax', error.message.replace(/\.$/, '')));
  parser.on('doctype', () => fail('dtd', 'document type declarations are refused'));
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('opentag', ({ attributes }) => {
    elements += 1;
    if (elements > limits.maxElements) {
      fail('too-many-elements', `more than ${limits.maxElements} elements`);
    }
    if (open.length >= limits.maxDepth) {
      fail('too-deep', `elements are nested deeper than ${limits.maxDepth}`);
    }
    open.push({ attrs: attributes, children: [], text: '' });
  });
  parser.on('closetag', ({ name }) => {
    const closed = open.pop();
    if (closed === undefined) return;
    const element = new XmlElement(name, closed.attrs, closed.children, closed.text);
    const parent = open.at(-1);
    if (parent === undefined) root = element;
    else parent.children.push(element);
  });

  parser.write(text).close();
  return root ?? fail('syntax', 'document must contain a root element');
}
