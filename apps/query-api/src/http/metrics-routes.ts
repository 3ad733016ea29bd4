import { hostIdSchema } from '@virtscope/contracts';
import { Asking, fleetMetrics } from '@virtscope/view';
import { z } from 'zod';
import { whenReady, type AnsweringHands } from './answering.ts';
import { documented } from './documented.ts';
import { invalid, sendProblem } from './problem.ts';
import type { App } from './server.ts';

/** How many labels of hosts may become labels of samples. */
const maxLabels = 20;

const querystring = z.strictObject({
  host: hostIdSchema.optional(),
  shard: z
    .string()
    .regex(/^\d{1,4}\/[1-9]\d{0,3}$/, 'a shard is INDEX/COUNT, the first being 0')
    .optional()
    .meta({ description: 'this part of the hosts, as index/count', examples: ['0/4'] }),
  labels: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .meta({
      description:
        'labels of hosts that become labels of samples, separated by commas; others do not',
      examples: ['zone'],
    }),
  names: z.enum(['virtscope', 'libvirt-exporter']).optional().meta({
    description: 'our own names, or those of the common exporters',
  }),
});

/** The fleet for Prometheus. */
export function metricsRoutes(app: App, hands: AnsweringHands): void {
  app.get(
    '/metrics/fleet',
    {
      schema: documented(
        {
          tag: 'fleet',
          summary: 'The fleet as Prometheus text',
          description: 'Above 500,000 samples it is refused: ask for one host or one shard.',
        },
        { querystring },
      ),
    },
    async ({ query }, reply) => {
      const [index = 0, of = 1] = query.shard?.split('/').map(Number) ?? [];
      const labels = query.labels?.split(',') ?? [];
      if (index >= of) return sendProblem(reply, invalid('shard: the index is below the count'));
      if (labels.length > maxLabels) {
        return sendProblem(reply, invalid(`labels: more than ${maxLabels}`));
      }
      const asking = await whenReady(hands, reply, undefined);
      if (!(asking instanceof Asking)) return asking;
      const { host, names = 'virtscope' } = query;
      const shard = query.shard === undefined ? undefined : { index, of };
      const question = fleetMetrics(asking, { host, shard, labels, names });
      const answer = await hands.slices.run(question, hands.signal);
      if (answer === 'busy') return sendProblem(reply, invalid('too many long questions', 503), 1);
      if (!answer.ok) return sendProblem(reply, invalid(answer.reason));
      return reply.type('text/plain; version=0.0.4; charset=utf-8').send(answer.text);
    },
  );
}
