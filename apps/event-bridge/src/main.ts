/** event-bridge: libvirt's events and the state that they change, onto NATS. */
import { runService } from '@virtscope/runtime';
import { bridgeFleet } from './bridge-fleet.ts';
import { readLabelRules } from './label-rules.ts';

await runService('event-bridge', async (hands) =>
  bridgeFleet(hands, await readLabelRules(process.env)),
);
