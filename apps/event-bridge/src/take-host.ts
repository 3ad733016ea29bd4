import { subjects, type HostRecord } from '@virtscope/contracts';
import { highestEpoch, type BusBase, type Identity } from '@virtscope/events';
import type { WantedHost } from '@virtscope/fleet';
import { takeEpoch } from '@virtscope/runtime';
import { readBase } from './bus-base.ts';
import type { BridgeHands } from './watch-host.ts';

/** How long a host's first rows wait for the daemon's identity. */
const firstIdentityMs = 10_000;

export type TakenHost = {
  epoch: number;
  /** What the bus says of the host, read after our record fenced off everybody below us. */
  base: BusBase;
  /** The sequence of our `syncing` record. */
  recordSeq: number;
  /** The daemon's identity, when the bus had none and it was learned in time. */
  identity: Identity | undefined;
};

/**
 * Takes a host (bus rules 1 and 3): the next epoch, then the host's record under it, and only then
 * what the bus says of the host.
 *
 * @param learnIdentity asks the daemon who it is
 * @throws when somebody of a higher epoch has the host
 */
export async function takeHost(
  host: WantedHost,
  facts: Partial<HostRecord>,
  learnIdentity: () => Promise<Identity | { failed: string }>,
  { nc, hands, writer, signal }: BridgeHands,
): Promise<TakenHost> {
  const before = await readBase(nc, host.id, signal);
  const known = before.record?.body;
  const key = host.identity === 'uuid' ? 'hostUuid' : 'hostname';
  const identity =
    known?.[key] === undefined
      ? await inTime(learnIdentity(), hands.clock.sleep(firstIdentityMs, signal))
      : undefined;
  const epoch = await takeEpoch(nc, {
    role: 'event-bridge',
    host: host.id,
    floor: highestEpoch(before),
    clock: hands.clock,
    holder: hands.replica,
  });
  const record: HostRecord = {
    v: 1,
    type: 'host',
    host: host.id,
    epoch,
    sync: 'syncing',
    ...(known?.hostUuid === undefined ? {} : { hostUuid: known.hostUuid }),
    ...(known?.hostname === undefined ? {} : { hostname: known.hostname }),
    ...(known?.purgedThrough === undefined ? {} : { purgedThrough: known.purgedThrough }),
    ...identity,
    ...facts,
    changedAt: new Date(hands.clock.wallMs()).toISOString(),
  };
  const written = await writer.write(
    {
      subject: subjects.hostRecord(host.id),
      body: JSON.stringify(record),
      expected: before.record?.seq ?? 0,
      writeId: `event-bridge:${host.id}:${epoch}:w0`,
    },
    signal,
  );
  if (written.type === 'refused') {
    const other = written.last?.epoch ?? 'unknown';
    throw new Error(`the host was taken by epoch ${other} while ours is ${epoch}`);
  }
  const base = await readBase(nc, host.id, signal);
  return { epoch, base: { ...base, record: before.record }, recordSeq: written.seq, identity };
}

async function inTime(
  learning: Promise<Identity | { failed: string }>,
  deadline: Promise<void>,
): Promise<Identity | undefined> {
  const identity = await Promise.race([learning, deadline]);
  return identity === undefined || 'failed' in identity ? undefined : identity;
}
