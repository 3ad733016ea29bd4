/** What goes into the mind of a host's feed, and what it wishes for. */
import type {
  DomainConfig,
  DomainRow,
  EventData,
  HostRecord,
  HostSyncState,
  ThingConfig,
  ThingId,
  ThingRow,
  ThingRowType,
} from '@virtscope/contracts';
import type { ObjectEvent } from 'node-libvirt';
import type { OtherEvent } from './event-payload.ts';

/** Both clocks' readings when an input arrived. */
export type Now = { wallMs: number; monotonicMs: number };

export type ListedDomain = {
  uuid: string;
  name: string;
  id: number;
  state: number;
  reason: number;
  persistent: boolean;
  autostart: boolean;
  managedSave: boolean;
};

export type ReadOutcome =
  | { found: true; name: string; id: number; state: number; reason: number }
  /** libvirt's positive answer that there is no such domain. */
  | { found: false }
  /** No answer within the deadline, or an error that says nothing about the domain. */
  | { failed: string };

export type ConfigOutcome =
  | {
      config: DomainConfig;
      persistent: boolean | null;
      autostart: boolean | null;
      managedSave: boolean | null;
    }
  | { failed: string };

/** Who the daemon is. */
export type Identity = { hostUuid?: string; hostname?: string };

/** What a call is billed under. */
export type ReadReason = 'event' | 'sync' | 'audit' | 'relist';

export type SampledState = {
  uuid: string;
  id: number | null;
  state: string;
  /** Absent where the sample does not say it. */
  reason?: string;
};

/** A network, pool, node device or secret, as far as libvirt's lists tell of it. */
export type ListedThing = {
  /** Its UUID, or a node device's name. */
  id: string;
  name: string;
  active: boolean | null;
  persistent: boolean | null;
  autostart: boolean | null;
};

export type ThingsOutcome =
  | { things: ListedThing[] }
  /** This daemon has no things of the type. */
  | 'unsupported'
  /** No list within the deadline, or an error that says nothing about the type. */
  | { failed: string };

export type ThingReadOutcome =
  /** Without its configuration when the XML was not readable. */
  | ({ found: true; config: ThingConfig | undefined } & Omit<ListedThing, 'id'>)
  /** libvirt's positive answer that there is no such thing. */
  | { found: false }
  | { failed: string };

/** The subject of a write: a domain's, another thing's, or the host record's. */
export type RowKey = { uuid: string } | { thing: ThingId } | 'record';

export type FeedInput =
  /** A complete list; its call began at `startedMs` by the wall, `startedMonotonicMs` else. */
  | { type: 'listed'; startedMs: number; startedMonotonicMs: number; domains: ListedDomain[] }
  | { type: 'lifecycle'; uuid: string; name: string; event: number; detail: number }
  | { type: 'occurred'; event: OtherEvent }
  /** An event of a network, pool, node device or secret. */
  | { type: 'thingOccurred'; event: ObjectEvent }
  /** A complete list of one type; its call began at `startedMs` by the wall. */
  | { type: 'thingsListed'; of: ThingRowType; startedMs: number; outcome: ThingsOutcome }
  | {
      type: 'thingRead';
      thing: ThingId;
      token: number;
      startedMs: number;
      outcome: ThingReadOutcome;
    }
  | { type: 'retryThing'; thing: ThingId }
  /** A sample of all domains' states, as stats-sampler's fast tier took it. */
  | { type: 'sampled'; states: readonly SampledState[] }
  /** A sampler saw the domain's CPU time fall under this id. */
  | { type: 'hinted'; uuid: string; id: number }
  /** Time to read one domain's configuration that no event asked for. */
  | { type: 'auditDue' }
  | { type: 'read'; uuid: string; token: number; startedMs: number; outcome: ReadOutcome }
  | { type: 'config'; uuid: string; outcome: ConfigOutcome }
  | { type: 'stored'; key: RowKey; writeId: string; seq: number }
  /** The broker refused a write: `last` is what lies on the subject, if anything does. */
  | {
      type: 'refused';
      key: RowKey;
      writeId: string;
      last: { seq: number; epoch: number } | undefined;
    }
  | { type: 'published'; seq: number }
  /** Something lies on one of our subjects that we did not write. */
  | { type: 'strayed'; key: RowKey; seq: number; epoch: number }
  /** A keepalive round trip; `eventsReceived` had been heard when it ended. */
  | { type: 'pong'; startedMonotonicMs: number; eventsReceived: number }
  | { type: 'identified'; identity: Identity | { failed: string } }
  | { type: 'retryRead'; uuid: string }
  /** The wait that `settleLater` wished for is over. */
  | { type: 'settleDue'; uuid: string }
  /** The wait that `purgeLater` wished for is over. */
  | { type: 'purgeDue' }
  /** The message of that sequence is not in the stream any more, or the broker did not say so. */
  | { type: 'purged'; key: Exclude<RowKey, 'record'>; seq: number; failed: boolean }
  | { type: 'lost'; problem: string };

export type FeedEffect =
  | { type: 'publish'; event: EventData }
  | {
      type: 'store';
      key: RowKey;
      body: DomainRow | ThingRow | HostRecord;
      /** The sequence that the broker must find last on the subject; 0 for an empty subject. */
      expected: number;
      writeId: string;
    }
  /** LOOKUP_BY_UUID and GET_STATE, as one pair. */
  | { type: 'read'; uuid: string; token: number; reason: ReadReason }
  | { type: 'readConfig'; uuid: string; reason: ReadReason }
  | { type: 'list'; afterMs: number; reason: ReadReason }
  | { type: 'listThings'; of: ThingRowType; afterMs: number; reason: ReadReason }
  /** The thing by its look-up, and what libvirt says of it. */
  | { type: 'readThing'; thing: ThingId; token: number; reason: ReadReason }
  | { type: 'retryThingLater'; thing: ThingId; afterMs: number }
  | { type: 'retryReadLater'; uuid: string; afterMs: number }
  | { type: 'settleLater'; uuid: string; afterMs: number }
  | { type: 'purgeLater'; afterMs: number }
  /** Deletes the message of exactly this sequence, wherever it lies. */
  | { type: 'purge'; key: Exclude<RowKey, 'record'>; seq: number }
  | { type: 'linkChanged'; link: HostSyncState }
  /** A higher epoch is there: somebody else has the host. */
  | { type: 'fenced'; byEpoch: number }
  /** For the log and the metrics. */
  | {
      type: 'note';
      note:
        | 'read-failed'
        | 'state-mismatch'
        | 'config-mismatch'
        | 'config-failed'
        | 'read-void'
        | 'foreign-row'
        | 'list-failed'
        | 'thing-refused'
        | 'large-removal';
      /** The domain's, or another thing's key. */
      uuid?: string;
      detail: string;
    };
