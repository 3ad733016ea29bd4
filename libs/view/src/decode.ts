import {
  appliedMarkSchema,
  epochEntrySchema,
  heartbeatSchema,
  hostEntrySchema,
  hostRecordSchema,
  parseStateSubject,
  parseStatsSubject,
  presenceSchema,
  statsPageSchema,
  tombstoneSchema,
  uuidPattern,
  type AppliedMark,
  type DomainRow,
  type EpochEntry,
  type Heartbeat,
  type HostEntry,
  type HostRecord,
  type StatsPage,
} from '@virtscope/contracts';
import { fastPresence } from './fast-presence.ts';

/** A message that says nothing: counted, told, and without effect on the rows. */
export type Malformed = {
  kind: 'subject' | 'json' | 'schema' | 'disagreement';
  subject: string;
  /** Where in the body, as `config.disks.0.type`; empty for the body as a whole. */
  path: string;
  reason: string;
};

export type Decoded<T> = { ok: true; value: T } | { ok: false; malformed: Malformed };

export type StateMessage =
  | { type: 'host'; record: HostRecord }
  | { type: 'domain'; row: DomainRow }
  /** A thing that this version keeps no rows of: networks, pools, and so on. */
  | { type: 'other' };

/** What a schema of contracts offers; its `parse` twin throws, and malformed input is ordinary. */
type Schema<T> = {
  safeParse(
    input: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: PropertyKey[]; message: string }[] } };
};

/** As the schema has it. */
const maxColumnCells = 16_384;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** One line for a log: names the subject, the place in the body, and what is wrong there. */
export function describeMalformed({ kind, subject, path, reason }: Malformed): string {
  return `malformed message on ${subject} (${kind}): ${path === '' ? '' : `${path}: `}${reason}`;
}

/** A message of VIRT_STATE. */
export function decodeState(subject: string, data: Uint8Array): Decoded<StateMessage> {
  const about = parseStateSubject(subject);
  if (about === undefined) return bad('subject', subject, '', 'no subject of a state');
  if (about.type === 'domain') {
    if (!uuidPattern.test(about.id)) {
      return bad('subject', subject, '', 'its last token is no UUID in lower case');
    }
    const json = parseJson(subject, data);
    if (!json.ok) return json;
    const quick = fastPresence(json.value);
    if (quick !== undefined) {
      const off = disagreement<DomainRow>(subject, quick, { host: about.host, uuid: about.id });
      return off ?? { ok: true, value: { type: 'domain', row: quick } };
    }
    // Asking for the right half of the union first names the path that is wrong in it.
    const schema = isTombstoneLike(json.value) ? tombstoneSchema : presenceSchema;
    const row = check<DomainRow>(subject, schema, json.value);
    if (!row.ok) return row;
    const off = disagreement(subject, row.value, { host: about.host, uuid: about.id });
    return off ?? { ok: true, value: { type: 'domain', row: row.value } };
  }
  if (about.type === 'host') {
    if (about.id !== about.host) {
      return bad('subject', subject, '', "a host's record lies under its own id");
    }
    const record = decode<HostRecord>(subject, data, hostRecordSchema);
    if (!record.ok) return record;
    const off = disagreement(subject, record.value, { host: about.host });
    return off ?? { ok: true, value: { type: 'host', record: record.value } };
  }
  return { ok: true, value: { type: 'other' } };
}

/** A message of VIRT_STATS. */
export function decodeStats(subject: string, data: Uint8Array): Decoded<StatsPage> {
  const about = parseStatsSubject(subject);
  if (about === undefined) return bad('subject', subject, '', 'no subject of a stats page');
  const json = parseJson(subject, data);
  if (!json.ok) return json;
  const page = readPage(subject, json.value);
  if (!page.ok) return page;
  const { uuids, ids, columns } = page.value;
  if (ids.length !== uuids.length) {
    return bad('schema', subject, 'ids', `${ids.length} ids for ${uuids.length} uuids`);
  }
  for (const [name, cells] of Object.entries(columns)) {
    if (cells.length !== uuids.length) {
      const reason = `${cells.length} cells for ${uuids.length} uuids`;
      return bad('schema', subject, `columns.${name}`, reason);
    }
  }
  return disagreement(subject, page.value, about) ?? page;
}

/** Cells are the bulk of a page: in pages of the form that writers give them, checked by hand. */
function readPage(subject: string, value: unknown): Decoded<StatsPage> {
  const columns = (value as { columns?: unknown } | null)?.columns;
  if (typeof columns !== 'object' || columns === null || !Object.values(columns).every(isColumn)) {
    return check<StatsPage>(subject, statsPageSchema, value);
  }
  const head = check<StatsPage>(subject, statsPageSchema, { ...(value as object), columns: {} });
  return head.ok
    ? { ok: true, value: { ...head.value, columns: columns as StatsPage['columns'] } }
    : head;
}

function isColumn(cells: unknown): boolean {
  if (!Array.isArray(cells) || cells.length > maxColumnCells) return false;
  for (const cell of cells as readonly unknown[]) {
    if (typeof cell === 'number' || cell === null) continue;
    if (typeof cell !== 'string' && typeof cell !== 'boolean') return false;
  }
  return true;
}

export function decodeHeartbeat(subject: string, data: Uint8Array): Decoded<Heartbeat> {
  return decode<Heartbeat>(subject, data, heartbeatSchema);
}

/** An entry of `virt_hosts` under a host's id; `subject` names bucket and key. */
export function decodeHostEntry(
  subject: string,
  key: string,
  data: Uint8Array,
): Decoded<HostEntry> {
  const entry = decode<HostEntry>(subject, data, hostEntrySchema);
  return entry.ok ? (disagreement(subject, entry.value, { id: key }) ?? entry) : entry;
}

/** An entry of `virt_hosts` under `_applied.<source>`. */
export function decodeAppliedMark(
  subject: string,
  source: string,
  data: Uint8Array,
): Decoded<AppliedMark> {
  const mark = decode<AppliedMark>(subject, data, appliedMarkSchema);
  return mark.ok ? (disagreement(subject, mark.value, { source }) ?? mark) : mark;
}

/** An entry of `virt_epochs`. */
export function decodeEpochEntry(subject: string, data: Uint8Array): Decoded<EpochEntry> {
  return decode<EpochEntry>(subject, data, epochEntrySchema);
}

function decode<T>(subject: string, data: Uint8Array, schema: Schema<T>): Decoded<T> {
  const json = parseJson(subject, data);
  return json.ok ? check(subject, schema, json.value) : json;
}

function parseJson(subject: string, data: Uint8Array): Decoded<unknown> {
  try {
    return { ok: true, value: JSON.parse(utf8.decode(data)) as unknown };
  } catch (error) {
    return bad('json', subject, '', error instanceof Error ? error.message : 'no JSON');
  }
}

function check<T>(subject: string, schema: Schema<T>, value: unknown): Decoded<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issue = parsed.error.issues[0];
  return bad(
    'schema',
    subject,
    (issue?.path ?? []).map(String).join('.'),
    issue?.message ?? 'does not fit its schema',
  );
}

/** Subject and body name the same thing twice: believing either would be a guess. */
function disagreement<T extends object>(
  subject: string,
  body: T,
  expected: Partial<T>,
): { ok: false; malformed: Malformed } | undefined {
  for (const key of Object.keys(expected) as (keyof T & string)[]) {
    if (body[key] !== expected[key]) {
      const reason = `the body says ${String(body[key])}, its subject ${String(expected[key])}`;
      return bad('disagreement', subject, key, reason);
    }
  }
  return undefined;
}

function isTombstoneLike(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'tombstone' in value;
}

function bad(
  kind: Malformed['kind'],
  subject: string,
  path: string,
  reason: string,
): { ok: false; malformed: Malformed } {
  return { ok: false, malformed: { kind, subject, path, reason } };
}
