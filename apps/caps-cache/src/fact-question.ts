/** `virt.v1.caps.fact.<host>`: what a probe of one host tells, beside its capabilities. */
import {
  factQuestionSchema,
  subjects,
  type FactQuestion,
  type FactReply,
} from '@virtscope/contracts';
import type { CapsMetrics } from './caps-metrics.ts';
import type { HostQuestion } from './host-endpoint.ts';
import type { Kinds } from './kinds.ts';

export function factQuestion({
  kinds,
  isOurs,
  metrics,
  ...rest
}: Pick<HostQuestion<FactQuestion, FactReply>, 'isWanted' | 'passOn'> & {
  kinds: Kinds;
  isOurs: (host: string) => boolean;
  metrics: CapsMetrics;
}): HostQuestion<FactQuestion, FactReply> {
  return {
    ...rest,
    name: 'fact',
    subject: subjects.factOfAnyHost,
    passedTo: subjects.factPassedTo,
    read: (body) => {
      const read = factQuestionSchema.safeParse(body);
      if (read.success) return { body: read.data };
      const issue = read.error.issues[0];
      return `the request is no question: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`;
    },
    answer: (host, question) => (isOurs(host) ? kinds.ask(host, question) : undefined),
    onAnswer: (reply) => metrics.fact(reply),
  };
}
