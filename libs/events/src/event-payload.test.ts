import { expect, test } from 'vitest';
import { configChangedBy, payloadOf } from './event-payload.ts';

const domain = { name: 'vm', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f', id: 4 };

test('numbers that libvirt names read as names, unknown ones pass through', () => {
  expect(payloadOf({ kind: 'watchdog', domain, action: 2 })).toEqual({ action: 'reset' });
  expect(payloadOf({ kind: 'watchdog', domain, action: 99 })).toEqual({ action: 'unknown-99' });
  expect(payloadOf({ kind: 'metadata-change', domain, type: 2, nsUri: 'http://x/y' })).toEqual({
    type: 'element',
    nsUri: 'http://x/y',
  });
});

test('what libvirt left out is left out, and large counters keep every digit', () => {
  expect(
    payloadOf({
      kind: 'block-threshold',
      domain,
      dev: 'vda',
      path: undefined,
      thresholdBytes: 2n ** 63n,
      excessBytes: 7,
    }),
  ).toEqual({ dev: 'vda', thresholdBytes: '9223372036854775808', excessBytes: 7 });
  expect(payloadOf({ kind: 'reboot', domain })).toEqual({});
});

test('nested addresses are named too', () => {
  const end = { family: 0, node: '127.0.0.1', service: '5900' };
  expect(
    payloadOf({
      kind: 'graphics',
      domain,
      phase: 0,
      local: end,
      remote: end,
      authScheme: 'none',
      subject: [{ type: 'x509', name: 'me' }],
    }),
  ).toMatchObject({
    phase: 'connect',
    local: { family: 'ipv4' },
    subject: [{ type: 'x509', name: 'me' }],
  });
});

test('a reboot leaves the configuration alone, a hot-plugged device does not', () => {
  expect(configChangedBy('reboot')).toBe(false);
  expect(configChangedBy('device-added')).toBe(true);
});
