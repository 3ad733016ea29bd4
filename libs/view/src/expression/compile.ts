/**
 * Filter expressions: CEL, parsed and checked by cel-js, run as closures of ours.
 *
 * - F1 What is absent is an error in CEL's sense, here `undefined`: it makes a comparison
 *   undefined, `&&` and `||` absorb it as CEL's do, and a row matches only on `true`.
 * - F2 Cost is bounded: by nodes and depth, by one level of macros, and by functions that are
 *   linear in their text. There are no regular expressions.
 * - F3 Nothing is looked up by a name that the caller chose in anything but a map's own keys.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { HostFacts } from '../facts.ts';
import type { Row } from '../row.ts';
import { call, method } from './calls.ts';
import { Refusal, type Context, type Evaluate, type Uses } from './closure.ts';
import { environment, maxExpressionLength, rowFields, type RowField } from './environment.ts';
import { hintsOf, type Hint } from './hints.ts';
import { binary, equal, negated, type Value } from './operators.ts';

export type Expression = {
  /** As it was asked. */
  text: string;
  matches: (row: Row, facts: HostFacts) => boolean;
  uses: Uses;
  /** Conditions that every match meets, which an index can find. */
  hints: readonly Hint[];
};

export function compileExpression(
  text: string,
): { ok: true; expression: Expression } | { ok: false; reason: string } {
  if (text.length > maxExpressionLength) {
    return { ok: false, reason: `longer than ${maxExpressionLength} characters` };
  }
  try {
    const parsed = environment.parse(text);
    const checked = parsed.check();
    if (!checked.valid) return { ok: false, reason: firstLine(checked.error) };
    if (checked.type !== 'bool' && checked.type !== 'dyn') {
      return { ok: false, reason: `it is of type ${checked.type}, not a condition` };
    }
    const uses: Uses = { stats: false, labels: false, trust: false, config: false };
    const run = compile(parsed.ast, { uses, item: undefined });
    return {
      ok: true,
      expression: {
        text,
        matches: (row, facts) => run(row, facts, undefined) === true,
        uses,
        hints: hintsOf(parsed.ast),
      },
    };
  } catch (error) {
    // The parser throws its own errors, and a deep text may end the stack: both are the caller's.
    return { ok: false, reason: firstLine(error) };
  }
}

function firstLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'it cannot be read';
}

function compile(node: ASTNode, context: Context): Evaluate {
  switch (node.op) {
    case 'value':
      return constant(literal(node.args));
    case 'id':
      return variable(node.args, context);
    case '.':
      return select(node.args[0], node.args[1], context);
    case '[]':
      return index(node.args[0], node.args[1], context);
    case 'list':
      return list(node.args, context);
    case '&&':
      return and(compile(node.args[0], context), compile(node.args[1], context));
    case '||':
      return or(compile(node.args[0], context), compile(node.args[1], context));
    case '!_': {
      const inner = compile(node.args, context);
      return (row, facts, item) => {
        const value = inner(row, facts, item);
        return typeof value === 'boolean' ? !value : undefined;
      };
    }
    case '-_': {
      const inner = compile(node.args, context);
      return (row, facts, item) => negated(inner(row, facts, item));
    }
    case '?:': {
      const test = compile(node.args[0], context);
      const yes = compile(node.args[1], context);
      const no = compile(node.args[2], context);
      return (row, facts, item) => {
        const chosen = test(row, facts, item);
        if (typeof chosen !== 'boolean') return undefined;
        return chosen ? yes(row, facts, item) : no(row, facts, item);
      };
    }
    case 'in':
      return isIn(node.args[0], node.args[1], context);
    case 'call':
      return call(node.args[0], node.args[1], context, compile);
    case 'rcall':
      return method(node.args[0], node.args[1], node.args[2], context, compile);
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '+':
    case '-':
    case '*':
    case '/':
    case '%': {
      const apply = binary(node.op, isInteger(node.args[0]) && isInteger(node.args[1]));
      const left = compile(node.args[0], context);
      const right = compile(node.args[1], context);
      return (row, facts, item) => apply(left(row, facts, item), right(row, facts, item));
    }
    case '.?':
    case '[?]':
    case 'map':
      throw new Refusal(`${node.op} is nothing that filters know`);
  }
}

const constant =
  (value: Value): Evaluate =>
  () =>
    value;

function literal(value: unknown): Value {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return value;
  }
  if (value === null) return null;
  const unsigned = Number(value);
  if (Number.isFinite(unsigned)) return unsigned;
  throw new Refusal('a literal of this type is nothing that filters know');
}

function variable(name: string, context: Context): Evaluate {
  if (name === context.item) return (_row, _facts, item) => item as Value;
  if (name === 'config') {
    context.uses.config = true;
    return (row) => row.config as Value;
  }
  if (name === 'id') {
    context.uses.trust = true;
    return (row, facts) => facts.idOf(row);
  }
  if (name === 'trust') {
    context.uses.trust = true;
    return (row, facts) => facts.trustOf(row);
  }
  if (Object.hasOwn(rowFields, name)) {
    const field = name as Exclude<RowField, 'trust'>;
    return (row) => row[field];
  }
  throw new Refusal(`${name} is a map: name one of its keys`);
}

/** `stats.cpu.time` and `stats["cpu.time"]` name the same field. */
function select(base: ASTNode, key: string, context: Context): Evaluate {
  const path = dotted(base);
  if (path?.[0] === 'stats' && context.item !== 'stats') {
    return stat([...path.slice(1), key].join('.'), context);
  }
  if (path?.[0] === 'labels' && path.length === 1 && context.item !== 'labels') {
    return label(key, context);
  }
  const inner = compile(base, context);
  return (row, facts, item) => {
    const value = inner(row, facts, item);
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    return (value as Readonly<Record<string, Value>>)[key];
  };
}

function dotted(node: ASTNode): string[] | undefined {
  if (node.op === 'id') return [node.args];
  if (node.op !== '.') return undefined;
  const base = dotted(node.args[0]);
  return base && [...base, node.args[1]];
}

function stat(field: string, { uses }: Context): Evaluate {
  uses.stats = true;
  return (row, facts) => facts.stat(row, field);
}

function label(name: string, { uses }: Context): Evaluate {
  uses.labels = true;
  return (_row, facts) => facts.label(name);
}

function index(base: ASTNode, at: ASTNode, context: Context): Evaluate {
  const map = base.op === 'id' && base.args !== context.item ? base.args : undefined;
  if (map === 'stats' || map === 'labels') {
    if (at.op !== 'value' || typeof at.args !== 'string') {
      throw new Refusal(`${map}[...] takes a text between quotes`);
    }
    return map === 'stats' ? stat(at.args, context) : label(at.args, context);
  }
  const inner = compile(base, context);
  const place = compile(at, context);
  return (row, facts, item) => {
    const values = inner(row, facts, item);
    const position = place(row, facts, item);
    return Array.isArray(values) && typeof position === 'number'
      ? (values as readonly Value[])[position]
      : undefined;
  };
}

function list(nodes: readonly ASTNode[], context: Context): Evaluate {
  const literals = literalsOf(nodes);
  if (literals !== undefined) return constant(literals);
  const elements = nodes.map((each) => compile(each, context));
  return (row, facts, item) => elements.map((element) => element(row, facts, item));
}

function literalsOf(nodes: readonly ASTNode[]): Value[] | undefined {
  const values: Value[] = [];
  for (const node of nodes) {
    if (node.op !== 'value') return undefined;
    values.push(literal(node.args));
  }
  return values;
}

function and(left: Evaluate, right: Evaluate): Evaluate {
  return (row, facts, item) => {
    const a = left(row, facts, item);
    if (a === false) return false;
    const b = right(row, facts, item);
    if (b === false) return false;
    return a === true && b === true ? true : undefined;
  };
}

function or(left: Evaluate, right: Evaluate): Evaluate {
  return (row, facts, item) => {
    const a = left(row, facts, item);
    if (a === true) return true;
    const b = right(row, facts, item);
    if (b === true) return true;
    return a === false && b === false ? false : undefined;
  };
}

function isIn(needle: ASTNode, haystack: ASTNode, context: Context): Evaluate {
  const value = compile(needle, context);
  const literals = haystack.op === 'list' ? literalsOf(haystack.args) : undefined;
  if (literals !== undefined) {
    const set = new Set<Value>(literals);
    return (row, facts, item) => {
      const sought = value(row, facts, item);
      return sought === undefined ? undefined : set.has(sought);
    };
  }
  if (haystack.op === 'id' && ['labels', 'stats'].includes(haystack.args)) {
    if (needle.op !== 'value' || typeof needle.args !== 'string') {
      throw new Refusal(`... in ${haystack.args} takes a text between quotes`);
    }
    const present =
      haystack.args === 'stats' ? stat(needle.args, context) : label(needle.args, context);
    return (row, facts, item) => present(row, facts, item) !== undefined;
  }
  const many = compile(haystack, context);
  return (row, facts, item) => {
    const sought = value(row, facts, item);
    const values = many(row, facts, item);
    if (sought === undefined || !Array.isArray(values)) return undefined;
    return (values as readonly Value[]).some((each) => equal(each, sought) === true);
  };
}

/** Whether `/` and `%` are those of integers: declared or literal on both sides. */
function isInteger(node: ASTNode): boolean {
  const { op } = node;
  if (op === 'value') return typeof node.args === 'bigint';
  if (op === '.') return dotted(node)?.[0] === 'config';
  if (op === 'call') return node.args[0] === 'size' || node.args[0] === 'int';
  if (op === 'rcall') return node.args[0] === 'size';
  if (op === '-_') return isInteger(node.args);
  if (op === '+' || op === '-' || op === '*' || op === '/' || op === '%') {
    return isInteger(node.args[0]) && isInteger(node.args[1]);
  }
  return false;
}
