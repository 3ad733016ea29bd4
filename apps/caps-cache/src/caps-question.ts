/** `virt.v1.caps.host.<host>`: the capabilities of one host. */
import { subjects, type CapsReply, type HostId } from '@virtscope/contracts';
import { z } from 'zod';
import type { CapsMetrics } from './caps-metrics.ts';
import type { HostDesk } from './host-desk.ts';
import type { HostQuestion } from './host-endpoint.ts';

/** Nothing is asked for by the body so far; what a newer asker adds does no harm. */
const bodySchema = z.object({}).optional();

export function capsQuestion({
  deskOf,
  metrics,
  ...rest
}: Pick<HostQuestion<undefined, CapsReply>, 'isWanted' | 'passOn'> & {
  deskOf: (host: HostId) => HostDesk | undefined;
  metrics: CapsMetrics;
}): HostQuestion<undefined, CapsReply> {
  return {
    ...rest,
    name: 'host',
    subject: subjects.capsOfAnyHost,
    passedTo: subjects.capsPassedTo,
    read: (body) =>
      bodySchema.safeParse(body).success
        ? { body: undefined }
        : 'the request is neither empty nor a JSON object',
    answer: (host) => deskOf(host)?.ask(),
    onAnswer: (reply) => metrics.answer(reply),
  };
}
