import { afterEach, expect, test, vi } from 'vitest';
import {
  CallRefusedError,
  ConnectionLostError,
  DeadlineExceededError,
  LibvirtError,
  ProtocolError,
} from './errors.ts';
import { VIR_ERR_NO_DOMAIN } from './constants/error-codes.ts';
import { keepaliveProgram } from './protocol/frame.ts';
import { frameOf, golden } from './testing/golden.ts';
import {
  argsOf,
  frame,
  type Peer,
  ScriptedServer,
  type WireFrame,
} from './testing/scripted-server.ts';
import { until } from './testing/until.ts';
import type { CallBill } from './rpc/call.ts';

const domain = { name: 'vm', uuid: '6695eb01-f6a4-8304-79aa-97f2502e193f', id: 1 };
const getHostname = 59;
const getXml = 14;
const getState = 212;

afterEach(() => {
  vi.restoreAllMocks();
});

const hostnameReply = (call: WireFrame, peer: Peer, name = 'h'): void => {
  peer.reply(call, (writer) => writer.string(name));
};

test('bring-up is AUTH_LIST, SUPPORTS_FEATURE(10), OPEN read-only, one after the other', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect();
  await session.ping();
  // The close callback (360) is asked for and not waited for; 1 is the PING.
  expect(server.peer.frames.map((call) => call.procedure)).toEqual([66, 60, 1, 360, 1]);
  const open = argsOf(server.peer.calls(1)[0] as WireFrame);
  expect(open.optionalString()).toBe('test:///default');
  expect(open.uint()).toBe(1);
  expect(session.isOpen).toBe(true);
});

test('replies find their calls in whatever order they come', async () => {
  const held: WireFrame[] = [];
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      held.push(call);
      if (held.length < 3) return;
      for (const one of held.toReversed()) {
        const id = argsOf(one).int();
        peer.reply(one, (writer) => {
          writer.string(`vm${id}`);
          writer.uuid(domain.uuid);
          writer.int(id);
        });
      }
    },
  });
  await using session = await server.connect();
  const found = await Promise.all([1, 2, 3].map((id) => session.domainLookupById(id)));
  expect(found.map(({ name }) => name)).toEqual(['vm1', 'vm2', 'vm3']);
});

test('a refusal is told apart by its code, and the session goes on', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      if (call.procedure === getHostname) hostnameReply(call, peer);
      else peer.refuse(call, VIR_ERR_NO_DOMAIN, 'le domaine est absent', 12);
    },
  });
  await using session = await server.connect();
  const error = await session.domainLookupByUuid(domain.uuid).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(LibvirtError);
  expect(error).toMatchObject({ code: 42, domain: 12, procedure: 'domainLookupByUuid', level: 2 });
  expect(await session.connectGetHostname()).toBe('h');
});

test('a call without an answer ends at its deadline', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect();
  const error = await session.connectGetHostname({ timeoutMs: 30 }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(DeadlineExceededError);
  expect(error).toMatchObject({ procedure: 'connectGetHostname', timeoutMs: 30, sent: true });
  expect(session.isOpen).toBe(true);
});

test('each of many calls ends at its own deadline, the shortest first', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect({ maxInFlight: 2 });
  const ended: unknown[] = [];
  const calls = [90, 30, 60, 30, 120].map(async (timeoutMs) => {
    ended.push(await session.connectGetHostname({ timeoutMs }).catch((e: unknown) => e));
  });
  await Promise.all(calls);
  expect(ended.map((error) => (error as DeadlineExceededError).timeoutMs)).toEqual([
    30, 30, 60, 90, 120,
  ]);
  // And the watch goes on for those that come later.
  await expect(session.connectGetHostname({ timeoutMs: 20 })).rejects.toThrow(
    DeadlineExceededError,
  );
});

test('a call can be given up by its signal, before and after it is sent', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect();
  const reason = new Error('never mind');
  await expect(session.connectGetHostname({ signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  );
  const abort = new AbortController();
  const call = session.connectGetHostname({ signal: abort.signal });
  await until('the call is out', () => server.peer.calls(getHostname).length === 1);
  abort.abort(reason);
  await expect(call).rejects.toBe(reason);
});

test('no more than four calls are out at a time; the others wait their turn', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect();
  const calls = Array.from({ length: 9 }, () => session.connectGetHostname());
  const sent = (): WireFrame[] => server.peer.calls(getHostname);
  for (let answered = 0; answered < 9; answered++) {
    const expected = Math.min(9, answered + 4);
    await until('the slots are full', () => sent().length === expected);
    hostnameReply(sent()[answered] as WireFrame, server.peer, `h${answered}`);
    expect(await calls[answered]).toBe(`h${answered}`);
  }
});

test('two low-priority calls that hang leave room for high-priority ones', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      if (call.procedure === getHostname) hostnameReply(call, peer);
    },
  });
  await using session = await server.connect();
  const hung = [1, 2, 3].map(() =>
    session.domainGetXmlDesc(domain, {}, { timeoutMs: 2_000 }).catch((e: unknown) => e),
  );
  for (let i = 0; i < 20; i++) expect(await session.connectGetHostname()).toBe('h');
  expect(server.peer.calls(getXml)).toHaveLength(2);
  await session.close();
  for (const error of await Promise.all(hung)) expect(error).toBeInstanceOf(ConnectionLostError);
});

test('an abandoned call keeps its slot until its late reply, which goes to nobody else', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect({ maxInFlight: 1 });
  await expect(session.connectGetHostname({ timeoutMs: 20 })).rejects.toThrow(
    DeadlineExceededError,
  );
  const second = session.connectGetHostname();
  await session.ping();
  expect(server.peer.calls(getHostname)).toHaveLength(1);
  hostnameReply(server.peer.calls(getHostname)[0] as WireFrame, server.peer, 'late');
  await until('the second is out', () => server.peer.calls(getHostname).length === 2);
  hostnameReply(server.peer.calls(getHostname)[1] as WireFrame, server.peer, 'in time');
  expect(await second).toBe('in time');
});

test('a call that never got a slot says that it was not sent', async () => {
  await using server = await ScriptedServer.start();
  const bills: CallBill[] = [];
  await using session = await server.connect({
    maxInFlight: 1,
    onCall: (bill) => bills.push(bill),
  });
  const first = session.connectGetHostname({ timeoutMs: 200 }).catch(() => undefined);
  const error = await session.domainGetState(domain, { timeoutMs: 20 }).catch((e: unknown) => e);
  expect(error).toMatchObject({ procedure: 'domainGetState', sent: false });
  await first;
  expect(server.peer.calls(getState)).toHaveLength(0);
  expect(bills.at(-2)).toMatchObject({ procedure: 'domainGetState', sent: false, tookMs: 0 });
});

test('beyond its bound the queue of waiting calls refuses', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect({ maxInFlight: 1, maxQueuedCalls: 2 });
  const waiting = [1, 2, 3].map(() => session.connectGetHostname().catch(() => undefined));
  const error = await session.connectGetHostname().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CallRefusedError);
  expect(error).toMatchObject({ reason: 'queue-full' });
  await session.close();
  await Promise.all(waiting);
});

test('the bill has one line for each call, with its reason and outcome', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      if (call.procedure === getHostname) hostnameReply(call, peer);
      if (call.procedure === getState) peer.refuse(call, 42, 'gone');
    },
  });
  const bills: CallBill[] = [];
  await using session = await server.connect({
    onCall: (bill) => {
      if (bill.reason !== 'bring-up') bills.push(bill);
    },
  });
  await session.connectGetHostname({ reason: 'audit' });
  await session.domainGetState(domain).catch(() => undefined);
  await session.domainGetInfo(domain, { timeoutMs: 20 }).catch(() => undefined);
  const abort = new AbortController();
  const aborted = session.domainGetXmlDesc(domain, {}, { signal: abort.signal });
  abort.abort();
  await aborted.catch(() => undefined);
  const lost = session.domainIsActive(domain).catch(() => undefined);
  server.peer.hangUp();
  await lost;
  expect(bills.map(({ procedure, reason, outcome }) => [procedure, reason, outcome])).toEqual([
    ['connectGetHostname', 'audit', 'ok'],
    ['domainGetState', 'unspecified', 'error'],
    ['domainGetInfo', 'unspecified', 'deadline'],
    ['domainGetXmlDesc', 'unspecified', 'aborted'],
    ['domainIsActive', 'unspecified', 'lost'],
  ]);
});

test('when the daemon hangs up, every call ends and says that its outcome is unknown', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect({ maxInFlight: 2 });
  const calls = [1, 2, 3, 4].map(() => session.connectGetHostname().catch((e: unknown) => e));
  await until('two are out', () => server.peer.calls(getHostname).length === 2);
  server.peer.hangUp();
  for (const error of await Promise.all(calls)) {
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).toMatchObject({ procedure: 'connectGetHostname' });
  }
  expect(await session.closed).toBeInstanceOf(ConnectionLostError);
  expect(session.isOpen).toBe(false);
  await expect(session.connectGetHostname()).rejects.toThrow(ConnectionLostError);
  await expect(session.ping()).rejects.toThrow(ConnectionLostError);
});

test('a daemon that loses its own link to the hypervisor ends the session', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect();
  server.peer.event(362, (writer) => writer.int(1));
  const why = await session.closed;
  expect(why).toBeInstanceOf(ConnectionLostError);
  expect(why?.message).toContain('end of file');
});

test('closing ends calls under way, says farewell, and is harmless twice', async () => {
  await using server = await ScriptedServer.start();
  const session = await server.connect();
  const call = session.connectGetHostname().catch((e: unknown) => e);
  await Promise.all([session.close(), session.close()]);
  await session.close();
  expect(await call).toBeInstanceOf(ConnectionLostError);
  expect(await session.closed).toBeUndefined();
  expect(server.peer.calls(2)).toHaveLength(1);
});

test('closing does not wait for ever for a daemon that hangs', async () => {
  await using server = await ScriptedServer.start({ bringUp: false, onFrame: answerButClose });
  const session = await server.connect();
  await session.close();
  expect(session.isOpen).toBe(false);
});

/** Opens sessions, and is silent from then on. */
function answerButClose(call: WireFrame, peer: Peer): void {
  if (call.program === keepaliveProgram) return;
  if (call.procedure === 66) peer.reply(call, (writer) => writer.uint(0));
  else if (call.procedure === 60) peer.reply(call, (writer) => writer.int(1));
  else if (call.procedure === 1) peer.reply(call);
}

test('aborting the session signal closes the session', async () => {
  await using server = await ScriptedServer.start();
  const abort = new AbortController();
  const session = await server.connect({ signal: abort.signal });
  const call = session.connectGetHostname().catch((e: unknown) => e);
  abort.abort();
  expect(await call).toBeInstanceOf(ConnectionLostError);
  expect(await session.closed).toBeUndefined();
});

test('a PING is answered at once, also while every slot is held by a hung call', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect();
  const calls = [1, 2, 3, 4, 5].map(() => session.connectGetHostname().catch(() => undefined));
  server.peer.raw(frameOf(golden.ping));
  const pongs = (): WireFrame[] =>
    server.peer.frames.filter((one) => one.program === keepaliveProgram && one.procedure === 2);
  await until('a PONG came', () => pongs().length > 0);
  expect(pongs()).toMatchObject([{ type: 2, serial: 0 }]);
  await session.close();
  await Promise.all(calls);
});

test('a silent daemon is noticed, and what is under way ends', async () => {
  await using server = await ScriptedServer.start({ bringUp: false, onFrame: answerButClose });
  await using session = await server.connect({ keepaliveIntervalMs: 20, keepaliveCount: 2 });
  const call = session.connectGetHostname().catch((e: unknown) => e);
  const why = await session.closed;
  expect(why).toBeInstanceOf(ConnectionLostError);
  expect(await call).toMatchObject({ cause: why });
  const pings = server.peer.frames.filter(({ program }) => program === keepaliveProgram);
  expect(pings).toHaveLength(2);
});

test('a daemon that answers keepalives is not given up, however long its calls take', async () => {
  await using server = await ScriptedServer.start();
  await using session = await server.connect({ keepaliveIntervalMs: 10, keepaliveCount: 1 });
  const call = session.connectGetHostname();
  const pings = (): number =>
    server.peer.frames.filter(({ program }) => program === keepaliveProgram).length;
  await until('ten keepalives went by', () => pings() >= 10);
  hostnameReply(server.peer.calls(getHostname)[0] as WireFrame, server.peer);
  expect(await call).toBe('h');
});

test('ping resolves after every event that was sent before its answer is in the streams', async () => {
  await using server = await ScriptedServer.start({
    bringUp: false,
    onFrame: (call, peer) => {
      answerButClose(call, peer);
      if (call.procedure === 316) peer.reply(call, (writer) => writer.int(5));
      if (call.procedure === 317) peer.reply(call);
      if (call.program !== keepaliveProgram) return;
      for (let i = 0; i < 3; i++) peer.lifecycle(5, i);
      peer.keepalive(2);
    },
  });
  await using session = await server.connect();
  await using events = await session.domainEvents(['lifecycle']);
  const { startedMs, tookMs } = await session.ping();
  expect(events.received).toBe(3);
  expect(startedMs + tookMs).toBeLessThanOrEqual(performance.now());
});

test('a ping without an answer ends at its deadline', async () => {
  await using server = await ScriptedServer.start({ bringUp: false, onFrame: answerButClose });
  await using session = await server.connect();
  await expect(session.ping({ timeoutMs: 20 })).rejects.toThrow(DeadlineExceededError);
});

const broken: Record<string, (peer: Peer, call: WireFrame) => void> = {
  'a frame that is too short': (peer) => peer.raw(Buffer.from('0000001b', 'hex')),
  'a frame that is too long': (peer) => peer.raw(Buffer.from('02000005', 'hex')),
  'a reply that nobody asked for': (peer, call) =>
    peer.raw(frame({ ...call, serial: call.serial + 99, type: 1, status: 0 })),
  'a reply to another procedure': (peer, call) =>
    peer.raw(frame({ ...call, procedure: 110, type: 1, status: 0 })),
  'a reply of another program': (peer, call) =>
    peer.raw(frame({ ...call, program: 0x20008087, type: 1, status: 0 })),
  'a frame of a type that we never ask for': (peer, call) =>
    peer.raw(frame({ ...call, type: 3, status: 2 })),
  'a status that does not exist': (peer, call) => peer.raw(frame({ ...call, type: 1, status: 7 })),
  'a reply cut short': (peer, call) =>
    peer.reply(call, (writer) => {
      writer.uint(40);
    }),
};

test.each(Object.entries(broken))(
  '%s closes the session at once, and nothing after it is believed',
  async (_, misbehave) => {
    await using server = await ScriptedServer.start({
      onFrame: (call, peer) => {
        peer.together(() => {
          misbehave(peer, call);
          hostnameReply(call, peer, 'believed');
        });
      },
    });
    await using session = await server.connect();
    const error = await session.connectGetHostname().catch((e: unknown) => e);
    expect(error).toBeInstanceOf(Error);
    expect(await session.closed).toBeInstanceOf(ProtocolError);
    await until('the socket is closed', () => server.peer.closed);
  },
);

test('messages of programs and procedures that are unknown are ignored', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      peer.together(() => {
        peer.event(999, (writer) => writer.int(1));
        peer.raw(frame({ ...call, program: 0x00068000, type: 2, status: 0 }, (w) => w.int(1)));
        peer.lifecycle(77, 2);
        hostnameReply(call, peer);
      });
    },
  });
  await using session = await server.connect();
  expect(await session.connectGetHostname()).toBe('h');
});

test('bytes after a reply are ignored: a later libvirt may say more', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      peer.reply(call, (writer) => {
        writer.string('h');
        writer.hyper(1n);
      });
    },
  });
  await using session = await server.connect();
  expect(await session.connectGetHostname()).toBe('h');
});

test('a call that is not in the allow-list is refused before the wire', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => hostnameReply(call, peer),
  });
  await using session = await server.connect({ allow: ['connectGetHostname'] });
  const error = await session.domainGetState(domain).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(CallRefusedError);
  expect(error).toMatchObject({ reason: 'not-allowed', procedure: 'domainGetState' });
  expect(await session.connectGetHostname()).toBe('h');
  expect(server.peer.calls(getState)).toHaveLength(0);
});

test('an argument that cannot be sent rejects its call and nothing else', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => hostnameReply(call, peer),
  });
  await using session = await server.connect();
  await expect(session.domainLookupByUuid('not a uuid')).rejects.toThrow(TypeError);
  await expect(session.connectGetHostname({ timeoutMs: Infinity })).rejects.toThrow(RangeError);
  expect(await session.connectGetHostname()).toBe('h');
});
