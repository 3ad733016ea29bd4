/** What makes a remote procedure: its number, its rights, and how its arguments and result look. */
import { remoteProgram } from '../protocol/frame.ts';
import type { XdrReader } from '../protocol/xdr-reader.ts';
import type { XdrWriter } from '../protocol/xdr-writer.ts';

export type Procedure<Args, Result> = {
  /** libvirt's function, less the prefix: `domainGetState`. */
  readonly name: string;
  readonly program: number;
  readonly number: number;
  /**
   * `high`: the daemon keeps workers free for it, so it answers even when all others hang. `low`:
   * it may wait behind a stuck domain, and the session holds only so many of them in flight.
   */
  readonly priority: 'high' | 'low';
  /** `write`: libvirt refuses it on a read-only connection, so we refuse it before the wire. */
  readonly access: 'read' | 'write';
  readonly encode: (writer: XdrWriter, args: Args) => void;
  /** Runs on the reader: must copy what it returns, and must not wait. */
  readonly decode: (reader: XdrReader) => Result;
};

type Definition<Args, Result> = {
  name: string;
  number: number;
  /** Default: the remote program. */
  program?: number;
  priority: 'high' | 'low';
  /** Default: `read`. */
  access?: 'read' | 'write';
  /** Default: no arguments. */
  encode?: (writer: XdrWriter, args: Args) => void;
  /** Default: no result. */
  decode?: (reader: XdrReader) => Result;
};

const nothing = (): void => {};

/** A procedure without arguments, or without a result, leaves out `encode` or `decode`. */
export function procedure<Args = undefined, Result = void>(
  definition: Definition<Args, Result>,
): Procedure<Args, Result> {
  return {
    name: definition.name,
    program: definition.program ?? remoteProgram,
    number: definition.number,
    priority: definition.priority,
    access: definition.access ?? 'read',
    encode: definition.encode ?? nothing,
    decode: definition.decode ?? (nothing as () => Result),
  };
}
