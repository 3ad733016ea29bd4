/** Questions about many domains at once: summaries, usage, batches, events. */
import { z } from 'zod';
import { stateBriefSchema } from '../domain-state.ts';
import { eventDataSchema } from '../event.ts';
import { fleetHost, hostIdSchema, uuidSchema } from '../host-id.ts';
import { domainSchema, selectedDomainSchema } from './domain.ts';
import { minRevisionSchema } from './lookup.ts';
import { fieldsParameter, filterParameters } from './parameters.ts';

const common = { revision: z.string(), unreachable: z.array(hostIdSchema) };

export const batchQuerySchema = z.strictObject({
  uuid: z.string().min(1).max(40_000).meta({ description: 'at most 1000 UUIDs, by commas' }),
  fields: fieldsParameter,
  minRevision: minRevisionSchema.optional(),
});

export const domainBatchSchema = z
  .object({
    domains: z.array(selectedDomainSchema),
    missing: z.array(
      z.object({
        uuid: uuidSchema,
        verdict: z.enum(['absent', 'unknown']),
        detail: z.string(),
      }),
    ),
    ...common,
  })
  .meta({ id: 'DomainBatch' });

export const summaryQuerySchema = z.strictObject({
  ...filterParameters,
  by: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .meta({
      description: 'fields to group by, separated by commas',
      examples: ['labels.zone,state'],
    }),
  sum: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .meta({
      description: 'fields to sum, separated by commas',
      examples: ['config.vcpusCurrent,config.memoryCurrentKiB'],
    }),
  minRevision: minRevisionSchema.optional(),
});

export const summarySchema = z
  .object({
    groups: z.array(
      z.object({
        by: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
        count: z.int().min(0),
        sums: z.record(
          z.string(),
          z.object({
            sum: z.number(),
            of: z.int().min(0).meta({ description: 'how many domains have the field' }),
          }),
        ),
      }),
    ),
    ...common,
  })
  .meta({ id: 'Summary' });

export const usageQuerySchema = z
  .strictObject({
    disk: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .meta({ examples: ['/images/web-1.qcow2'] }),
    mac: z
      .string()
      .regex(/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/, 'a MAC address: six pairs of digits')
      .optional()
      .meta({ examples: ['52:54:00:12:34:56'] }),
    ip: z
      .union([z.ipv4(), z.ipv6().toLowerCase()])
      .optional()
      .meta({
        description: "an address that a libvirt network's own DHCP server lent",
        examples: ['192.168.122.10'],
      }),
    name: z.string().min(1).max(4096).optional(),
    hostDevice: z
      .string()
      .min(1)
      .max(4096)
      .optional()
      .meta({
        description: 'a device of `host`: a PCI address, the UUID of a mediated device, …',
        examples: ['0000:01:00.0'],
      }),
    host: hostIdSchema.optional(),
    minRevision: minRevisionSchema.optional(),
  })
  .refine(
    ({ disk, mac, ip, name, hostDevice }) =>
      [disk, mac, ip, name, hostDevice].filter((each) => each !== undefined).length === 1,
    'name one of disk, mac, ip, name and hostDevice',
  )
  .refine(
    ({ hostDevice, host }) => (hostDevice === undefined) === (host === undefined),
    'host: it goes with hostDevice, and hostDevice with it',
  );

export const usageSchema = z
  .object({
    verdict: z.enum(['used', 'free', 'unknown']).meta({
      description:
        'free is proven: every host is live and every configuration read. unknown: `detail` and `unreachable` say why',
    }),
    usedBy: z.array(domainSchema.partial()),
    count: z.int().min(0),
    asOf: z.iso.datetime().optional(),
    detail: z.string().optional(),
    ...common,
  })
  .meta({ id: 'Usage' });

export const migrationsSchema = z
  .object({
    migrations: z.array(
      z.object({
        uuid: uuidSchema,
        name: z.string(),
        from: hostIdSchema,
        to: hostIdSchema.nullable().meta({ description: 'null: not known yet' }),
        percent: z.number().nullable().meta({ description: 'of the data that has to be sent' }),
        job: z.record(z.string(), z.union([z.number(), z.string()])).meta({
          description:
            "libvirt's figures: `time_elapsed` and `downtime` in ms, `data_total` in bytes",
        }),
        observedAt: z.iso.datetime(),
        ageMs: z.number(),
      }),
    ),
    ...common,
  })
  .meta({ id: 'Migrations' });

export const stateAtQuerySchema = z.strictObject({
  time: z.iso
    .datetime()
    .meta({ description: "by the broker's clock, within what the stream holds" }),
});

export const stateAtSchema = z
  .object({
    uuid: uuidSchema,
    time: z.iso.datetime(),
    presences: z.array(
      z.object({
        host: hostIdSchema,
        state: stateBriefSchema.nullable().meta({ description: 'null: it was not there' }),
        watched: z.boolean().meta({
          description: 'false: nobody watched the host then; the state is the last known before',
        }),
        by: z.enum(['event', 'unchanged']),
      }),
    ),
  })
  .meta({ id: 'StateAt' });

export const eventsQuerySchema = z.strictObject({
  host: z.union([hostIdSchema, z.literal(fleetHost)]).optional(),
  uuid: z.string().toLowerCase().pipe(uuidSchema).optional(),
  kind: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .meta({ examples: ['started'] }),
  since: z.iso.datetime().optional().meta({ description: "the broker's time, inclusive" }),
  after: z.coerce.number().int().min(0).optional().meta({
    description: '`next` of an earlier answer: what came behind it',
  }),
  pageSize: z.coerce.number().int().min(1).max(1_000).optional(),
});

export const eventListSchema = z
  .object({
    events: z.array(
      eventDataSchema.extend({
        eventId: z.string(),
        publishedAt: z.iso.datetime().meta({ description: "the broker's time" }),
      }),
    ),
    next: z.int().min(0).meta({ description: 'give it as `after` to go on' }),
    more: z.boolean(),
    first: z.int().min(0).meta({
      description: 'the oldest sequence that the stream still holds: events below it are gone',
    }),
  })
  .meta({ id: 'EventList' });
