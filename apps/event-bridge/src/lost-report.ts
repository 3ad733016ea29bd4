import { subjects, type HostRecord } from '@virtscope/contracts';
import { highestEpoch } from '@virtscope/events';
import type { WantedHost } from '@virtscope/fleet';
import { takeEpoch } from '@virtscope/runtime';
import { readBase } from './bus-base.ts';
import type { BridgeHands } from './watch-host.ts';

/**
 * Says on the bus why a host that this process never had a session with cannot be reached. Once a
 * session was there, its feed's own record says it.
 */
export class LostReport {
  readonly #host: WantedHost;
  readonly #bridge: BridgeHands;
  #state: 'nothing said' | 'saying' | 'said' | 'had a session' = 'nothing said';
  #problem = '';
  #guarded: Disposable | undefined;

  constructor(host: WantedHost, bridge: BridgeHands) {
    this.#host = host;
    this.#bridge = bridge;
  }

  opened(): void {
    this.#state = 'had a session';
    this.#guarded?.[Symbol.dispose]();
  }

  tell(problem: string): void {
    this.#problem = problem;
    const { heart, hands, signal } = this.#bridge;
    if (this.#state !== 'nothing said' || heart.holderOf(this.#host.id) !== undefined) return;
    this.#state = 'saying';
    this.#say(problem).then(
      () => {
        if (this.#state === 'saying') this.#state = 'said';
      },
      (error: unknown) => {
        if (this.#state === 'saying') this.#state = 'nothing said';
        if (!signal.aborted) {
          hands.log.warn({ host: this.#host.id, err: error }, 'the bus does not take a report');
        }
      },
    );
  }

  #again(): void {
    if (this.#state !== 'said') return;
    this.#state = 'nothing said';
    this.tell(this.#problem);
  }

  async #say(problem: string): Promise<void> {
    const { nc, hands, guard, writer, heart, signal } = this.#bridge;
    const host = this.#host.id;
    const base = await readBase(nc, host, signal);
    const epoch = await takeEpoch(nc, {
      role: 'event-bridge',
      host,
      floor: highestEpoch(base),
      clock: hands.clock,
      holder: hands.replica,
    });
    const record: HostRecord = {
      v: 1,
      type: 'host',
      host,
      ...base.record?.body,
      epoch,
      sync: 'lost',
      problem: problem.slice(0, 4_096),
      changedAt: new Date(hands.clock.wallMs()).toISOString(),
    };
    const written = await writer.write(
      {
        subject: subjects.hostRecord(host),
        body: JSON.stringify(record),
        expected: base.record?.seq ?? 0,
        writeId: `event-bridge:${host}:${epoch}:w0`,
      },
      signal,
    );
    const upTo = written.type === 'stored' ? written.seq : 0;
    if (this.#state === 'saying') {
      this.#guarded = guard.guard(host, {
        epoch,
        upTo: () => upTo,
        // Another bus has not heard it.
        restart: () => this.#again(),
        fenced: () => heart.release(host),
        inspect: () => Promise.resolve(Number.POSITIVE_INFINITY),
      });
      heart.tell(host, () => ({ epoch, link: 'lost', verifiedAgeMs: null, seq: 0, upTo }));
    }
  }
}
