/** What an index can find of an expression: conditions that every match must meet. */
import type { ASTNode } from '@marcbachmann/cel-js';

/** Every match has one of `values` under this index. */
export type Hint =
  | { index: 'host' | 'uuid' | 'name' | 'state' | 'disk' | 'mac'; values: readonly string[] }
  | { index: 'label'; label: string; values: readonly string[] };

const indexed = ['host', 'uuid', 'name', 'state'] as const;

/** The hints among the parts that a top-level `&&` joins. */
export function hintsOf(node: ASTNode): Hint[] {
  if (node.op === '&&') return [...hintsOf(node.args[0]), ...hintsOf(node.args[1])];
  const hint = hintOf(node);
  return hint === undefined ? [] : [hint];
}

function hintOf(node: ASTNode): Hint | undefined {
  if (node.op === '==') {
    return named(node.args[0], textOf(node.args[1])) ?? named(node.args[1], textOf(node.args[0]));
  }
  if (node.op === 'in' && node.args[1].op === 'list') {
    const texts = node.args[1].args.map((each) => textOf(each));
    return texts.some((text) => text === undefined)
      ? undefined
      : named(
          node.args[0],
          texts.flatMap((text) => text ?? []),
        );
  }
  if (node.op === 'rcall' && node.args[0] === 'exists')
    return existsHint(node.args[1], node.args[2]);
  return undefined;
}

function textOf(node: ASTNode): string[] | undefined {
  return node.op === 'value' && typeof node.args === 'string' ? [node.args] : undefined;
}

function named(field: ASTNode, values: readonly string[] | undefined): Hint | undefined {
  if (values === undefined) return undefined;
  if (field.op === 'id') {
    const index = indexed.find((each) => each === field.args);
    return index && { index, values };
  }
  const label = labelOf(field);
  return label === undefined ? undefined : { index: 'label', label, values };
}

function labelOf(node: ASTNode): string | undefined {
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [base, key] = node.args;
  if (base.op !== 'id' || base.args !== 'labels') return undefined;
  if (typeof key === 'string') return key;
  return textOf(key)?.[0];
}

/** `config.disks.exists(d, d.source == "...")`, and the MAC of an interface likewise. */
function existsHint(list: ASTNode, [bound, predicate]: readonly ASTNode[]): Hint | undefined {
  if (list.op !== '.' || list.args[0].op !== 'id' || list.args[0].args !== 'config') {
    return undefined;
  }
  const [index, field] =
    list.args[1] === 'disks'
      ? (['disk', 'source'] as const)
      : list.args[1] === 'interfaces'
        ? (['mac', 'mac'] as const)
        : [];
  if (index === undefined || bound?.op !== 'id' || predicate?.op !== '==') return undefined;
  const [left, right] = predicate.args;
  const values = textOf(right) ?? textOf(left);
  const selected = textOf(right) === undefined ? right : left;
  const isField =
    selected.op === '.' &&
    selected.args[0].op === 'id' &&
    selected.args[0].args === bound.args &&
    selected.args[1] === field;
  return isField && values !== undefined ? { index, values } : undefined;
}
