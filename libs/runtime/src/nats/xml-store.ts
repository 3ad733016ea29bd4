/** libvirt's XML of domains as it was, in the bucket `virt_xml`, each text under its SHA-256. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';
import { buckets, xmlBucket } from '@virtscope/contracts';
import type { Clock } from '../clock.ts';
import type { Logger } from '../log.ts';
import { Semaphore } from '../semaphore.ts';
import { openBucket } from './open-bucket.ts';

/** Texts on their way at once, and those that wait: beyond, the next read of the XML brings it again. */
const maxPutsInFlight = 2;
const maxWaiting = 1_000;
/** Texts that are known to be there; at the bound the oldest is stored once more when it is read. */
const maxKnown = 100_000;
/** NATS takes messages of 1 MiB unless it is told otherwise. */
const maxStoredBytes = 900 * 1024;
/** libvirt's own bound of an XML that we read is below. */
const maxXmlBytes = 16 * 2 ** 20;
/** A text that is still in use is stored again long before it expires. */
const refreshMs = xmlBucket.ttlMs / 7;

const pack = promisify(gzip);
const unpack = promisify(gunzip);

export class XmlStore {
  readonly #nc: NatsConnection;
  readonly #hands: { clock: Clock; log: Logger };
  readonly #places = new Semaphore(maxPutsInFlight);
  /** When each was stored, monotonic; those on their way too. */
  readonly #known = new Map<string, number>();
  #waiting = 0;
  #kv: Promise<KV> | undefined;

  constructor(nc: NatsConnection, hands: { clock: Clock; log: Logger }) {
    this.#nc = nc;
    this.#hands = hands;
  }

  /**
   * Keeps a text, if it is not there: in its own time, and never in the way of anything. What does
   * not reach the bus is tried again when the XML is read the next time.
   *
   * @param hash SHA-256 of the text, in hexadecimal digits
   */
  keep(hash: string, xml: string): void {
    const nowMs = this.#hands.clock.monotonicMs();
    const storedMs = this.#known.get(hash);
    if (storedMs !== undefined && nowMs - storedMs < refreshMs) return;
    if (this.#waiting >= maxWaiting) return;
    this.#waiting++;
    this.#remember(hash, nowMs);
    this.#places
      .use(() => this.#put(hash, xml))
      .catch((error: unknown) => {
        this.#known.delete(hash);
        this.#kv = undefined;
        this.#hands.log.debug({ err: error, hash }, 'an XML is not kept');
      })
      .finally(() => this.#waiting--);
  }

  /** The bus is another one: nothing is known to be there. */
  forget(): void {
    this.#known.clear();
    this.#kv = undefined;
  }

  async #put(hash: string, xml: string): Promise<void> {
    const packed = await pack(xml);
    if (packed.length > maxStoredBytes) return;
    this.#kv ??= openBucket(this.#nc, buckets.xml);
    const kv = await this.#kv;
    await kv.put(hash, packed);
  }

  #remember(hash: string, nowMs: number): void {
    this.#known.delete(hash);
    const [oldest] = this.#known.size >= maxKnown ? this.#known.keys() : [];
    if (oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(hash, nowMs);
  }
}

/**
 * The text of this hash; undefined when it is not kept, or is not what its hash says.
 *
 * @throws when NATS does not answer
 */
export async function readXml(nc: NatsConnection, hash: string): Promise<string | undefined> {
  const kv = await openBucket(nc, buckets.xml);
  const entry = await kv.get(hash);
  if (entry === null || entry.operation !== 'PUT') return undefined;
  const xml = await unpack(entry.value, { maxOutputLength: maxXmlBytes }).then(
    (bytes) => bytes.toString(),
    () => undefined,
  );
  if (xml === undefined) return undefined;
  return createHash('sha256').update(xml).digest('hex') === hash ? xml : undefined;
}
