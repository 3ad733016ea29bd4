import { presenceSchema } from '@virtscope/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fastPresence } from './fast-presence.ts';
import { config, presence } from './world.fixture.ts';

const odd = fc.oneof(
  fc.anything({ maxDepth: 1 }),
  fc.constantFrom<unknown>(undefined, null, '', 'x', -1, 0, 0.5, 2 ** 60, Number.NaN, true, [], {}),
  fc.constantFrom<unknown>('x'.repeat(300), '2026-02-31T00:00:00.000Z', '2026-01-01', 'UPPER'),
);

/** A story that is still to be told: of a row whose domain has just moved. */
const settling = { before: { state: 'running', id: 4 }, at: '2026-01-01T00:00:15.000Z' };

/** A row as it is written, with one place of it changed. */
const row = fc
  .record({
    place: fc.constantFrom(
      ...'v type host uuid epoch seq name id state stateReason stateFrom stateObservedAt persistent autostart managedSave lastEvent settling config tombstone stranger'.split(
        ' ',
      ),
      ...'observedAt xmlHash title description arch vcpusCurrent memoryCurrentKiB disks interfaces omitted'
        .split(' ')
        .map((key) => `config.${key}`),
      ...'target bus source type readonly stranger'.split(' ').map((key) => `disk.${key}`),
      ...'before at'.split(' ').map((key) => `settling.${key}`),
      ...'state id'.split(' ').map((key) => `before.${key}`),
      ...'mac type target'.split(' ').map((key) => `interface.${key}`),
    ),
    value: odd,
  })
  .map(({ place, value }) => {
    const body = structuredClone(
      presence('hv1', 1, { config: config(), lastEvent: { epoch: 9, seq: 1 }, settling }),
    );
    const [first = '', second] = place.split('.');
    const holders: Record<string, object | null | undefined> = {
      config: body.config,
      disk: body.config?.disks[0],
      interface: body.config?.interfaces[0],
      settling: body.settling,
      before: body.settling?.before,
    };
    const holder = second === undefined ? body : holders[first];
    Object.assign(holder ?? {}, { [second ?? first]: value });
    return body as unknown;
  });

test('what is taken by hand is what the schema gives', () => {
  fc.assert(
    fc.property(fc.oneof(row, fc.anything()), (body) => {
      const quick = fastPresence(body);
      const parsed = presenceSchema.safeParse(body);
      // Who told what is the writers' business, and no answer's.
      const { lastEvent: _, settling: __, ...kept } = parsed.data ?? {};
      expect(quick ?? kept).toEqual(kept);
      expect(quick === undefined || parsed.success).toBe(true);
    }),
    { numRuns: 3_000 },
  );
});

test("a writer's row is taken by hand", () => {
  expect(fastPresence(presence('hv1', 1, { config: config() }))).toBeDefined();
  expect(fastPresence(presence('hv1', 1, { id: null, state: 'shutoff' }))).toBeDefined();
  expect(fastPresence(presence('hv1', 1, { settling }))).toBeDefined();
  const appeared = { ...settling, before: null };
  expect(fastPresence(presence('hv1', 1, { settling: appeared }))).toBeDefined();
});
