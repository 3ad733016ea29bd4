/** What OpenAPI tells of a route beside its parameters. */
import { problemSchema } from '@virtscope/contracts';
import { z } from 'zod';

type Documentation = {
  tag: 'domains' | 'hosts' | 'fleet' | 'service';
  summary: string;
  description?: string;
  answer?: z.ZodType;
  /** Of an answer that is no JSON. */
  contentType?: string;
};

const errors = {
  400: problemSchema.meta({ description: 'the request cannot be meant' }),
  401: problemSchema.meta({ description: 'no token, or one that does not count' }),
  410: problemSchema.meta({ description: 'the token is of another stream: read anew without it' }),
  503: problemSchema.meta({ description: 'unknown, too old, or not ready: `type` says which' }),
};

const notFound = problemSchema.meta({
  description: 'proven absent: every host in scope is live; `asOf` is their oldest verification',
});

/**
 * The route's schema with its documentation. Answers are texts made by the view: their shapes are
 * checked by tests, and no serializer of the framework ever sees them.
 */
export function documented<S extends object>(
  { tag, summary, description, answer, contentType }: Documentation,
  schema: S,
): S {
  const response = {
    ...(answer === undefined ? {} : { 200: answer }),
    ...(contentType === undefined
      ? {}
      : { 200: { description: summary, content: { [contentType]: { schema: z.string() } } } }),
    ...errors,
    ...('params' in schema ? { 404: notFound } : {}),
  };
  return {
    ...schema,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    response,
  };
}
