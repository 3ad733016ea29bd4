import {
  CapsClient,
  connectNats,
  watchYamlFile,
  readEvents,
  readXml,
  type Hands,
} from '@virtscope/runtime';
import { View } from '@virtscope/view';
import { readAccess } from './access/settings.ts';
import { TokenBook } from './access/token-book.ts';
import { TokenFileError, readTokens } from './access/token-file.ts';
import { noCaps, type CapsSource } from './caps-book.ts';
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
  let source = noCaps('not connected to NATS yet');
  const caps: CapsSource = {
    capabilities: (...asked) => source.capabilities(...asked),
    fact: (...asked) => source.fact(...asked),
    history: (...asked) => source.history(...asked),
    commonCpu: (...asked) => source.commonCpu(...asked),
    index: () => source.index(),
  };
  let events: Parameters<typeof startServer>[0]['events'] = () => Promise.resolve(undefined);
  let xml: Parameters<typeof startServer>[0]['xml'] = () =>
    Promise.reject(new Error('not connected to NATS yet'));
  hands.health.set('view', false);
  const { tokenFile, loopbackNamesOnly } = readAccess(process.env, hands.env.httpListen);
  using tokens = new TokenBook(view, hands.clock);
  if (tokenFile !== undefined) {
    let isRead = false;
    await watchYamlFile(tokenFile, hands, (file) => {
      try {
        tokens.replace(readTokens(file));
        isRead = true;
        hands.log.info({ tokens: tokens.size }, 'the tokens are read');
      } catch (error) {
        // At the start nobody is let in; later those of before go on.
        if (!(error instanceof TokenFileError) || !isRead) throw error;
        hands.log.error({ err: error }, 'the changed tokens are not used');
      }
    });
  }
  await using server = await startServer({
    ...hands,
    listen: hands.env.httpListen,
    view,
    movement,
    slices: new Slices(hands.clock),
    caps,
    tokens: tokenFile === undefined ? undefined : tokens,
    loopbackNamesOnly,
    events: (wanted) => events(wanted),
    xml: (hash) => xml(hash),
  });
  hands.log.info({ url: server.url }, 'answering');
  const nc = await connectNats(hands);
  try {
    source = new CapsClient(nc);
    events = (wanted) => readEvents(nc, wanted);
    xml = (hash) => readXml(nc, hash);
    await fillView(nc, { ...hands, view, movement, viewMetrics: metrics });
  } finally {
    // Closed, not drained: nothing of ours is on its way, and a drain waits for a server that may
    // be gone.
    await nc.close();
  }
}
