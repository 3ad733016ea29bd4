import { runService } from '@virtscope/runtime';
import { sampleFleet } from './fleet-sampling.ts';
import { readPeriods } from './settings.ts';

await runService('stats-sampler', (hands) => sampleFleet(hands, readPeriods(process.env)));
