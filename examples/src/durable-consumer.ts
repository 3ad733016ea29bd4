/**
 * A durable consumer of the feed of events: it survives its own crash, and what happened meanwhile
 * is told when it comes back. It prints a line per event, first its `ce-id`.
 *
 *     NATS_URL=nats://127.0.0.1:4222 node durable-consumer.ts [NAME]
 *
 * The broker keeps its place under NAME. An event is acked only after it was handled, so that one
 * that was being handled when the process died comes again: handle it so that twice does no harm,
 * or keep the `ce-id` with what was done.
 */
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, nanos } from '@nats-io/transport-node';

type Position = { epoch: number; seq: number };
type VirtEvent = Position & {
  role: string;
  host: string;
  kind: string;
  uuid?: string;
  /** A network, pool, node device or secret. */
  thing?: { type: string; id: string };
  name?: string;
  /** The event before this one of the same domain. */
  prev: Position | null;
  synthesised?: true;
  phase?: 'begin' | 'end';
};

/** Events remembered of one feed, to know a late repetition by; the oldest is forgotten first. */
const maxSeen = 100_000;

/** An event that was delivered and not acked, as its consumer died, comes again after this. */
const ackWaitMs = 5_000;

const durable = process.argv[2] ?? 'my-orchestrator';
const nc = await connect({
  servers: process.env['NATS_URL'] ?? 'nats://127.0.0.1:4222',
  maxReconnectAttempts: -1,
});
const jsm = await jetstreamManager(nc);
// Safe to repeat: an equal consumer that is there already stays where it is.
await jsm.consumers.add('VIRT_EVENTS', {
  durable_name: durable,
  filter_subject: 'virt.v1.event.>',
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(ackWaitMs),
  deliver_policy: DeliverPolicy.New,
});

/** Of each (role, host): the highest epoch, and what was seen of it. */
const feeds = new Map<string, { epoch: number; seen: Set<number> }>();
/** Of each domain on each host: its newest event. */
const last = new Map<string, Position>();

/** Retries may reorder the stream: only a set tells what was seen, never the highest seq. */
function isNew({ role, host, epoch, seq }: VirtEvent): boolean {
  const key = `${role}:${host}`;
  let feed = feeds.get(key);
  if (feed === undefined || epoch > feed.epoch) {
    feed = { epoch, seen: new Set() };
    feeds.set(key, feed);
  }
  // Below the epoch: the `gap` that opened the higher one covers it.
  if (epoch < feed.epoch || feed.seen.has(seq)) return false;
  feed.seen.add(seq);
  for (const oldest of feed.seen) {
    if (feed.seen.size <= maxSeen) break;
    feed.seen.delete(oldest);
  }
  return true;
}

/** Whether the event follows the one that we had of this domain: then nothing was missed. */
function follows({ role, host, uuid, epoch, seq, prev }: VirtEvent): boolean {
  const key = `${role}:${host}/${uuid}`;
  const known = last.get(key);
  last.set(key, { epoch, seq });
  return known === undefined || (known.epoch === prev?.epoch && known.seq === prev.seq);
}

function handle(event: VirtEvent): void {
  const { role, host, epoch, seq, kind, name } = event;
  const id = `${role}:${host}:${epoch}:${seq}`;
  if (kind === 'gap') {
    console.log(id, host, 'gap', event.phase);
  } else if (event.uuid !== undefined) {
    const marks = [event.synthesised && 'synthesised', !follows(event) && 'not the next one'];
    console.log(id, host, name, kind, ...marks.filter(Boolean));
  }
}

process.once('SIGINT', () => void nc.close());
const consumer = await jetstream(nc).consumers.get('VIRT_EVENTS', durable);
console.log('ready');
for await (const message of await consumer.consume()) {
  const event = message.json<VirtEvent>();
  if (isNew(event)) handle(event);
  message.ack(); // only now: a consumer that dies before this gets it again
}
