/** `virt.v1.caps.history.<host>`: what one host was before. */
import { subjects, type CapsHistoryReply, type HostId } from '@virtscope/contracts';
import type { HostDesk } from './host-desk.ts';
import type { HostQuestion, RefusalCode } from './host-endpoint.ts';

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
    refusal: historyRefusal,
    onAnswer: () => undefined,
  };
}

export function historyRefusal(
  host: string,
  code: RefusalCode,
  message: string,
  retryAfterMs?: number,
): CapsHistoryReply {
  return {
    v: 1,
    ok: false,
    host,
    code,
    message: message.slice(0, 4096),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}
