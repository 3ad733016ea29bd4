import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CallSlots, type SlotCall } from './call-slots.ts';

interface TestCall extends SlotCall<TestCall> {}

function callOf(serial: number, priority: 'high' | 'low'): TestCall {
  return { serial, priority, ahead: undefined, behind: undefined };
}

type Step =
  | { do: 'enqueue'; priority: 'high' | 'low' }
  | { do: 'answer' | 'withdraw'; pick: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('enqueue' as const),
    priority: fc.constantFrom('high' as const, 'low' as const),
  }),
  fc.record({ do: fc.constantFrom('answer' as const, 'withdraw' as const), pick: fc.nat() }),
);

test('whatever happens, the bounds hold, order is kept, and nobody waits for a free slot', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 80 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 5 }),
      (steps, maxInFlight, maxLow) => {
        const slots = new CallSlots<TestCall>(maxInFlight, maxLow);
        const waiting: TestCall[] = [];
        const inFlight: TestCall[] = [];
        let serial = 0;
        const takeAll = (): void => {
          for (let call = slots.take(); call !== undefined; call = slots.take()) {
            const { priority } = call;
            // S3: the oldest of its priority.
            expect(waiting.find((one) => one.priority === priority)).toBe(call);
            waiting.splice(waiting.indexOf(call), 1);
            inFlight.push(call);
          }
          const low = inFlight.filter(({ priority }) => priority === 'low').length;
          // S1, and no slot is left empty that somebody may have.
          expect(inFlight.length).toBeLessThanOrEqual(maxInFlight);
          expect(low).toBeLessThanOrEqual(maxLow);
          const eligible = waiting.some(({ priority }) => priority === 'high' || low < maxLow);
          expect(eligible && inFlight.length < maxInFlight).toBe(false);
          expect(slots.waiting).toBe(waiting.length);
        };
        for (const one of steps) {
          if (one.do === 'enqueue') {
            const call = callOf((serial += 1), one.priority);
            waiting.push(call);
            slots.enqueue(call);
          } else {
            const from = one.do === 'answer' ? inFlight : waiting;
            const [call] = from.splice(one.pick % Math.max(1, from.length), 1);
            if (call === undefined) continue;
            if (one.do === 'answer') slots.release(call);
            else slots.withdraw(call);
          }
          takeAll();
        }
      },
    ),
  );
});

test('a low call goes before a younger high one when both may go', () => {
  const slots = new CallSlots<TestCall>(1, 1);
  const low = callOf(1, 'low');
  slots.enqueue(low);
  slots.enqueue(callOf(2, 'high'));
  expect(slots.take()).toBe(low);
});
