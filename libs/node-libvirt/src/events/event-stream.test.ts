import { expect, test } from 'vitest';
import { ConnectionLostError, EventGapError, LibvirtError, ProtocolError } from '../errors.ts';
import { argsOf, type Peer, ScriptedServer, type WireFrame } from '../testing/scripted-server.ts';
import { until } from '../testing/until.ts';
import { domainEventKinds, domainEventTable } from './domain-event.ts';
import type { DomainEventStream } from './event-stream.ts';

const register = 316;
const deregister = 317;

/** Registers event id n as callback n + 100, deregisters all. */
function registrar(call: WireFrame, peer: Peer): void {
  if (call.procedure === register) {
    const id = argsOf(call).int();
    peer.reply(call, (writer) => writer.int(id + 100));
  } else if (call.procedure === deregister) {
    peer.reply(call);
  }
}

async function take(stream: DomainEventStream, count: number): Promise<number[]> {
  const seen: number[] = [];
  for await (const event of stream) {
    if (event.kind === 'lifecycle') seen.push(event.event);
    if (seen.length === count) break;
  }
  return seen;
}

test('events arrive in the order in which they were sent', async () => {
  await using server = await ScriptedServer.start({ onFrame: registrar });
  await using session = await server.connect();
  await using events = await session.domainEvents(['lifecycle']);
  for (let i = 0; i < 50; i++) server.peer.lifecycle(100, i);
  expect(await take(events, 50)).toEqual(Array.from({ length: 50 }, (_, i) => i));
});

test('events that arrive before the reply to their registration are not lost', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      peer.together(() => {
        if (call.procedure === register) {
          for (let i = 0; i < 3; i++) peer.lifecycle(7, i);
          peer.reply(call, (writer) => writer.int(7));
          peer.lifecycle(7, 3);
        } else {
          peer.reply(call);
        }
      });
    },
  });
  await using session = await server.connect();
  await using events = await session.domainEvents(['lifecycle']);
  expect(await take(events, 4)).toEqual([0, 1, 2, 3]);
});

test('the same callback id of two classes of events does not mix them up', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      if (call.procedure !== register) {
        peer.reply(call);
        return;
      }
      // Every kind gets callback 7, as different classes of objects do.
      peer.reply(call, (writer) => writer.int(7));
    },
  });
  await using session = await server.connect();
  await using lifecycle = await session.domainEvents(['lifecycle']);
  await using reboots = await session.domainEvents(['reboot']);
  server.peer.event(319, (writer) => {
    writer.int(7);
    writer.string('vm');
    writer.uuid('6695eb01-f6a4-8304-79aa-97f2502e193f');
    writer.int(1);
  });
  await session.ping();
  expect([lifecycle.received, reboots.received]).toEqual([0, 1]);
});

test('at its bound a stream delivers what it holds, then says that there is a gap', async () => {
  await using server = await ScriptedServer.start({ onFrame: registrar });
  await using session = await server.connect();
  await using events = await session.domainEvents(['lifecycle'], { capacity: 3 });
  for (let i = 0; i < 5; i++) server.peer.lifecycle(100, i);
  await session.ping();
  expect(events.received).toBe(3);
  const seen: number[] = [];
  const reading = (async () => {
    for await (const event of events) if (event.kind === 'lifecycle') seen.push(event.event);
  })();
  await expect(reading).rejects.toThrow(EventGapError);
  expect(seen).toEqual([0, 1, 2]);
});

test('a consumer that does not read holds up neither replies nor keepalives', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      registrar(call, peer);
      if (call.procedure === 59) peer.reply(call, (writer) => writer.string('h'));
    },
  });
  await using session = await server.connect();
  await using events = await session.domainEvents(['lifecycle'], { capacity: 10 });
  for (let i = 0; i < 1_000; i++) server.peer.lifecycle(100, i);
  expect(await session.connectGetHostname()).toBe('h');
  await session.ping();
  expect(events.received).toBe(10);
});

test('more early events than the bound are a gap, not a silent loss', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      peer.together(() => {
        if (call.procedure === register) {
          for (let i = 0; i < 5; i++) peer.lifecycle(7, i);
          peer.reply(call, (writer) => writer.int(7));
        } else {
          peer.reply(call);
        }
      });
    },
  });
  await using session = await server.connect({ eventCapacity: 3 });
  await using events = await session.domainEvents(['lifecycle']);
  expect(await take(events, 3)).toEqual([0, 1, 2]);
  await expect(take(events, 1)).rejects.toThrow(EventGapError);
});

test('on a lost session a stream delivers what it holds, then throws the loss', async () => {
  await using server = await ScriptedServer.start({ onFrame: registrar });
  await using session = await server.connect();
  await using events = await session.domainEvents(['lifecycle']);
  server.peer.lifecycle(100, 1);
  await until('the event is in', () => events.received === 1);
  server.peer.hangUp();
  await session.closed;
  expect(await take(events, 1)).toEqual([1]);
  await expect(take(events, 1)).rejects.toThrow(ConnectionLostError);
});

test('a stream waiting for its next event ends when the session is closed here', async () => {
  await using server = await ScriptedServer.start({ onFrame: registrar });
  const session = await server.connect();
  await using events = await session.domainEvents(['lifecycle']);
  const reading = take(events, 1);
  await session.close();
  expect(await reading).toEqual([]);
});

test('disposing a stream deregisters, and late events go nowhere', async () => {
  await using server = await ScriptedServer.start({ onFrame: registrar });
  await using session = await server.connect();
  const events = await session.domainEvents(['lifecycle', 'reboot']);
  await events[Symbol.asyncDispose]();
  await events[Symbol.asyncDispose]();
  const dropped = server.peer.calls(deregister).map((call) => argsOf(call).int());
  expect(new Set(dropped)).toEqual(new Set([100, 101]));
  server.peer.lifecycle(100, 2);
  await session.ping();
  expect(events.received).toBe(0);
});

test('two streams of a kind share one registration, and the last one gives it up', async () => {
  await using server = await ScriptedServer.start({ onFrame: registrar });
  await using session = await server.connect();
  const first = await session.domainEvents(['lifecycle']);
  await using second = await session.domainEvents(['lifecycle']);
  expect(server.peer.calls(register)).toHaveLength(1);
  server.peer.lifecycle(100, 1);
  await session.ping();
  expect([first.received, second.received]).toEqual([1, 1]);
  await first[Symbol.asyncDispose]();
  expect(server.peer.calls(deregister)).toHaveLength(0);
  server.peer.lifecycle(100, 2);
  expect(await take(second, 2)).toEqual([1, 2]);
});

test('a new stream waits until the old registration is gone: the daemon takes only one', async () => {
  const held: WireFrame[] = [];
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      if (call.procedure === deregister) held.push(call);
      else registrar(call, peer);
    },
  });
  const session = await server.connect();
  const first = await session.domainEvents(['lifecycle']);
  const leaving = first[Symbol.asyncDispose]();
  const joining = session.domainEvents(['lifecycle']);
  await until('the deregistration is out', () => held.length === 1);
  await session.ping();
  expect(server.peer.calls(register)).toHaveLength(1);
  server.peer.reply(held[0] as WireFrame);
  await leaving;
  await joining;
  expect(server.peer.calls(register)).toHaveLength(2);
  await session.close();
});

test('a registration that was given up is taken back when its late reply comes', async () => {
  const held: WireFrame[] = [];
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      if (call.procedure === register) held.push(call);
      else registrar(call, peer);
    },
  });
  await using session = await server.connect();
  await expect(session.domainEvents(['lifecycle'], { timeoutMs: 20 })).rejects.toThrow(/20 ms/);
  server.peer.reply(held[0] as WireFrame, (writer) => writer.int(9));
  await until('it is taken back', () => server.peer.calls(deregister).length === 1);
  expect(argsOf(server.peer.calls(deregister)[0] as WireFrame).int()).toBe(9);
});

test('kinds that the daemon does not know are named, and the others work', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      if (call.procedure === register && argsOf(call).int() === 27) {
        peer.refuse(call, 1, 'unsupported event ID 27', 7);
      } else {
        registrar(call, peer);
      }
    },
  });
  await using session = await server.connect();
  await using events = await session.domainEvents(['nic-mac-change', 'lifecycle']);
  expect(events.missingKinds).toEqual(['nic-mac-change']);
  server.peer.lifecycle(100, 4);
  expect(await take(events, 1)).toEqual([4]);
});

test('kinds that the driver does not send are named as well', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      if (call.procedure === register) peer.refuse(call, 3, 'not supported by the driver', 20);
      else registrar(call, peer);
    },
  });
  await using session = await server.connect();
  await using events = await session.domainEvents(['lifecycle', 'reboot']);
  expect(events.missingKinds).toEqual(['lifecycle', 'reboot']);
});

test('another refusal leaves no half of the registrations behind', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      if (call.procedure === register && argsOf(call).int() === 1) peer.refuse(call, 88, 'denied');
      else registrar(call, peer);
    },
  });
  await using session = await server.connect();
  await expect(session.domainEvents(['lifecycle', 'reboot'])).rejects.toThrow(LibvirtError);
  expect(server.peer.calls(deregister).map((call) => argsOf(call).int())).toEqual([100]);
});

test('an event that cannot be read closes the session', async () => {
  await using server = await ScriptedServer.start({ onFrame: registrar });
  await using session = await server.connect();
  await using events = await session.domainEvents(['lifecycle']);
  server.peer.event(318, (writer) => writer.int(100));
  expect(await session.closed).toBeInstanceOf(ProtocolError);
  await expect(take(events, 1)).rejects.toThrow(ConnectionLostError);
});

test('an early event that cannot be read ends its registration and the session', async () => {
  await using server = await ScriptedServer.start({
    onFrame: (call, peer) => {
      peer.together(() => {
        peer.event(318, (writer) => writer.int(100));
        registrar(call, peer);
      });
    },
  });
  await using session = await server.connect();
  await expect(session.domainEvents(['lifecycle'])).rejects.toThrow(ProtocolError);
  expect(await session.closed).toBeInstanceOf(ProtocolError);
});

test('every kind has its own event id and its own message, in order', () => {
  const entries = domainEventKinds.map((kind) => domainEventTable[kind]);
  expect(entries.map(({ id }) => id)).toEqual(Array.from({ length: 28 }, (_, i) => i));
  expect(new Set(entries.map(({ message }) => message)).size).toBe(28);
});
