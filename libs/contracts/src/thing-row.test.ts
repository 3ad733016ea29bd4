import { expect, test } from 'vitest';
import { maxRowBytes } from './domain-row.ts';
import { cloudEventHeaders, eventDataSchema, eventSubject, type EventData } from './event.ts';
import { parseEventSubject } from './subjects.ts';
import { thingRowSchema, type ThingPresence } from './thing-row.ts';

const event: EventData = {
  v: 1,
  role: 'event-bridge',
  host: 'hv1',
  epoch: 7,
  seq: 3,
  prev: null,
  kind: 'created',
  observedAt: '2026-01-01T00:00:00.000Z',
  thing: { type: 'nodedev', id: 'net_eth0.7_ü' },
  name: 'net_eth0.7_ü',
};

test("a thing's event lies under its type and id, and is nobody's domain", () => {
  expect(parseEventSubject(eventSubject(event))).toEqual({
    host: 'hv1',
    type: 'nodedev',
    id: 'net_eth0.7_ü',
    kind: 'created',
  });
  const headers = cloudEventHeaders(event);
  expect(headers).toMatchObject({ 'ce-type': 'virtscope.v1.nodedev.created' });
  expect(headers['ce-subject']).toMatch(/^[A-Za-z0-9_=-]+$/);
  expect(eventDataSchema.parse(event)).toMatchObject({ thing: event.thing });
});

test('a row at all of its bounds is smaller than a row may be', () => {
  // A control character takes six bytes in JSON: none takes more.
  const fill = (length: number): string => '\u0001'.repeat(length);
  const row: ThingPresence = {
    v: 1,
    type: 'pool',
    id: fill(256),
    host: 'h'.repeat(63),
    uuid: '00000000-0000-4000-8000-000000000000',
    epoch: 9_000_000_000,
    seq: 9_000_000_000,
    name: fill(4096),
    lastEvent: { epoch: 9_000_000_000, seq: 9_000_000_000 },
    active: false,
    persistent: false,
    autostart: false,
    stateFrom: 'event',
    stateObservedAt: '2026-01-01T00:00:00.000Z',
    config: {
      observedAt: '2026-01-01T00:00:00.000Z',
      xmlHash: fill(64),
      pool: {
        backend: fill(64),
        state: fill(64),
        capacityBytes: 9e18,
        allocationBytes: 9e18,
        availableBytes: 9e18,
        path: fill(4096),
        sourceHosts: Array.from({ length: 64 }, () => fill(256)),
        source: fill(4096),
      },
      omitted: Array.from({ length: 16 }, () => fill(64)),
    },
  };
  expect(thingRowSchema.safeParse(row).success).toBe(true);
  expect(new TextEncoder().encode(JSON.stringify(row)).length).toBeLessThan(maxRowBytes);
});
