import { thingRowTypes, type ThingRowType } from '@virtscope/contracts';
import { expect, test } from 'vitest';
import { thingNetEffects, toldThing, type ThingStanding } from './standing.ts';

/** Every standing that libvirt can give a thing of the type. */
function standings(type: ThingRowType): (ThingStanding | undefined)[] {
  const name = 'x';
  if (type === 'secret') return [undefined, { name, active: null, persistent: null }];
  const persistents = type === 'nodedev' ? [true, null] : [true, false];
  return [
    undefined,
    ...persistents.map((persistent) => ({ name, active: true, persistent })),
    { name, active: false, persistent: true },
  ];
}

test.for(thingRowTypes)(
  'the story of a %s leads whoever believes it from before to after',
  (type) => {
    for (const before of standings(type)) {
      for (const after of standings(type)) {
        const story = thingNetEffects(type, before, after);
        const believed = story.reduce(
          (standing, kind) => toldThing(standing, { type, kind, name: 'x' }),
          before,
        );
        const context = `${JSON.stringify(before)} to ${JSON.stringify(after)}: ${story.join()}`;
        expect(believed?.active, context).toBe(after?.active);
      }
    }
  },
);

test('what did not change tells no story', () => {
  for (const type of thingRowTypes) {
    for (const same of standings(type)) expect(thingNetEffects(type, same, same)).toEqual([]);
  }
});

test('a network that was redefined under another name is told as defined', () => {
  const before = { name: 'a', active: false, persistent: true };
  expect(thingNetEffects('network', before, { ...before, name: 'b' })).toEqual(['defined']);
});

test("a pool's storage that is built or wiped neither starts nor ends it", () => {
  const pool = { name: 'p', active: false, persistent: true };
  for (const kind of ['created', 'deleted', 'refresh']) {
    expect(toldThing(pool, { type: 'pool', kind, name: 'p' })).toEqual(pool);
  }
});
