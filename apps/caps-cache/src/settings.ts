import { parseVariables } from '@virtscope/runtime';
import { z } from 'zod';

const variables = {
  VIRTSCOPE_DOMAIN_CAPABILITIES: z.enum(['off', 'on']).default('off'),
};

export type CapsSettings = {
  /** Whether sessions may be writable, as libvirt tells domain capabilities on no others. */
  domainCapabilities: boolean;
};

/** @throws {EnvError} naming the variable and why */
export function readSettings(env: Record<string, string | undefined>): CapsSettings {
  const read = parseVariables(env, variables);
  return { domainCapabilities: read.VIRTSCOPE_DOMAIN_CAPABILITIES === 'on' };
}

/** All that this service ever calls: a writable session of its may do no more (design L1). */
export const allowedCalls = [
  'connectGetType',
  'connectGetLibVersion',
  'connectGetVersion',
  'connectGetCapabilities',
  'connectGetDomainCapabilities',
  'connectGetCpuModelNames',
  'connectCompareCpu',
  'connectBaselineCpu',
] as const;
