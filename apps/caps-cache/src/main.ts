/** caps-cache: what each host can run, answered over NATS from Redis. */
import { runService } from '@virtscope/runtime';
import { serveCapabilities } from './serve-capabilities.ts';
import { readSettings } from './settings.ts';

await runService('caps-cache', async (hands) =>
  serveCapabilities(hands, readSettings(process.env)),
);
