import { runService } from '@virtscope/runtime';
import { sampleFleet } from './fleet-sampling.ts';
import { readSettings } from './settings.ts';

await runService('stats-sampler', (hands) => sampleFleet(hands, readSettings(process.env)));
