import { EnvError, parseVariables, type Listen } from '@virtscope/runtime';
import { z } from 'zod';

const variables = {
  VIRTSCOPE_HTTP_TOKENS: z.string().optional(),
  VIRTSCOPE_HTTP_INSECURE: z.enum(['off', 'on']).default('off'),
};

export type AccessSettings = {
  /** The file of tokens; undefined: everybody who reaches us may ask anything. */
  tokenFile: string | undefined;
  /** Open, on loopback: a browser must not be made to ask for a stranger's page. */
  loopbackNamesOnly: boolean;
};

/** @throws {EnvError} it would be open to a network, and nobody said that it may */
export function readAccess(
  env: Record<string, string | undefined>,
  { host, port }: Listen,
): AccessSettings {
  const read = parseVariables(env, variables);
  const tokenFile = read.VIRTSCOPE_HTTP_TOKENS;
  const isInsecure = read.VIRTSCOPE_HTTP_INSECURE === 'on';
  if (tokenFile === undefined && !isInsecure && !isLoopback(host)) {
    throw new EnvError(
      `VIRTSCOPE_HTTP_LISTEN=${host}:${port}: off loopback callers need tokens: VIRTSCOPE_HTTP_TOKENS names their file, and VIRTSCOPE_HTTP_INSECURE=on lets everybody ask`,
    );
  }
  return { tokenFile, loopbackNamesOnly: tokenFile === undefined && !isInsecure };
}

/** Names and addresses that reach nobody but this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
