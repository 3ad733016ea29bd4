import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalText, contentHash } from './canonical.ts';
import { parseCapabilities } from './capabilities-xml.ts';
import {
  documentKey,
  documentTtlSeconds,
  formatPointer,
  parseDocument,
  parsePointer,
  pointerKey,
  pointerTtlSeconds,
  type HostPointer,
} from './stored.ts';

const pointer: HostPointer = {
  fingerprint: { driver: 'QEMU', libvirtVersion: 9_000_000, hypervisorVersion: 7_002_022 },
  hash: 'a'.repeat(64),
  hostPart: { hostUuid: '11c45e69-303a-4bfc-80ee-73bced5fc2dc', cells: [] },
  observedAt: '2026-01-01T00:00:00.000Z',
};

test('keys carry the version of what lies under them', () => {
  expect(documentKey('abc')).toBe('virtscope:caps:v1:doc:abc');
  expect(pointerKey('hv1')).toBe('virtscope:caps:v1:host:hv1');
});

test('a document outlives the pointers to it', () => {
  expect(documentTtlSeconds).toBeGreaterThan(pointerTtlSeconds);
});

test('a written pointer is read back', () => {
  expect(parsePointer(formatPointer(pointer))).toEqual(pointer);
});

test('a newer writer’s fields do not hurt', () => {
  expect(parsePointer(canonicalText({ v: 1, ...pointer, later: true }))).toEqual(pointer);
});

test.each([
  ['no JSON', '{'],
  ['no object', 'null'],
  ['another version', canonicalText({ ...pointer, v: 2 })],
  ['no fingerprint', canonicalText({ v: 1, ...pointer, fingerprint: undefined })],
  ['a hash that is none', canonicalText({ v: 1, ...pointer, hash: '../../etc' })],
  ['a time that is none', canonicalText({ v: 1, ...pointer, observedAt: 'yesterday' })],
  ['cells that are none', canonicalText({ v: 1, ...pointer, hostPart: { cells: 3 } })],
  ['a length beyond the bound', canonicalText({ v: 1, ...pointer, pad: 'x'.repeat(200_000) })],
])('a pointer with %s counts as missing', (_, text) => {
  expect(parsePointer(text)).toBeUndefined();
});

test('arbitrary text is a pointer or nothing', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(parsePointer(text)).toBeUndefined();
    }),
  );
});

test('a document is read back only under the hash of its very text', () => {
  const { document, text, hash } = parseCapabilities('<capabilities/>');
  expect(parseDocument(text, hash)).toEqual(document);
  expect(parseDocument(`${text} `, hash)).toBeUndefined();
  expect(parseDocument('{}', contentHash('{}'))).toBeUndefined();
  expect(parseDocument('}', contentHash('}'))).toBeUndefined();
});
