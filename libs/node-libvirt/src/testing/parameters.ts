/** Typed parameters for property tests: any names, any types, and how they look on the wire. */
import fc from 'fast-check';
import type { TypedValue } from '../protocol/typed-parameter.ts';
import type { XdrWriter } from '../protocol/xdr-writer.ts';

export type Parameter = { name: string; type: number; value: TypedValue };

const name = fc
  .string({ maxLength: 30 })
  .filter((s) => !s.includes('\0'))
  .map((s) => s.toWellFormed());

const parameter: fc.Arbitrary<Parameter> = fc.oneof(
  fc.record({ name, type: fc.constant(1), value: fc.integer() }),
  fc.record({ name, type: fc.constant(2), value: fc.nat({ max: 0xffff_ffff }) }),
  fc.record({ name, type: fc.constant(3), value: fc.maxSafeInteger() }),
  fc.record({
    name,
    type: fc.constant(4),
    value: fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
  }),
  fc.record({ name, type: fc.constant(5), value: fc.double({ noNaN: true }) }),
  fc.record({ name, type: fc.constant(6), value: fc.boolean() }),
  fc.record({ name, type: fc.constant(7), value: name }),
);

export function writeParameters(writer: XdrWriter, parameters: readonly Parameter[]): void {
  writer.uint(parameters.length);
  for (const { name: field, type, value } of parameters) {
    writer.string(field);
    writer.int(type);
    if (typeof value === 'string') writer.string(value);
    else if (typeof value === 'boolean') writer.bool(value);
    else if (type === 5) writer.double(Number(value));
    else if (type === 3) writer.hyper(value);
    else if (type === 4) writer.unsignedHyper(value);
    else if (type === 1) writer.int(Number(value));
    else writer.uint(Number(value));
  }
}

/** No name twice. */
export const uniqueParameters = fc.uniqueArray(parameter, {
  selector: (p) => p.name,
  maxLength: 20,
});
