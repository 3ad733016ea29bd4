import { expect, test } from 'vitest';
import { presence, uuidOf } from '../bus.fixture.ts';
import { Bench } from './bench.fixture.ts';

const xml = "<domain type='kvm'/>";
const path = `/v1/hosts/hv1/domains/${uuidOf(1)}/xml`;

const config = {
  observedAt: '2026-01-01T00:00:00.000Z',
  xmlHash: 'f00d',
  disks: [],
  interfaces: [],
};

/** hv1 is live with a domain whose configuration was read. */
function filled(): Bench {
  const bench = Bench.filled();
  bench.state(presence('hv1', 1, { config }));
  return bench;
}

test('the XML is answered as it was kept, and a caller who has it need not fetch it again', async () => {
  const bench = filled();
  bench.xml = (hash) => Promise.resolve(hash === 'f00d' ? xml : undefined);
  const answer = await bench.app.inject({ method: 'GET', url: path });
  expect([answer.statusCode, answer.body]).toEqual([200, xml]);
  expect(answer.headers).toMatchObject({
    'content-type': 'application/xml; charset=utf-8',
    etag: '"f00d"',
  });
  bench.xml = () => Promise.reject(new Error('nobody asks for it'));
  const headers = { 'if-none-match': '"f00d"' };
  const again = await bench.app.inject({ method: 'GET', url: path, headers });
  expect([again.statusCode, again.body]).toEqual([304, '']);
});

test('a text that is not kept, or cannot be had, is not available, and never an empty one', async () => {
  const bench = filled();
  const missing = await bench.app.inject({ method: 'GET', url: path });
  expect(missing.statusCode).toBe(503);
  expect(missing.json()).toMatchObject({ detail: 'the text f00d is not on the bus' });
  expect(missing.headers['etag']).toBeUndefined();
  bench.xml = () => Promise.reject(new Error('NATS does not answer'));
  const away = await bench.app.inject({ method: 'GET', url: path });
  expect(away.json()).toMatchObject({ status: 503, detail: 'NATS does not answer' });
});

test('of a domain that is not there, or was not read yet, the answer is as honest as any', async () => {
  const bench = Bench.filled();
  const unread = await bench.app.inject({ method: 'GET', url: path });
  expect(unread.json()).toMatchObject({ status: 503, unreachable: ['hv1'] });
  const absent = await bench.app.inject({ method: 'GET', url: path.replace(uuidOf(1), uuidOf(9)) });
  expect(absent.statusCode).toBe(404);
});
