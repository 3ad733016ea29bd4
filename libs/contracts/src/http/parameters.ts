/** Parameters that several questions share. */
import { z } from 'zod';

export const filterParameters = {
  host: z
    .string()
    .optional()
    .meta({
      description: 'host ids, separated by commas',
      examples: ['hv1,hv2'],
    }),
  state: z
    .string()
    .optional()
    .meta({
      description: 'states, separated by commas',
      examples: ['running'],
    }),
  name: z.string().max(4096).optional().meta({
    description: 'exact names, separated by commas; a name that has commas itself is found too',
  }),
  uuid: z.string().max(40_000).optional().meta({
    description: 'UUIDs, separated by commas; at most 1000',
  }),
  filter: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .meta({
      description:
        'a condition in CEL over host, uuid, name, id, state, stateReason, persistent, autostart, managedSave, trust, config.*, labels.* (of the host) and stats.* (live). What is absent matches nothing. Texts have startsWith, endsWith, contains, glob("*") and lowerAscii; lists have exists, all, exists_one and size. There are no regular expressions.',
      examples: ['state == "running" && labels.zone == "a" && config.memoryCurrentKiB > 8000000'],
    }),
};

export const fieldsParameter = z
  .string()
  .min(1)
  .max(8192)
  .optional()
  .meta({
    description:
      'what to show, separated by commas: fields of the row, config, config.<field>, labels, labels.<label>, stats, stats.<field>, stats.<prefix>.*, verifiedAt',
    examples: ['host,uuid,name,id,state', 'uuid,stats.cpu.time,stats.block.*'],
  });

export const orderByParameter = z
  .string()
  .min(1)
  .max(1024)
  .optional()
  .meta({
    description: 'up to 4 fields, each with asc or desc; what has no value stands last',
    examples: ['stats.cpu.time desc, name'],
  });

export const maxAgeParameter = z.coerce
  .number()
  .min(0)
  .max(86_400)
  .optional()
  .meta({
    description:
      'seconds: an answer with state verified, or stats or configuration read, longer ago is refused, and the hosts named',
    examples: [5],
  });

export const switchParameter = z.enum(['true', 'false']).optional();
