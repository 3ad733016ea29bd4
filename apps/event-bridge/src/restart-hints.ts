import { restartHintSchema, subjects, type HostId, type RestartHint } from '@virtscope/contracts';
import { parseJson, type NatsConnection } from '@virtscope/runtime';

/** What stats-sampler says of domains whose process must be another one. */
export function listenToHints(
  nc: NatsConnection,
  host: HostId,
  onHint: (hint: RestartHint) => void,
): Disposable {
  const subscription = nc.subscribe(subjects.hint(host), {
    callback: (error, message) => {
      const hint =
        error === null ? restartHintSchema.safeParse(parseJson(message.data)).data : undefined;
      if (hint?.host === host) onHint(hint);
    },
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}
