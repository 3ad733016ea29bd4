import {
  domainStates,
  statsPageSchema,
  statsRows,
  subjects,
  type HostId,
  type StatsPage,
} from '@virtscope/contracts';
import type { SampledState } from '@virtscope/events';
import { parseJson, type NatsConnection } from '@virtscope/runtime';
import { domainStateReasonName } from 'node-libvirt/constants';

/**
 * The states that stats-sampler's fast tier saw, sample by sample: an audit that costs libvirt
 * nothing. A sample whose pages do not all arrive is dropped, as a half one would miss domains.
 */
export function listenToSamples(
  nc: NatsConnection,
  host: HostId,
  onSample: (states: SampledState[]) => void,
): Disposable {
  let pages = new Map<number, StatsPage>();
  let sample = '';
  const subscription = nc.subscribe(subjects.statsOfTier(host, 'fast'), {
    callback: (error, message) => {
      const page =
        error === null ? statsPageSchema.safeParse(parseJson(message.data)).data : undefined;
      if (page === undefined) return;
      const id = `${page.epoch}:${page.sampleId}`;
      if (id !== sample) pages = new Map();
      sample = id;
      pages.set(page.page, page);
      if (pages.size === page.pages) onSample([...pages.values()].flatMap(statesOf));
    },
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}

function statesOf(page: StatsPage): SampledState[] {
  return [...statsRows(page)].map(({ uuid, id, fields }) => {
    const state = Number(fields['state.state']);
    const reason = fields['state.reason'];
    return {
      uuid,
      id,
      state: domainStates[state] ?? `unknown-${state}`,
      ...(typeof reason === 'number' ? { reason: domainStateReasonName(state, reason) } : {}),
    };
  });
}
