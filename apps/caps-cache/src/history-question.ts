/** `virt.v1.caps.history.<host>`: what one host was before. */
import { subjects, type CapsHistoryReply, type HostId } from '@virtscope/contracts';
import type { HostDesk } from './host-desk.ts';
import type { HostQuestion } from './host-endpoint.ts';

export function historyQuestion({
  deskOf,
  ...rest
}: Pick<HostQuestion<undefined, CapsHistoryReply>, 'isWanted' | 'passOn'> & {
  deskOf: (host: HostId) => HostDesk | undefined;
}): HostQuestion<undefined, CapsHistoryReply> {
  return {
    ...rest,
    name: 'history',
    subject: subjects.historyOfAnyHost,
    passedTo: subjects.historyPassedTo,
    read: () => ({ body: undefined }),
    answer: (host) => deskOf(host)?.history(),
    onAnswer: () => undefined,
  };
}
