/** Bulk stats as packed rows of numbers. */
import { type Domain, minDomainBytes, readDomain } from './identity.ts';
import { maxDomains, maxStatsParameters } from './limits.ts';
import type { LayoutNode, ParameterLayout } from './parameter-layout.ts';
import { layouts, minParameterBytes, unknownType } from './typed-parameter.ts';
import type { XdrReader } from './xdr-reader.ts';

/** libvirt's type numbers that are not plain numbers. */
export const typeBoolean = 6;
export const typeString = 7;

/**
 * One reply of bulk stats. Row `i` is domain `i`; its numbers stand in `values` from `offsets[i]` to
 * `offsets[i + 1]`, in the order of `layouts[i].names`. Rows with the same names have the very same
 * layout object, here and in later replies, so the position of a name is looked up once for each
 * layout, and two rows of one layout can be subtracted number by number.
 *
 *     const at = columns.layouts[i].indexOf('cpu.time');
 *     if (at !== undefined) total += columns.values[columns.offsets[i] + at];
 *
 * Values are doubles: exact up to 2^53, rounded beyond (a counter of ns gets there in 104 days of
 * CPU time; the error is then a few ns). Booleans are 0 and 1. A string stands as its position in
 * `texts`: `types` tells.
 */
export class DomainStatsColumns {
  readonly domains: readonly Domain[];
  readonly layouts: readonly ParameterLayout[];
  /** One more than there are rows. */
  readonly offsets: Uint32Array;
  readonly values: Float64Array;
  /** libvirt's type of each value: 1 INT, 2 UINT, 3 LLONG, 4 ULLONG, 5 DOUBLE, 6 BOOLEAN, 7 STRING. */
  readonly types: Uint8Array;
  readonly texts: readonly string[];

  private constructor(
    domains: Domain[],
    rowLayouts: ParameterLayout[],
    offsets: Uint32Array,
    values: Float64Array,
    types: Uint8Array,
    texts: string[],
  ) {
    this.domains = domains;
    this.layouts = rowLayouts;
    this.offsets = offsets;
    this.values = values;
    this.types = types;
    this.texts = texts;
  }

  /** Rows, one for each domain. */
  get length(): number {
    return this.domains.length;
  }

  /** The numbers of a row; a view, not a copy. */
  row(index: number): Float64Array {
    return this.values.subarray(this.offsets[index], this.offsets[index + 1]);
  }

  /** A number by name; absent when the row has none of that name, or a string. */
  number(index: number, name: string): number | undefined {
    const at = this.#position(index, name);
    return at === undefined || this.types[at] === typeString ? undefined : this.values[at];
  }

  /** A string by name. */
  text(index: number, name: string): string | undefined {
    const at = this.#position(index, name);
    if (at === undefined || this.types[at] !== typeString) return undefined;
    return this.texts[this.values[at] ?? -1];
  }

  #position(index: number, name: string): number | undefined {
    const at = this.layouts[index]?.indexOf(name);
    return at === undefined ? undefined : (this.offsets[index] ?? 0) + at;
  }

  /** `{dom, tp<262144>}<16384>` @throws {ProtocolError} */
  static readonly read = (reader: XdrReader): DomainStatsColumns => {
    const rows = reader.count(maxDomains, minDomainBytes + 4);
    const domains: Domain[] = [];
    const rowLayouts: ParameterLayout[] = [];
    const offsets = new Uint32Array(rows + 1);
    const texts: string[] = [];
    let used = 0;
    for (let row = 0; row < rows; row++) {
      domains.push(readDomain(reader));
      const count = reader.count(maxStatsParameters, minParameterBytes);
      scratch.reserve(used + count);
      let node: LayoutNode = layouts.root;
      for (let i = 0; i < count; i++) {
        node = layouts.next(node, reader);
        readInto(scratch, used + i, reader, node, texts);
      }
      rowLayouts.push(node.layout);
      used += count;
      offsets[row + 1] = used;
    }
    const { values, types } = scratch.take(used);
    return new DomainStatsColumns(domains, rowLayouts, offsets, values, types, texts);
  };
}

function readInto(
  { values, types }: Scratch,
  at: number,
  reader: XdrReader,
  node: LayoutNode,
  texts: string[],
): void {
  const type = reader.int();
  types[at] = type;
  switch (type) {
    case 1:
    case 6:
      values[at] = reader.int();
      break;
    case 2:
      values[at] = reader.uint();
      break;
    case 3:
      values[at] = reader.roundedHyper();
      break;
    case 4:
      values[at] = reader.roundedUnsignedHyper();
      break;
    case 5:
      values[at] = reader.double();
      break;
    case 7:
      values[at] = texts.push(node.text(reader)) - 1;
      break;
    default:
      throw unknownType(node, type);
  }
}

/** Room kept between replies, in values; a reply that needs more gets its own. */
const maxKeptValues = 1_000_000;

/**
 * Where a reply is unpacked before its size is known. One for the process: unpacking does not wait,
 * so no two replies are ever in it.
 */
class Scratch {
  values = new Float64Array(4_096);
  types = new Uint8Array(4_096);

  reserve(length: number): void {
    if (length <= this.values.length) return;
    const capacity = Math.max(length, this.values.length * 2);
    const { values, types } = this;
    this.values = new Float64Array(capacity);
    this.values.set(values);
    this.types = new Uint8Array(capacity);
    this.types.set(types);
  }

  take(length: number): { values: Float64Array; types: Uint8Array } {
    const taken = { values: this.values.slice(0, length), types: this.types.slice(0, length) };
    if (this.values.length > maxKeptValues) {
      this.values = new Float64Array(4_096);
      this.types = new Uint8Array(4_096);
    }
    return taken;
  }
}

const scratch = new Scratch();
