/**
 * Names of typed parameters come in the same order again and again: every running domain with two
 * disks answers with the same list. So the names are kept as a tree in which each path from the
 * root is one list seen before, and a name is recognised by comparing its bytes with the name that
 * followed last time: no string is made and no map is asked.
 */
import type { XdrReader } from './xdr-reader.ts';
import { ProtocolError } from '../errors.ts';
import { maxStringBytes } from './limits.ts';

/** One list of names, shared by all records that came with it. */
export class ParameterLayout {
  readonly names: readonly string[];
  #indexOf: Map<string, number> | undefined;

  constructor(names: readonly string[]) {
    this.names = names;
  }

  /** Position of a name; of the first, as in libvirt, should one come twice. */
  indexOf(name: string): number | undefined {
    if (this.#indexOf === undefined) {
      // Backwards, so that the first of two wins. Built on demand: columnar readers never ask.
      this.#indexOf = new Map();
      for (let i = this.names.length - 1; i >= 0; i--) {
        this.#indexOf.set(this.names[i] ?? '', i);
      }
    }
    return this.#indexOf.get(name);
  }
}

/** A name at its place in a list: its parent is the name before it. */
export class LayoutNode {
  readonly name: string;
  readonly parent: LayoutNode | undefined;
  readonly #wire: WireString;
  /** The last STRING value that stood here: most are the same in every record, such as `vda`. */
  #lastText: WireString | undefined;
  #textMisses = 0;
  /** The child that followed last time. */
  #predicted: LayoutNode | undefined;
  #children: Map<string, LayoutNode> | undefined;
  #layout: ParameterLayout | undefined;

  constructor(name: string, parent: LayoutNode | undefined) {
    this.name = name;
    this.parent = parent;
    this.#wire = new WireString(name);
  }

  /** The list of names that ends here. */
  get layout(): ParameterLayout {
    this.#layout ??= new ParameterLayout(namesUpTo(this));
    return this.#layout;
  }

  /** Reads the next name and returns its node; `undefined` when it is new at this place. */
  follow(reader: XdrReader): LayoutNode | undefined {
    const guess = this.#predicted;
    if (guess !== undefined && guess.#wire.matches(reader)) return guess;
    const start = reader.offset;
    const length = reader.uint();
    if (length > maxStringBytes) throw new ProtocolError(`a field name of ${length} bytes`);
    const at = reader.skip((length + 3) & ~3);
    const child = this.#children?.get(reader.bytes.toString('utf8', at, at + length));
    if (child === undefined) {
      reader.reset(reader.bytes, start, reader.end);
      return undefined;
    }
    this.#predicted = child;
    return child;
  }

  /** Adds a name at this place. */
  grow(name: string): LayoutNode {
    const child = new LayoutNode(name, this);
    this.#children ??= new Map();
    this.#children.set(name, child);
    this.#predicted = child;
    return child;
  }

  /** Reads a STRING value at this place. */
  text(reader: XdrReader): string {
    if (this.#textMisses >= maxTextMisses) return reader.string();
    if (this.#lastText?.matches(reader) === true) {
      this.#textMisses = 0;
      return this.#lastText.text;
    }
    const text = reader.string();
    this.#textMisses = text.length > maxKeptText ? maxTextMisses : this.#textMisses + 1;
    this.#lastText = this.#textMisses < maxTextMisses ? new WireString(text) : undefined;
    return text;
  }
}

/** Longest text that is kept, in UTF-16 units. */
const maxKeptText = 64;
/** After so many in a row that differ, such as paths, guessing is given up at that place. */
const maxTextMisses = 8;

/** A string and how it looks on the wire. */
class WireString {
  readonly text: string;
  readonly #byteLength: number;
  /** Its bytes with their padding. */
  readonly #words: Int32Array;

  constructor(text: string) {
    const bytes = Buffer.from(text, 'utf8');
    const padded = Buffer.alloc((bytes.length + 3) & ~3);
    bytes.copy(padded);
    this.text = text;
    this.#byteLength = bytes.length;
    this.#words = Int32Array.from({ length: padded.length >> 2 }, (_, i) =>
      padded.readInt32BE(i * 4),
    );
  }

  /** Consumes the string and returns true when the reader stands at exactly this one. */
  matches(reader: XdrReader): boolean {
    const words = this.#words;
    const at = reader.offset;
    if (reader.remaining < 4 + words.length * 4) return false;
    const view = reader.view;
    if (view.getUint32(at) !== this.#byteLength) return false;
    // Backwards: names of one list differ at their ends.
    for (let i = words.length - 1, word = at + 4 + i * 4; i >= 0; i--, word -= 4) {
      if (view.getInt32(word) !== words[i]) return false;
    }
    reader.skip(4 + words.length * 4);
    return true;
  }
}

function namesUpTo(last: LayoutNode): string[] {
  const names: string[] = [];
  let node = last;
  while (node.parent !== undefined) {
    names.push(node.name);
    node = node.parent;
  }
  return names.reverse();
}

/** Names remembered at most; beyond, the memory starts anew. Some 100 bytes each. */
const maxNodes = 65_536;

/** All lists of names seen lately, in this process. */
export class LayoutTree {
  #root = new LayoutNode('', undefined);
  #nodes = 0;

  get root(): LayoutNode {
    if (this.#nodes >= maxNodes) {
      this.#root = new LayoutNode('', undefined);
      this.#nodes = 0;
    }
    return this.#root;
  }

  /** Reads one field name below `node`, learning it when it is new. */
  next(node: LayoutNode, reader: XdrReader): LayoutNode {
    const known = node.follow(reader);
    if (known !== undefined) return known;
    this.#nodes += 1;
    return node.grow(reader.string());
  }
}
