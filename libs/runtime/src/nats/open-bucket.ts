import { Kvm, type KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/nats-core';

/**
 * A bucket that is there, read by direct gets. The client's own way asks STREAM.MSG.GET, and
 * nats-server 2.9.10 dies of one that comes while it still makes the stream: whoever reads at the
 * moment of a start would take the bus down with it.
 */
export function openBucket(nc: NatsConnection, bucket: string): Promise<KV> {
  return new Kvm(nc).open(bucket, { allow_direct: true });
}
