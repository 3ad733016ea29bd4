import {
  domainConfigSchema,
  maxMetadataEntries,
  maxMetadataNamespaces,
  maxMetadataPath,
} from '@virtscope/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LabelRule } from './label-rules.ts';
import { parseDomainXml, type ParsedDomain } from './parse-domain-xml.ts';

const withMetadata = (xml: string, labelRules: readonly LabelRule[] = []): ParsedDomain =>
  parseDomainXml(`<domain><metadata>${xml}</metadata></domain>`, { labelRules });

const origin = { observedAt: '2026-01-01T00:00:00.000Z', xmlHash: '' };

test('texts and attributes are told by namespace and path; equal siblings by their place', () => {
  const { metadata } = withMetadata(`
    <t:team xmlns:t='urn:team' t:grade='a' lead="b &amp; c" xml:lang='en'>
      <t:member>one</t:member><t:member>two</t:member>
      <t:member since='3'/><t:empty/> <t:data><![CDATA[{"a": [1, 2]}]]></t:data>
    </t:team>
    <other xmlns='urn:other'>text<part/></other>
    <mark xmlns='urn:mark'/>`);
  expect(metadata).toEqual({
    'urn:team': {
      'team@grade': 'a',
      'team@lead': 'b & c',
      'team@xml:lang': 'en',
      'team/member': 'one',
      'team/member[2]': 'two',
      'team/member[3]@since': '3',
      'team/empty': '',
      'team/data': '{"a": [1, 2]}',
    },
    'urn:other': { other: 'text', 'other/part': '' },
    'urn:mark': { mark: '' },
  });
});

test('a prefix means what it was declared for, wherever that was', () => {
  const parsed = parseDomainXml(`<domain xmlns:a='urn:outer'><metadata xmlns:b='urn:b'>
    <a:x xmlns:a='urn:inner'><a:y/><b:z b:n='1' a:m='2'>in b</b:z></a:x><a:x/><a:x/>
    <undeclared:w/><plain>none</plain></metadata></domain>`);
  expect(parsed.metadata).toEqual({
    'urn:inner': {
      'x/y': '',
      'x/{urn:b}z': 'in b',
      'x/{urn:b}z@{urn:b}n': '1',
      'x/{urn:b}z@m': '2',
    },
    'urn:outer': { x: '', 'x[2]': '' },
    '': { 'undeclared:w': '', plain: 'none' },
  });
});

test('a rule makes a label of a text or an attribute; the first that finds something counts', () => {
  const rule = (
    label: string,
    path: string,
    attribute?: string,
    namespace = 'urn:t',
  ): LabelRule => ({
    label,
    namespace,
    path,
    attribute,
  });
  const { labels } = withMetadata(
    "<i xmlns='urn:t' n='7'><o>me</o><o>you</o><none/></i><i xmlns='urn:u'><o>them</o></i>",
    [
      rule('n', 'i', 'n'),
      rule('owner', 'i/none'),
      rule('owner', 'i/o'),
      rule('owner', 'i/o[2]'),
      rule('second', 'i/o[2]'),
      rule('theirs', 'i/o', undefined, 'urn:u'),
      rule('absent', 'i/absent'),
      rule('foreign', 'i/o', undefined, 'urn:absent'),
    ],
  );
  expect(labels).toEqual({ n: '7', owner: 'me', second: 'you', theirs: 'them' });
});

test.each(['1.0', '1.1'])(
  'without rules of its own, an instance of Nova %s has labels',
  (version) => {
    const { labels } = parseDomainXml(`<domain><metadata>
    <nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/${version}">
      <nova:package version="27.1.0"/><nova:name>web</nova:name>
      <nova:creationTime>2026-01-01 00:00:00</nova:creationTime>
      <nova:flavor name="m1.small"><nova:memory>2048</nova:memory></nova:flavor>
      <nova:owner><nova:user uuid="9d2f">alice</nova:user><nova:project uuid="0a1b">shop</nova:project></nova:owner>
      <nova:root type="image" uuid="1111"/>
    </nova:instance></metadata></domain>`);
    expect(labels).toEqual({
      'nova.name': 'web',
      'nova.flavor': 'm1.small',
      'nova.project': 'shop',
      'nova.project-id': '0a1b',
      'nova.user': 'alice',
      'nova.user-id': '9d2f',
      'nova.image-id': '1111',
    });
  },
);

test('metadata over a bound are cut and named; a label stands behind the cut all the same', () => {
  const entries = withMetadata(
    `<t xmlns='urn:t'>${'<e/>'.repeat(maxMetadataEntries)}<last>here</last></t>`,
    [{ label: 'last', namespace: 'urn:t', path: 't/last' }],
  );
  expect(Object.keys(entries.metadata?.['urn:t'] ?? {})).toHaveLength(maxMetadataEntries);
  expect(entries.labels).toEqual({ last: 'here' });
  expect(entries.omitted).toEqual(['metadata']);

  const namespaces = withMetadata(
    Array.from({ length: maxMetadataNamespaces + 1 }, (_, i) => `<t xmlns='urn:${i}'/>`).join(''),
  );
  expect(Object.keys(namespaces.metadata ?? {})).toHaveLength(maxMetadataNamespaces);
  expect(namespaces.omitted).toEqual(['metadata']);

  const values = withMetadata(
    `<t xmlns='urn:t'><long>${'x'.repeat(4097)}</long><short>x</short></t>`,
    [{ label: 'long', namespace: 'urn:t', path: 't/long' }],
  );
  expect(values.metadata).toEqual({ 'urn:t': { 't/short': 'x' } });
  expect(values.labels).toEqual({});
  expect(values.omitted?.toSorted()).toEqual(['labels', 'metadata']);

  const deep = withMetadata(
    `<t xmlns='urn:t'>${`<${'n'.repeat(60)}>`.repeat(100)}${`</${'n'.repeat(60)}>`.repeat(100)}<a>b</a></t>`,
  );
  expect(deep.metadata).toEqual({ 'urn:t': { 't/a': 'b' } });
  expect(deep.omitted).toEqual(['metadata']);
});

test('metadata of a hundred thousand elements, or 250 deep, are cut at their bounds', () => {
  const wide = withMetadata(`<t xmlns='urn:t'>${'<e a="1">x</e>'.repeat(100_000)}</t>`);
  expect(wide.omitted).toEqual(['metadata']);
  const depth = 250;
  const nested = withMetadata(
    `<t xmlns='urn:t'>${'<eee a="">'.repeat(depth)}${'</eee>'.repeat(depth)}</t>`,
  );
  const paths = Object.keys(nested.metadata?.['urn:t'] ?? {});
  expect(Math.max(...paths.map(({ length }) => length))).toBeLessThanOrEqual(maxMetadataPath);
  expect(nested.omitted).toEqual(['metadata']);
});

test('a name that readers of JSON do not keep is named as cut', () => {
  const parsed = withMetadata("<__proto__ xmlns='urn:t' constructor='c'/><t xmlns='__proto__'/>");
  expect(parsed.metadata).toEqual({ 'urn:t': { '__proto__@constructor': 'c' } });
  expect(parsed.omitted).toEqual(['metadata']);
});

test('whatever metadata hold, they fit the contract and survive the bus unchanged', () => {
  const name = fc.constantFrom('a', 'b:a', 'c:d', '__proto__', 'constructor', 'x'.repeat(300));
  const attribute = fc.constantFrom('n', 'b:n', 'xmlns', 'xmlns:b', 'xmlns:c', '__proto__');
  const value = fc.constantFrom(
    '',
    ' ',
    'v',
    'urn:b',
    '__proto__',
    'ü'.repeat(2000),
    'y'.repeat(5000),
  );
  const element = (levels: number): fc.Arbitrary<string> =>
    fc
      .tuple(
        name,
        fc.uniqueArray(fc.tuple(attribute, value), { maxLength: 3, selector: ([key]) => key }),
        value,
        levels > 1 ? fc.array(element(levels - 1), { maxLength: 4 }) : fc.constant([]),
      )
      .map(([tag, attributes, text, children]) => {
        const written = attributes.map(([key, each]) => ` ${key}='${each}'`).join('');
        return `<${tag}${written}>${text}${children.join('')}</${tag}>`;
      });
  fc.assert(
    fc.property(fc.array(element(4), { maxLength: 4 }), (children) => {
      const config = { ...withMetadata(children.join('')), ...origin };
      const read = domainConfigSchema.parse(JSON.parse(JSON.stringify(config)));
      expect(read).toEqual(config);
    }),
  );
});
