import { runService } from '@virtscope/runtime';
import { serveQueries } from './serve-queries.ts';

await runService('query-api', serveQueries);
