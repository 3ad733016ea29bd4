import { z } from 'zod';
import { hostIdSchema } from '../host-id.ts';

export const problemTypes = {
  invalidRequest: 'urn:virtscope:problem:invalid-request',
  notFound: 'urn:virtscope:problem:not-found',
  /** Neither there nor absent: some host in scope cannot vouch for its absence. */
  unknown: 'urn:virtscope:problem:unknown',
  /** Nobody says who asks, or nobody knows the one who does. */
  unauthorized: 'urn:virtscope:problem:unauthorized',
  notReady: 'urn:virtscope:problem:not-ready',
  foreignToken: 'urn:virtscope:problem:foreign-token',
  /** Known, but older than the caller allows. */
  tooOld: 'urn:virtscope:problem:too-old',
  unavailable: 'urn:virtscope:problem:unavailable',
  internal: 'urn:virtscope:problem:internal',
} as const;

/** RFC 9457 problem details: every error's body. */
export const problemSchema = z
  .object({
    type: z.enum(Object.values(problemTypes)),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string().optional(),
    /** Of `not-found`: the oldest verification in scope; what came later is not covered. */
    asOf: z.iso.datetime().optional(),
    /** Of `unknown`: the hosts that could not be vouched for. */
    unreachable: z.array(hostIdSchema).optional(),
  })
  .meta({
    id: 'Problem',
    examples: [
      {
        type: problemTypes.unknown,
        title: 'Unknown: absence cannot be proven now',
        status: 503,
        detail: 'no domain named "web-1" is in the view, but hv2 cannot be vouched for',
        unreachable: ['hv2'],
      },
    ],
  });
export type Problem = z.infer<typeof problemSchema>;
