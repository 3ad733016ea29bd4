import { expect, test } from 'vitest';
import { domainEventTable } from '../events/domain-event.ts';
import { authList } from '../procedures/authentication.ts';
import { connectGetAllDomainStats } from '../procedures/connect-get-all-domain-stats.ts';
import { connectListAllDomains } from '../procedures/connect-list-all-domains.ts';
import { connectOpen, connectSupportsFeature } from '../procedures/connect-open.ts';
import { eventRegistration } from '../procedures/event-registration.ts';
import type { Procedure } from '../procedures/procedure.ts';
import { golden, payloadOf } from '../testing/golden.ts';
import { readRemoteError } from './remote-error.ts';
import { XdrReader } from './xdr-reader.ts';
import { XdrWriter } from './xdr-writer.ts';

const vm1 = { name: 'vm1', uuid: 'd76b9ffb-832e-4588-9f94-165136704421', id: 3 };
const rpcvm1 = { name: 'rpcvm1', uuid: '2c11a337-5712-4099-8861-0986486301b3', id: 4 };

function encoded<Args>(procedure: Procedure<Args, unknown>, args: Args): string {
  const writer = new XdrWriter();
  procedure.encode(writer, args);
  return writer.take().toString('hex');
}

function decoded<Result>(procedure: Procedure<never, Result>, vector: string): Result {
  return procedure.decode(new XdrReader(payloadOf(vector)));
}

test('calls are byte for byte what libvirt sends', () => {
  const hex = (vector: string): string => payloadOf(vector).toString('hex');
  expect(encoded(authList, undefined)).toBe(hex(golden.authListCall));
  expect(encoded(connectSupportsFeature, 10)).toBe(hex(golden.featureCall));
  expect(encoded(connectOpen, { name: 'test:///default', readOnly: false })).toBe(
    hex(golden.openCall),
  );
  expect(encoded(connectGetAllDomainStats, { domains: [vm1], stats: 5, flags: 0x20000000 })).toBe(
    hex(golden.statsCall),
  );
  expect(encoded(eventRegistration.domain.register, 26)).toBe(hex(golden.registerCall));
});

test('replies read as libvirt meant them', () => {
  expect(decoded(authList, golden.authListReply)).toEqual(['none']);
  expect(decoded(connectSupportsFeature, golden.featureReply)).toBe(true);
  expect(decoded(connectListAllDomains, golden.listReply)).toEqual([
    { name: 'test', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f', id: 1 },
  ]);
  expect(decoded(eventRegistration.domain.register, golden.registerReply)).toBe(26);
});

test('stats of every type read as libvirt meant them', () => {
  const [record] = decoded(connectGetAllDomainStats, golden.statsReply);
  expect(record?.domain).toEqual(vm1);
  expect(record?.params.toJSON()).toEqual({
    'state.state': 1,
    'state.reason': 1,
    'balloon.current': 16384,
    'balloon.maximum': 16384,
    'balloon.rss': 36048,
  });
  const [dirtyRate] = decoded(connectGetAllDomainStats, golden.dirtyRateReply);
  expect(dirtyRate?.params.toJSON()).toEqual({
    'dirtyrate.calc_status': 0,
    'dirtyrate.calc_start_time': 0,
    'dirtyrate.calc_period': 0,
    'dirtyrate.calc_mode': 'page-sampling',
  });
});

test('an error reads as libvirt meant it', () => {
  expect(readRemoteError(new XdrReader(payloadOf(golden.noDomainError)))).toEqual({
    code: 42,
    domain: 12,
    message: 'Domain not found',
    level: 2,
    str1: 'Domain not found',
    str2: undefined,
    str3: undefined,
    int1: -1,
    int2: -1,
  });
});

test('events read as libvirt meant them', () => {
  const lifecycle = new XdrReader(payloadOf(golden.lifecycleEvent));
  expect(lifecycle.int()).toBe(0);
  expect(domainEventTable.lifecycle.decode(lifecycle)).toEqual({
    kind: 'lifecycle',
    domain: rpcvm1,
    event: 3,
    detail: 0,
  });
  const metadata = new XdrReader(payloadOf(golden.metadataEvent));
  expect(metadata.int()).toBe(23);
  expect(domainEventTable['metadata-change'].decode(metadata)).toEqual({
    kind: 'metadata-change',
    domain: rpcvm1,
    type: 2,
    nsUri: 'http://x/y',
  });
});
