import { thingRowTypes, type ThingRowType } from '@virtscope/contracts';
import type { ThingSource } from '@virtscope/events';
import type { Logger } from '@virtscope/runtime';
import {
  objectEventKinds,
  type ObjectEvent,
  type ObjectEventKind,
  type ObjectEventStream,
  type Session,
} from 'node-libvirt';

/** A driver that does not answer to a registration in time is listed instead. */
const registerTimeoutMs = 5_000;

/**
 * The events of networks, pools, node devices and secrets of one session. A daemon registers each
 * class by itself, and one without its driver refuses: the other classes are heard all the same.
 */
export class ThingEvents implements AsyncDisposable {
  readonly sources: readonly ThingSource[];
  /** Kinds that this daemon does not send. */
  readonly missingKinds: readonly ObjectEventKind[];
  readonly #streams: readonly ObjectEventStream[];

  constructor(
    sources: readonly ThingSource[],
    missingKinds: readonly ObjectEventKind[],
    streams: readonly ObjectEventStream[],
  ) {
    this.sources = sources;
    this.missingKinds = missingKinds;
    this.#streams = streams;
  }

  static async open(session: Session, log: Logger): Promise<ThingEvents> {
    const opened = await Promise.all(thingRowTypes.map((type) => openType(session, type, log)));
    return new ThingEvents(
      opened.map(({ source }) => source),
      opened.flatMap(({ missing }) => missing),
      opened.flatMap(({ stream }) => stream ?? []),
    );
  }

  /** Events taken in so far, of all types. */
  get received(): number {
    return this.#streams.reduce((sum, { received }) => sum + received, 0);
  }

  /** Hands on every event until the session ends. @throws when events were lost */
  async hear(onEvent: (event: ObjectEvent) => void): Promise<void> {
    await Promise.all(
      this.#streams.map(async (stream) => {
        for await (const event of stream) onEvent(event);
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#streams.map((stream) => stream[Symbol.asyncDispose]()));
  }
}

async function openType(
  session: Session,
  type: ThingRowType,
  log: Logger,
): Promise<{
  source: ThingSource;
  missing: readonly ObjectEventKind[];
  stream?: ObjectEventStream;
}> {
  const kinds = objectEventKinds.filter((kind) => kind.startsWith(`${type}-`));
  try {
    const stream = await session.objectEvents(kinds, { timeoutMs: registerTimeoutMs });
    const missing = stream.missingKinds;
    const hasEvents = !missing.some((kind) => kind === `${type}-lifecycle`);
    return { source: { type, hasEvents }, missing, stream };
  } catch (error) {
    if (!session.isOpen) throw error;
    log.info({ err: error, type }, 'this daemon sends no events of a type');
    return { source: { type, hasEvents: false }, missing: kinds };
  }
}
