/**
 * Typed parameters (`virTypedParameter`): named values of seven types. On the wire: name, type
 * word, value.
 */
import { ProtocolError } from '../errors.ts';
import { type LayoutNode, LayoutTree, type ParameterLayout } from './parameter-layout.ts';
import type { XdrReader } from './xdr-reader.ts';
import type { XdrWriter } from './xdr-writer.ts';

/**
 * INT, UINT and DOUBLE are numbers; LLONG and ULLONG too, as long as a number holds them exactly
 * (up to 2^53), and bigints beyond; BOOLEAN and STRING are what they say.
 */
export type TypedValue = number | bigint | string | boolean;

/**
 * Typed parameters in libvirt's order. Reads like a `Map`. Records that came with the same names
 * share them: such a record costs one array.
 */
export class TypedParameters implements ReadonlyMap<string, TypedValue> {
  readonly #layout: ParameterLayout;
  readonly #values: readonly TypedValue[];

  constructor(layout: ParameterLayout, values: readonly TypedValue[]) {
    this.#layout = layout;
    this.#values = values;
  }

  get size(): number {
    return this.#values.length;
  }

  /** Position in this is position in `valueAt`. The same array for all records of one layout. */
  get names(): readonly string[] {
    return this.#layout.names;
  }

  valueAt(index: number): TypedValue | undefined {
    return this.#values[index];
  }

  get(name: string): TypedValue | undefined {
    const index = this.#layout.indexOf(name);
    return index === undefined ? undefined : this.#values[index];
  }

  has(name: string): boolean {
    return this.#layout.indexOf(name) !== undefined;
  }

  keys(): MapIterator<string> {
    return this.#layout.names.values();
  }

  values(): MapIterator<TypedValue> {
    return this.#values.values();
  }

  *entries(): MapIterator<[string, TypedValue]> {
    const names = this.#layout.names;
    for (let i = 0; i < names.length; i++) {
      yield [names[i] as string, this.#values[i] as TypedValue];
    }
  }

  [Symbol.iterator](): MapIterator<[string, TypedValue]> {
    return this.entries();
  }

  forEach(
    visit: (value: TypedValue, name: string, all: ReadonlyMap<string, TypedValue>) => void,
  ): void {
    for (const [name, value] of this) visit(value, name, this);
  }

  /** A plain object, for logs and assertions. */
  toJSON(): Record<string, TypedValue> {
    return Object.fromEntries(this);
  }
}

/** Shared by all sessions of this process: hosts of one kind answer with the same lists. */
export const layouts = new LayoutTree();

/** The least that a parameter takes: an empty name's length, a type, a 32-bit value. */
export const minParameterBytes = 12;

/**
 * `virTypedParameter<max>`.
 *
 * @throws {ProtocolError} truncated, more than `max`, or of an unknown type
 */
export function readTypedParameters(reader: XdrReader, max: number): TypedParameters {
  const count = reader.count(max, minParameterBytes);
  const values: TypedValue[] = [];
  let node: LayoutNode = layouts.root;
  for (let i = 0; i < count; i++) {
    node = layouts.next(node, reader);
    values.push(readTypedValue(reader, node));
  }
  return new TypedParameters(node.layout, values);
}

function readTypedValue(reader: XdrReader, node: LayoutNode): TypedValue {
  const type = reader.int();
  switch (type) {
    case 1:
      return reader.int();
    case 2:
      return reader.uint();
    case 3:
      return reader.signedCounter();
    case 4:
      return reader.counter();
    case 5:
      return reader.double();
    case 6:
      return reader.bool();
    case 7:
      return node.text(reader);
    default:
      throw unknownType(node, type);
  }
}

/** The size of an unknown arm is unknown: nothing after it can be read. */
export function unknownType(node: LayoutNode, type: number): ProtocolError {
  return new ProtocolError(`parameter ${JSON.stringify(node.name)} has unknown type ${type}`);
}

/** Strings as STRING, numbers and bigints as ULLONG: what libvirt's parameters of calls are. */
export function writeTypedParameters(
  writer: XdrWriter,
  params: Readonly<Record<string, string | number | bigint>>,
): void {
  const entries = Object.entries(params);
  writer.uint(entries.length);
  for (const [name, value] of entries) {
    writer.string(name);
    if (typeof value === 'string') {
      writer.int(7);
      writer.string(value);
    } else {
      writer.int(4);
      writer.unsignedHyper(value);
    }
  }
}
