/** event-bridge: libvirt's events and the state that they change, onto NATS. */
import { runService } from '@virtscope/runtime';
import { bridgeFleet } from './bridge-fleet.ts';

await runService('event-bridge', bridgeFleet);
