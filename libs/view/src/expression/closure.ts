/** What expressions are compiled to. */
import type { ASTNode } from '@marcbachmann/cel-js';
import type { HostFacts } from '../facts.ts';
import type { Row } from '../row.ts';
import type { Value } from './operators.ts';

/** Runs on one row; `item` is what a macro stands at. */
export type Evaluate = (row: Row, facts: HostFacts, item: unknown) => Value;

/** What an expression looks at beside the rows, which moves without a revision. */
export type Uses = { stats: boolean; labels: boolean; trust: boolean; config: boolean };

/** Why an expression cannot be meant. */
export class Refusal extends Error {}

/** Where a part stands: `item` is the name that a macro around it binds. */
export type Context = { uses: Uses; item: string | undefined };

export type Compile = (node: ASTNode, context: Context) => Evaluate;
