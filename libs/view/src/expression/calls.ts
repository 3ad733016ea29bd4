/** The functions and methods of filter expressions. */
import type { ASTNode } from '@marcbachmann/cel-js';
import { Refusal, type Compile, type Context, type Evaluate } from './closure.ts';
import { globMatcher, maxGlobLength } from './glob.ts';
import type { Value } from './operators.ts';

/** `has`, `size` and the conversions. */
export function call(
  name: string,
  args: readonly ASTNode[],
  context: Context,
  compile: Compile,
): Evaluate {
  const [first] = args;
  if (first === undefined || args.length !== 1) throw new Refusal(`${name} takes one argument`);
  const inner = compile(first, context);
  switch (name) {
    case 'has':
      return (row, facts, item) => inner(row, facts, item) !== undefined;
    case 'size':
      return (row, facts, item) => sizeOf(inner(row, facts, item));
    case 'int':
      return (row, facts, item) => {
        const number = numberOf(inner(row, facts, item));
        return number === undefined ? undefined : Math.trunc(number);
      };
    case 'double':
      return (row, facts, item) => numberOf(inner(row, facts, item));
    case 'string':
      return (row, facts, item) => {
        const value = inner(row, facts, item);
        return typeof value === 'object' || value === undefined ? undefined : String(value);
      };
    default:
      throw new Refusal(`${name}() is nothing that filters know`);
  }
}

function sizeOf(value: Value): number | undefined {
  return typeof value === 'string' || Array.isArray(value) ? value.length : undefined;
}

function numberOf(value: Value): number | undefined {
  if (typeof value !== 'number' && typeof value !== 'string') return undefined;
  const number = value === '' ? Number.NaN : Number(value);
  return Number.isFinite(number) ? number : undefined;
}

const textTests: Readonly<Record<string, (text: string, other: string) => boolean>> = {
  startsWith: (text, other) => text.startsWith(other),
  endsWith: (text, other) => text.endsWith(other),
  contains: (text, other) => text.includes(other),
};

/** What is called on a value: tests of texts, and the macros over lists. */
export function method(
  name: string,
  receiver: ASTNode,
  args: readonly ASTNode[],
  context: Context,
  compile: Compile,
): Evaluate {
  if (name === 'exists' || name === 'all' || name === 'exists_one') {
    return macro(name, receiver, args, context, compile);
  }
  const inner = compile(receiver, context);
  const [first] = args;
  if (name === 'size' && first === undefined) {
    return (row, facts, item) => sizeOf(inner(row, facts, item));
  }
  if (name === 'lowerAscii' && first === undefined) {
    return (row, facts, item) => {
      const text = inner(row, facts, item);
      return typeof text === 'string' ? text.toLowerCase() : undefined;
    };
  }
  if (name === 'glob' && first !== undefined) return glob(inner, first);
  const test = Object.hasOwn(textTests, name) ? textTests[name] : undefined;
  if (test === undefined || first === undefined || args.length !== 1) {
    const instead = name === 'matches' ? ': use glob, startsWith, endsWith or contains' : '';
    throw new Refusal(`.${name}() is nothing that filters know${instead}`);
  }
  const other = compile(first, context);
  return (row, facts, item) => {
    const text = inner(row, facts, item);
    const part = other(row, facts, item);
    return typeof text === 'string' && typeof part === 'string' ? test(text, part) : undefined;
  };
}

function glob(inner: Evaluate, pattern: ASTNode): Evaluate {
  if (pattern.op !== 'value' || typeof pattern.args !== 'string') {
    throw new Refusal('.glob() takes a text between quotes');
  }
  if (pattern.args.length > maxGlobLength) {
    throw new Refusal(`.glob() takes at most ${maxGlobLength} characters`);
  }
  const matches = globMatcher(pattern.args);
  return (row, facts, item) => {
    const text = inner(row, facts, item);
    return typeof text === 'string' ? matches(text) : undefined;
  };
}

function macro(
  name: 'exists' | 'all' | 'exists_one',
  receiver: ASTNode,
  [bound, predicate]: readonly ASTNode[],
  context: Context,
  compile: Compile,
): Evaluate {
  if (bound?.op !== 'id' || predicate === undefined) throw new Refusal(`.${name}(x, condition)`);
  // A macro in a macro would cost the product of two lists on each row (F2).
  if (context.item !== undefined) throw new Refusal(`.${name}() cannot stand in another macro`);
  const inner = compile(receiver, context);
  const test = compile(predicate, { ...context, item: bound.args });
  return (row, facts) => {
    const values = inner(row, facts, undefined);
    if (!Array.isArray(values)) return undefined;
    let held = 0;
    let failed = 0;
    for (const value of values as readonly Value[]) {
      const result = test(row, facts, value);
      if (result === true) {
        if (name === 'exists') return true;
        held++;
      } else if (result === false) {
        if (name === 'all') return false;
      } else {
        failed++;
      }
    }
    if (failed > 0) return undefined;
    return name === 'exists' ? false : name === 'all' ? true : held === 1;
  };
}
