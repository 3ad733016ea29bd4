/** The operators of filter expressions on plain values; `undefined` is CEL's error (F1). */

export type Value =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly Value[]
  | { readonly [key: string]: Value };

/** Longer texts are not joined (F2). */
const maxJoinedLength = 16_384;

type Binary = (a: Value, b: Value) => Value;
type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=' | '+' | '-' | '*' | '/' | '%';

/** Lists and objects are not compared: their equality would cost as much as they are long. */
export function equal(a: Value, b: Value): boolean | undefined {
  if (a === undefined || b === undefined) return undefined;
  if ((typeof a === 'object' && a !== null) || (typeof b === 'object' && b !== null)) {
    return undefined;
  }
  return a === b;
}

export const negated = (value: Value): Value => (typeof value === 'number' ? -value : undefined);

/** @param integers CEL's division of integers drops the fraction; other numbers keep it */
export function binary(operator: Operator, integers: boolean): Binary {
  switch (operator) {
    case '==':
      return equal;
    case '!=':
      return (a, b) => {
        const same = equal(a, b);
        return same === undefined ? undefined : !same;
      };
    case '<':
      return ordered((a, b) => a < b);
    case '<=':
      return ordered((a, b) => a <= b);
    case '>':
      return ordered((a, b) => a > b);
    case '>=':
      return ordered((a, b) => a >= b);
    case '+':
      return (a, b) => {
        if (typeof a === 'string' && typeof b === 'string') {
          return a.length + b.length > maxJoinedLength ? undefined : a + b;
        }
        return typeof a === 'number' && typeof b === 'number' ? a + b : undefined;
      };
    case '-':
      return numbers((a, b) => a - b);
    case '*':
      return numbers((a, b) => a * b);
    case '/':
      return numbers((a, b) => (b === 0 ? undefined : integers ? Math.trunc(a / b) : a / b));
    case '%':
      return numbers((a, b) => (b === 0 ? undefined : a % b));
  }
}

function ordered(holds: (a: string | number, b: string | number) => boolean): Binary {
  return (a, b) => {
    if (typeof a === 'number' && typeof b === 'number') return holds(a, b);
    return typeof a === 'string' && typeof b === 'string' ? holds(a, b) : undefined;
  };
}

function numbers(apply: (a: number, b: number) => number | undefined): Binary {
  return (a, b) => (typeof a === 'number' && typeof b === 'number' ? apply(a, b) : undefined);
}
