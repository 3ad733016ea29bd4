/** The one way from a session's methods to the wire, and the session's own rights. */
import { CallRefusedError } from '../errors.ts';
import type { Procedure } from '../procedures/procedure.ts';
import type { CallOptions } from '../rpc/call.ts';
import type { Connection } from '../rpc/connection.ts';
import type { AnswerHook } from '../rpc/pending-call.ts';

/** Rights that hold before the wire, whatever the daemon would say. */
export type CallPolicy = {
  readOnly: boolean;
  /** Names of the only procedures that may be called; `undefined` allows all. */
  allow: ReadonlySet<string> | undefined;
};

/** Not part of the public door: `node-libvirt/admin` calls through it. */
export const invoke: unique symbol = Symbol('invoke');

export class Caller {
  protected readonly connection: Connection;
  readonly #policy: CallPolicy;

  constructor(connection: Connection, policy: CallPolicy) {
    this.connection = connection;
    this.#policy = policy;
  }

  [invoke]<Args, Result>(
    procedure: Procedure<Args, Result>,
    args: Args,
    options?: CallOptions,
    onAnswer?: AnswerHook<Result>,
  ): Promise<Result> {
    const refusal = refusalOf(procedure, this.#policy);
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.connection.call(procedure, args, options, onAnswer);
  }
}

function refusalOf(
  { name, access }: Procedure<never, unknown>,
  { readOnly, allow }: CallPolicy,
): CallRefusedError | undefined {
  if (readOnly && access === 'write') {
    return new CallRefusedError(
      name,
      'read-only',
      'needs a writable session: connect with { readOnly: false }',
    );
  }
  if (allow !== undefined && !allow.has(name)) {
    return new CallRefusedError(name, 'not-allowed', "not in this session's list of allowed calls");
  }
  return undefined;
}
