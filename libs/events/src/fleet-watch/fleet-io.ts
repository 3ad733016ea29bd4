/** What goes into the mind of the fleet's watch, and what it wishes for. */
import type { EventData, Heartbeat, HostId, HostRecord } from '@virtscope/contracts';
import type { RoundTrip } from '@virtscope/trust';
import type { RowBrief } from './running.ts';

/** A host of the inventory, as far as conflicts depend on it. */
export type FleetHost = { id: HostId; labels: Readonly<Record<string, string>> };

export type FleetInput =
  /** VIRT_STATE is read from its start: what was known is of another stream. */
  | { type: 'opened' }
  | { type: 'row'; seq: number; row: RowBrief }
  | { type: 'record'; seq: number; record: HostRecord }
  /** Everything that the stream held up to `seq` has been told. */
  | { type: 'caughtUp'; seq: number }
  /** Nothing of the stream flows: until `caughtUp` nothing is judged. */
  | { type: 'cutOff' }
  | { type: 'beat'; beat: Heartbeat }
  | { type: 'roundTrip'; trip: RoundTrip }
  | { type: 'wanted'; hosts: readonly FleetHost[] }
  /** Time to judge. */
  | { type: 'tick' };

export type FleetEffect = { type: 'publish'; event: EventData };
