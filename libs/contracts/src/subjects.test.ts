import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseEventId } from './event.ts';
import { formatRevision, parseRevision } from './revision.ts';
import {
  parseCapsSubject,
  parseEventSubject,
  parseStateSubject,
  parseStatsSubject,
  statsTiers,
  subjects,
  thingTypes,
} from './subjects.ts';
import { decodeToken, encodeToken } from './token.ts';

const host = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/);
const name = fc.string({ unit: 'grapheme', maxLength: 40 });

test('any name survives the way into a subject token and back', () => {
  fc.assert(
    fc.property(name, (text) => {
      const token = encodeToken(text);
      expect(token).toMatch(/^[A-Za-z0-9_=-]+$/);
      expect(decodeToken(token)).toBe(text.toWellFormed());
    }),
  );
});

test('a token that the encoder does not write is refused, so that no name has two subjects', () => {
  for (const token of ['', 'a.b', '=41', '=g0', '=4', 'a b', '=c3', '=C3', '*', '>']) {
    expect(decodeToken(token), token).toBeUndefined();
  }
});

test('state and event subjects parse back into what built them', () => {
  fc.assert(
    fc.property(host, fc.constantFrom(...thingTypes), name, name, (h, type, id, kind) => {
      const wellFormed = id.toWellFormed();
      expect(parseStateSubject(subjects.state(h, type, id))).toEqual({
        host: h,
        type,
        id: wellFormed,
      });
      expect(parseEventSubject(subjects.event(h, type, id, kind))).toEqual({
        host: h,
        type,
        id: wellFormed,
        kind: kind.toWellFormed(),
      });
    }),
  );
});

test('stats and capability subjects parse back into what built them', () => {
  fc.assert(
    fc.property(host, fc.constantFrom(...statsTiers), fc.nat(99_999), (h, tier, page) => {
      expect(parseStatsSubject(subjects.stats(h, tier, page))).toEqual({ host: h, tier, page });
      expect(parseCapsSubject(subjects.capsOfHost(h))).toBe(h);
    }),
  );
});

test('a foreign subject parses to nothing', () => {
  for (const subject of [
    'virt.v2.state.h.domain.x',
    'virt.v1.state.h.domain',
    'virt.v1.state.-h.domain.x',
    'virt.v1.state.h.vm.x',
    'virt.v1.state.h.domain.x.y',
    'virt.v1.event.h.domain.x',
    '',
  ]) {
    expect(parseStateSubject(subject), subject).toBeUndefined();
    expect(parseEventSubject(subject), subject).toBeUndefined();
  }
  expect(parseStatsSubject('virt.v1.stats.h.slow.0')).toBeUndefined();
  expect(parseStatsSubject('virt.v1.stats.h.fast.x')).toBeUndefined();
});

test('a revision token names its stream and timeline, and nothing else is one', () => {
  const revision = { createdMs: 1_795_000_000_000, timeline: 12, seq: 99 };
  expect(parseRevision(formatRevision(revision))).toEqual(revision);
  for (const token of ['', '1', 'a-b', 'a-b-c', 'A-1-1', '1-1-1-1', '1-1--1']) {
    expect(parseRevision(token), token).toBeUndefined();
  }
});

test('an event id names role, host, epoch and seq', () => {
  expect(parseEventId('event-bridge:hv1:1795000000:7')).toEqual({
    role: 'event-bridge',
    host: 'hv1',
    epoch: 1_795_000_000,
    seq: 7,
  });
  for (const id of [
    '',
    'event-bridge:hv1:1',
    'x:hv1:1:1',
    'event-bridge:hv1:1:0',
    'event-bridge:hv1:1:1:1',
  ]) {
    expect(parseEventId(id), id).toBeUndefined();
  }
});
