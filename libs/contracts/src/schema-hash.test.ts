import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { capsReplySchema } from './caps.ts';
import {
  capsHistoryReplySchema,
  capsIndexSchema,
  commonCpuQuestionSchema,
  commonCpuReplySchema,
  factQuestionSchema,
  factReplySchema,
} from './caps-facts.ts';
import { domainRowSchema } from './domain-row.ts';
import { epochEntrySchema, timelineEntrySchema } from './epoch.ts';
import { eventDataSchema } from './event.ts';
import { heartbeatSchema } from './heartbeat.ts';
import { hostRecordSchema } from './host-record.ts';
import { appliedMarkSchema, hostEntrySchema } from './inventory.ts';
import { statsPageSchema } from './stats-page.ts';
import { thingRowSchema } from './thing-row.ts';

/** Every shape that crosses the bus, with the version that it says in `v`. */
const wire = {
  domainRow: domainRowSchema,
  thingRow: thingRowSchema,
  hostRecord: hostRecordSchema,
  event: eventDataSchema,
  heartbeat: heartbeatSchema,
  statsPage: statsPageSchema,
  capsReply: capsReplySchema,
  factQuestion: factQuestionSchema,
  factReply: factReplySchema,
  capsIndex: capsIndexSchema,
  capsHistoryReply: capsHistoryReplySchema,
  commonCpuQuestion: commonCpuQuestionSchema,
  commonCpuReply: commonCpuReplySchema,
  hostEntry: hostEntrySchema,
  appliedMark: appliedMarkSchema,
  epochEntry: epochEntrySchema,
  timelineEntry: timelineEntrySchema,
};

test('no wire schema of version 1 changes unseen', () => {
  const text = JSON.stringify(
    Object.entries(wire).map(([name, schema]) => [name, z.toJSONSchema(schema)]),
  );
  // A new hash means a changed message. An optional field that old readers ignore and new readers
  // do without is compatible: say so in the changelog and pin the new hash. Anything else is v2.
  expect(createHash('sha256').update(text).digest('hex')).toMatchInlineSnapshot(
    `"02d2317f386f57405c553149fdb1d987d7958625a74bff0e2ffd445aadc7e14d"`,
  );
});

test('an unknown field does not break a reader of this version', () => {
  const record = {
    v: 1,
    type: 'host',
    host: 'hv1',
    epoch: 5,
    sync: 'synced',
    changedAt: '2026-01-01T00:00:00.000Z',
    fromTheFuture: { a: 1 },
  };
  expect(hostRecordSchema.safeParse(record).success).toBe(true);
});
