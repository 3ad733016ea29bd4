import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultXmlLimits, parseXml } from './parse-xml.ts';
import { XmlElement } from './xml-element.ts';
import { XmlError } from './xml-error.ts';

function refusal(text: string, limits = defaultXmlLimits): XmlError {
  try {
    parseXml(text, limits);
  } catch (error) {
    if (error instanceof XmlError) return error;
    throw error;
  }
  throw new Error(`accepted: ${text.slice(0, 100)}`);
}

describe('what is read', () => {
  test('names, attributes, children in order and own text survive', () => {
    const root = parseXml(`<?xml version="1.0"?>
      <!-- a remark -->
      <domain type='kvm' id="7">
        <name> vm &amp; &#x263A; <![CDATA[<raw>]]> </name>
        <disk n='1'/><nic/><disk n='2'></disk>
        <?target ignored?>
      </domain>`);
    expect(root.name).toBe('domain');
    expect({ ...root.attrs }).toEqual({ type: 'kvm', id: '7' });
    expect(root.attr('id')).toBe('7');
    expect(root.attr('absent')).toBeUndefined();
    expect(root.children.map((child) => child.name)).toEqual(['name', 'disk', 'nic', 'disk']);
    expect(root.childrenNamed('disk').map((disk) => disk.attr('n'))).toEqual(['1', '2']);
    expect(root.child('name')?.text).toBe(' vm & ☺ <raw> ');
    expect(root.childText('name')).toBe('vm & ☺ <raw>');
    expect(root.childText('nic')).toBeUndefined();
    expect(root.childText('absent')).toBeUndefined();
  });

  test('a prefixed name stays as it is written, declared or not', () => {
    const root = parseXml('<d xmlns:n="urn:n"><n:a m:b="1"/></d>');
    expect(root.child('n:a')?.attr('m:b')).toBe('1');
  });

  test('names that objects have by themselves are only names', () => {
    const root = parseXml('<constructor __proto__="a" toString="b"><__proto__/></constructor>');
    expect(root.attr('__proto__')).toBe('a');
    expect(root.attr('toString')).toBe('b');
    expect(root.attr('hasOwnProperty')).toBeUndefined();
    expect(root.child('__proto__')).toBeInstanceOf(XmlElement);
  });
});

describe('what is refused', () => {
  test.each([
    ['mismatched tags', '<a><b></a></b>'],
    ['an unterminated tag', '<a><b>'],
    ['a tag cut off', '<a><b attr="'],
    ['an unknown entity', '<a>&nbsp;</a>'],
    ['an unknown entity in an attribute', '<a b="&nbsp;"/>'],
    ['an entity cut off', '<a>&am'],
    ['a duplicate attribute', '<a b="1" b="2"/>'],
    ['two roots', '<a/><b/>'],
    ['an empty text', ''],
    ['white space alone', ' \n\t'],
    ['text outside the root', '<a/>tail'],
    ['no XML at all', 'error: no domain'],
    ['a bare ampersand', '<a>x & y</a>'],
    ['an attribute without quotes', '<a b=1/>'],
    ['an attribute without a value', '<a b/>'],
    ['a NUL', '<a>\0</a>'],
    ['a reference to NUL', '<a>&#0;</a>'],
    ['a character beyond Unicode', '<a>&#x110000;</a>'],
    ['half a surrogate pair', '<a>\ud800</a>'],
    ['a late XML declaration', ' <?xml version="1.0"?><a/>'],
  ])('%s is a syntax error', (_, text) => {
    expect(refusal(text).code).toBe('syntax');
  });

  test.each([
    ['with an internal entity', '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'],
    ['with an external entity', '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>'],
    ['with an external subset', '<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><a/>'],
    ['with nothing in it', '<!DOCTYPE a><a/>'],
  ])('a document type declaration %s is refused as such', (_, text) => {
    expect(refusal(text).code).toBe('dtd');
  });

  test('the error names line, column and reason', () => {
    const error = refusal('<a>\n  <b></c>\n</a>');
    expect(error).toMatchObject({ code: 'syntax', reason: 'unexpected close tag', line: 2 });
    expect(error.column).toBeGreaterThan(5);
    expect(error.message).toBe(`XML line 2, column ${error.column}: unexpected close tag`);
  });
});

describe('bounds', () => {
  const nested = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth);

  test('depth is refused above maxDepth and taken at it', () => {
    const limits = { ...defaultXmlLimits, maxDepth: 5 };
    expect(parseXml(nested(5), limits).name).toBe('a');
    expect(refusal(nested(6), limits)).toMatchObject({ code: 'too-deep', line: 1, column: 19 });
  });

  test('elements are refused above maxElements and taken at it', () => {
    const limits = { ...defaultXmlLimits, maxElements: 4 };
    expect(parseXml(`<a>${'<b/>'.repeat(3)}</a>`, limits).children).toHaveLength(3);
    expect(refusal(`<a>${'<b/>'.repeat(4)}</a>`, limits).code).toBe('too-many-elements');
  });

  test('bytes are counted as UTF-8 and refused above maxBytes', () => {
    const text = '<a>ää</a>'; // 9 characters, 11 bytes
    expect(parseXml(text, { ...defaultXmlLimits, maxBytes: 11 }).text).toBe('ää');
    expect(refusal(text, { ...defaultXmlLimits, maxBytes: 10 }).code).toBe('too-large');
  });

  test('a hostile depth does not exhaust the stack', () => {
    expect(refusal(nested(200_000)).code).toBe('too-deep');
  });
});

describe('any text', () => {
  test('what is written is what is read', () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,8}$/);
    const value = fc
      .string({ unit: 'binary', maxLength: 20 })
      // What XML 1.0 calls a character, less CR, which every reader turns into LF.
      .map((s) => s.replace(/[^\t\n\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, ''));
    type Tree = { name: string; attrs: Record<string, string>; text: string; children: Tree[] };
    const tree = (levels: number): fc.Arbitrary<Tree> =>
      fc.record({
        name,
        attrs: fc.dictionary(name, value, { maxKeys: 4 }),
        text: value,
        children: levels > 1 ? fc.array(tree(levels - 1), { maxLength: 3 }) : fc.constant([]),
      });
    const escape = (s: string) =>
      s.replace(/[&<>"\t\n]/g, (char) => `&#${String(char.codePointAt(0))};`);
    const write = (each: Tree): string =>
      `<${each.name}${Object.entries(each.attrs)
        .map(([key, text]) => ` ${key}="${escape(text)}"`)
        .join('')}>${escape(each.text)}${each.children.map(write).join('')}</${each.name}>`;
    const plain = (each: XmlElement): Tree => ({
      name: each.name,
      attrs: { ...each.attrs },
      text: each.text,
      children: each.children.map(plain),
    });
    const own = (each: Tree): Tree => ({
      ...each,
      attrs: { ...each.attrs },
      children: each.children.map(own),
    });
    fc.assert(
      fc.property(tree(4), (each) => {
        expect(plain(parseXml(write(each)))).toEqual(own(each));
      }),
    );
  });

  const givesTreeOrXmlError = (text: string): boolean => {
    try {
      return parseXml(text) instanceof XmlElement;
    } catch (error) {
      return error instanceof XmlError;
    }
  };

  test('arbitrary text gives a tree or an XmlError, nothing else', () => {
    const text = fc.string({ unit: 'binary', maxLength: 200 });
    expect(() => fc.assert(fc.property(text, givesTreeOrXmlError))).not.toThrow();
  });

  test('a sound document cut or altered anywhere gives a tree or an XmlError, nothing else', () => {
    const sound = `<?xml version='1.0'?><d t='k&lt;'><!-- c --><n>a&#65;<![CDATA[x]]></n><e/></d>`;
    for (let cut = 0; cut < sound.length; cut++) {
      expect(refusal(sound.slice(0, cut)).code).toBe('syntax');
    }
    fc.assert(
      fc.property(
        fc.nat(sound.length - 1),
        fc.constantFrom('<', '>', '&', ';', '"', "'", '!', '?', '[', ']', '-', '/', '\0', '\ud800'),
        (at, char) => givesTreeOrXmlError(sound.slice(0, at) + char + sound.slice(at + 1)),
      ),
      { numRuns: 500 },
    );
  });
});
