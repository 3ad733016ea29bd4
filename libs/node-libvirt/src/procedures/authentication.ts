/** What may be asked before authentication, and authentication by polkit. */
import { ProtocolError } from '../errors.ts';
import { procedure } from './procedure.ts';

export type AuthType = 'none' | 'sasl' | 'polkit';
const authTypes: readonly AuthType[] = ['none', 'sasl', 'polkit'];

/**
 * AUTH_LIST (66): → types enum<20>. Not a pure question: on a socket under polkit it is this call
 * that lets a peer of uid 0 in, so it is always sent.
 */
export const authList = procedure<undefined, AuthType[]>({
  name: 'authList',
  number: 66,
  priority: 'high',
  decode: (reader) =>
    reader.array(20, 4, () => {
      const type = reader.int();
      const name = authTypes[type];
      if (name === undefined) throw new ProtocolError(`unknown authentication type ${type}`);
      return name;
    }),
});

/** AUTH_POLKIT (70): → complete i. The daemon asks polkit about the socket's peer. */
export const authPolkit = procedure<undefined, void>({
  name: 'authPolkit',
  number: 70,
  priority: 'high',
});
