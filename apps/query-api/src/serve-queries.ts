import { askCapabilities, connectNats, readEvents, readXml, type Hands } from '@virtscope/runtime';
import { View } from '@virtscope/view';
import { fillView } from './fill-view.ts';
import { startServer } from './http/server.ts';
import { readHistoryOptions } from './history-settings.ts';
import { Movement } from './movement.ts';
import { Slices } from './slices.ts';
import { ViewMetrics } from './view-metrics.ts';

/**
 * The service's body: HTTP from the first moment (not ready until the view is filled), and the
 * feeds that fill the view until the service is stopped. It has no path to libvirt (L1).
 */
export async function serveQueries(hands: Hands): Promise<void> {
  const view = new View({ history: readHistoryOptions(process.env) });
  const movement = new Movement(hands.clock);
  const metrics = new ViewMetrics(hands.metrics);
  let capabilities: Parameters<typeof startServer>[0]['capabilities'] = () =>
    Promise.resolve({ kind: 'unavailable', reason: 'not connected to NATS yet' });
  let events: Parameters<typeof startServer>[0]['events'] = () => Promise.resolve(undefined);
  let xml: Parameters<typeof startServer>[0]['xml'] = () =>
    Promise.reject(new Error('not connected to NATS yet'));
  hands.health.set('view', false);
  await using server = await startServer({
    ...hands,
    listen: hands.env.httpListen,
    view,
    movement,
    slices: new Slices(hands.clock),
    capabilities: (host, timeoutMs) => capabilities(host, timeoutMs),
    events: (wanted) => events(wanted),
    xml: (hash) => xml(hash),
  });
  hands.log.info({ url: server.url }, 'answering');
  const nc = await connectNats(hands);
  try {
    capabilities = (host, timeoutMs) => askCapabilities(nc, host, timeoutMs);
    events = (wanted) => readEvents(nc, wanted);
    xml = (hash) => readXml(nc, hash);
    await fillView(nc, { ...hands, view, movement, viewMetrics: metrics });
  } finally {
    // Closed, not drained: nothing of ours is on its way, and a drain waits for a server that may
    // be gone.
    await nc.close();
  }
}
