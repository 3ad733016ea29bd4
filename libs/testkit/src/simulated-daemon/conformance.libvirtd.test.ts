/** The simulated daemon against the real one: the same bytes asked, the same bytes answered. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { statusError } from '../libvirt-wire/frame.ts';
import { messages, procedures } from '../libvirt-wire/procedures.ts';
import { type RawFrame, RawClient, openArgs } from '../libvirt-wire/raw-client.ts';
import { WireReader } from '../libvirt-wire/wire-reader.ts';
import type { WireWriter } from '../libvirt-wire/wire-writer.ts';
import { startLibvirtd } from '../libvirtd.ts';
import { pulseGuest } from '../pulse-guest.ts';
import { tempDir } from '../temp-dir.ts';
import { waitFor } from '../wait-for.ts';
import { uuidBytes } from './domain.ts';
import { startSimulatedDaemon } from './server.ts';

type Question = {
  what: string;
  procedure: number;
  encode?: (writer: WireWriter) => void;
  header?: { program?: number; status?: number };
};

const vm1 = { name: 'vm1', uuid: '3dda7c6d-d53a-450c-af5c-d384170a88cf' };
const nobody = { name: 'nobody', uuid: '11111111-1111-1111-1111-111111111111' };

const domain =
  ({ name, uuid }: { name: string; uuid: string }, ...words: number[]) =>
  (writer: WireWriter): void => {
    writer.string(name);
    writer.raw(uuidBytes(uuid));
    writer.int(-1);
    for (const word of words) writer.uint(word);
  };
const words =
  (...values: number[]) =>
  (writer: WireWriter): void => {
    for (const value of values) writer.uint(value);
  };

const p = procedures;

const beforeOpen: Question[] = [
  { what: 'a list before OPEN', procedure: p.connectListAllDomains, encode: words(1, 0) },
  { what: 'a feature before OPEN', procedure: p.connectSupportsFeature, encode: words(14) },
  { what: 'keepalive before OPEN', procedure: p.connectSupportsFeature, encode: words(10) },
  { what: 'OPEN without a name', procedure: p.connectOpen, encode: openArgs(undefined) },
  { what: 'OPEN of no driver', procedure: p.connectOpen, encode: openArgs('foo:///system') },
  { what: 'OPEN', procedure: p.connectOpen, encode: openArgs('') },
  { what: 'its URI', procedure: p.connectGetUri },
  { what: 'a second OPEN', procedure: p.connectOpen, encode: openArgs('qemu:///system') },
  { what: 'a list after it', procedure: p.connectListAllDomains, encode: words(1, 0) },
];

const opened: Question[] = [
  { what: 'type', procedure: p.connectGetType },
  { what: 'library version', procedure: p.connectGetLibVersion },
  { what: 'hypervisor version', procedure: p.connectGetVersion },
  { what: 'host name', procedure: p.connectGetHostname },
  ...[1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 99].map((feature) => ({
    what: `feature ${feature}`,
    procedure: p.connectSupportsFeature,
    encode: words(feature),
  })),
  { what: 'security model', procedure: p.nodeGetSecurityModel },
  { what: 'the list', procedure: p.connectListAllDomains, encode: words(1, 0) },
  { what: 'the list, counted', procedure: p.connectListAllDomains, encode: words(0, 0) },
  { what: 'the active', procedure: p.connectListAllDomains, encode: words(1, 1) },
  { what: 'the shut off', procedure: p.connectListAllDomains, encode: words(1, 0x40 | 4) },
  { what: 'unknown flags', procedure: p.connectListAllDomains, encode: words(1, 0x80000) },
  { what: 'number of active', procedure: p.connectNumOfDomains },
  { what: 'number of defined', procedure: p.connectNumOfDefinedDomains },
  { what: 'ids', procedure: p.connectListDomains, encode: words(10) },
  { what: 'names', procedure: p.connectListDefinedDomains, encode: words(10) },
  {
    what: 'by uuid',
    procedure: p.domainLookupByUuid,
    encode: (w) => w.raw(uuidBytes(vm1.uuid)),
  },
  {
    what: 'by a uuid of nobody',
    procedure: p.domainLookupByUuid,
    encode: (w) => w.raw(uuidBytes(nobody.uuid)),
  },
  { what: 'by name', procedure: p.domainLookupByName, encode: (w) => w.string('vm1') },
  { what: 'by a name of nobody', procedure: p.domainLookupByName, encode: (w) => w.string('x') },
  { what: 'by an id of nobody', procedure: p.domainLookupById, encode: words(77) },
  { what: 'state', procedure: p.domainGetState, encode: domain(vm1, 0) },
  { what: 'state with flags', procedure: p.domainGetState, encode: domain(vm1, 5) },
  { what: 'state of nobody', procedure: p.domainGetState, encode: domain(nobody, 0) },
  { what: 'info of nobody', procedure: p.domainGetInfo, encode: domain(nobody) },
  { what: 'XML of nobody', procedure: p.domainGetXmlDesc, encode: domain(nobody, 0) },
  { what: 'XML with flags', procedure: p.domainGetXmlDesc, encode: domain(vm1, 0x100) },
  { what: 'active', procedure: p.domainIsActive, encode: domain(vm1) },
  { what: 'persistent', procedure: p.domainIsPersistent, encode: domain(vm1) },
  { what: 'updated', procedure: p.domainIsUpdated, encode: domain(vm1) },
  { what: 'autostart', procedure: p.domainGetAutostart, encode: domain(vm1) },
  { what: 'managed save', procedure: p.domainHasManagedSaveImage, encode: domain(vm1, 0) },
  { what: 'OS type', procedure: p.domainGetOsType, encode: domain(vm1) },
  { what: 'largest memory', procedure: p.domainGetMaxMemory, encode: domain(vm1) },
  { what: 'title', procedure: p.domainGetMetadata, encode: domain(vm1, 1, 0, 0) },
  {
    what: "an element, its pointer in the client's own byte order",
    procedure: p.domainGetMetadata,
    encode: (w) => {
      domain(vm1, 2, 0x0100_0000)(w);
      w.string('http://x/y');
      w.uint(0);
    },
  },
  { what: 'job stats when off', procedure: p.domainGetJobStats, encode: domain(vm1, 0) },
  { what: 'job info when off', procedure: p.domainGetJobInfo, encode: domain(vm1) },
  { what: 'control info when off', procedure: p.domainGetControlInfo, encode: domain(vm1, 0) },
  { what: 'suspend when off', procedure: p.domainSuspend, encode: domain(vm1) },
  { what: 'resume when off', procedure: p.domainResume, encode: domain(vm1) },
  { what: 'destroy when off', procedure: p.domainDestroyFlags, encode: domain(vm1, 0) },
  { what: 'shutdown when off', procedure: p.domainShutdownFlags, encode: domain(vm1, 0) },
  { what: 'state stats', procedure: p.connectGetAllDomainStats, encode: words(0, 1, 0) },
  { what: 'stats of the active', procedure: p.connectGetAllDomainStats, encode: words(0, 1, 1) },
  { what: 'stats, odd flags', procedure: p.connectGetAllDomainStats, encode: words(0, 1, 0x1000) },
  {
    what: 'stats, odd groups',
    procedure: p.connectGetAllDomainStats,
    encode: words(0, 0x10000, 0),
  },
  {
    what: 'stats, odd groups enforced',
    procedure: p.connectGetAllDomainStats,
    encode: words(0, 0x10000, 0x8000_0000),
  },
  {
    what: 'stats of nobody and one',
    procedure: p.connectGetAllDomainStats,
    encode: (w) => {
      w.uint(2);
      domain(nobody)(w);
      domain(vm1)(w);
      words(1, 0)(w);
    },
  },
  { what: 'register', procedure: p.connectDomainEventCallbackRegisterAny, encode: words(0, 0) },
  { what: 'once more', procedure: p.connectDomainEventCallbackRegisterAny, encode: words(0, 0) },
  {
    what: 'register for one domain',
    procedure: p.connectDomainEventCallbackRegisterAny,
    encode: (w) => {
      words(0, 1)(w);
      domain(nobody)(w);
    },
  },
  { what: 'event 26', procedure: p.connectDomainEventCallbackRegisterAny, encode: words(26, 0) },
  { what: 'event 27', procedure: p.connectDomainEventCallbackRegisterAny, encode: words(27, 0) },
  { what: 'deregister', procedure: p.connectDomainEventCallbackDeregisterAny, encode: words(0) },
  { what: 'once more', procedure: p.connectDomainEventCallbackDeregisterAny, encode: words(0) },
  { what: 'close callback', procedure: p.connectRegisterCloseCallback },
  { what: 'no close callback', procedure: p.connectUnregisterCloseCallback },
  { what: 'an unknown procedure', procedure: 444 },
  { what: 'another one', procedure: 9_999 },
  { what: 'an unknown program', procedure: 1, header: { program: 0x1234 } },
  { what: 'a call with an error status', procedure: p.connectGetType, header: { status: 1 } },
  { what: 'half a uuid', procedure: p.domainLookupByUuid, encode: words(1) },
  { what: 'no networks', procedure: p.connectListAllNetworks, encode: words(1, 0) },
];

const readOnly: Question[] = [
  { what: 'secure XML', procedure: p.domainGetXmlDesc, encode: domain(vm1, 1) },
  { what: 'migratable XML', procedure: p.domainGetXmlDesc, encode: domain(vm1, 8) },
  { what: 'start', procedure: p.domainCreate, encode: domain(vm1) },
  { what: 'start with flags', procedure: p.domainCreateWithFlags, encode: domain(vm1, 0) },
  { what: 'suspend', procedure: p.domainSuspend, encode: domain(vm1) },
  { what: 'destroy', procedure: p.domainDestroyFlags, encode: domain(vm1, 0) },
  { what: 'undefine', procedure: p.domainUndefineFlags, encode: domain(vm1, 0) },
  { what: 'guest info', procedure: p.domainGetGuestInfo, encode: domain(vm1, 0, 0) },
  {
    what: 'define',
    procedure: p.domainDefineXmlFlags,
    encode: (w) => {
      w.string('<domain/>');
      w.uint(0);
    },
  },
  {
    what: 'domain capabilities',
    procedure: p.connectGetDomainCapabilities,
    encode: words(0, 0, 0, 0, 0),
  },
  { what: 'state', procedure: p.domainGetState, encode: domain(vm1, 0) },
];

/** What each daemon answers to each question, readable where they differ. */
async function answersOf(client: RawClient, questions: Question[]): Promise<string[]> {
  const answers: string[] = [];
  for (const { what, procedure, encode, header } of questions) {
    const { header: reply, payload } = await client.call(procedure, encode, header);
    const { program, type, status } = reply;
    const told =
      status === statusError ? payload.toString('latin1').replaceAll('\0', '.') : 'answered';
    answers.push(
      `${what}: ${program}/${reply.procedure} type ${type} ${told} ${payload.toString('hex')}`,
    );
  }
  return answers;
}

test('a daemon and its simulation answer the same questions with the same bytes', async () => {
  await using dir = await tempDir();
  await using real = await startLibvirtd({ name: 'hv1' });
  await using simulated = await startSimulatedDaemon({
    socketPath: join(dir.path, 'rw'),
    readOnlySocketPath: join(dir.path, 'ro'),
    hostname: 'hv1.test',
    domains: [{ ...vm1, state: 'shutoff', memoryKiB: 16_384 }],
  });
  const guest = pulseGuest(dir.path, vm1);
  await real.virsh('define', guest.xmlPath);
  const both = async (
    paths: [string, string],
    questions: Question[],
    open = true,
  ): Promise<void> => {
    const [realAnswers, simulatedAnswers] = await Promise.all(
      paths.map(async (path) => {
        using client = await (open ? RawClient.open(path) : RawClient.connect(path));
        if (!open) await client.call(p.authList);
        return await answersOf(client, questions); // the client lives until then
      }),
    );
    expect(simulatedAnswers).toEqual(realAnswers);
  };
  await both([real.socket, simulated.socketPath], beforeOpen, false);
  await both([real.socket, simulated.socketPath], opened);
  await both([real.socketRo, join(dir.path, 'ro')], readOnly);
  expect(beforeOpen.length + opened.length + readOnly.length).toBeGreaterThan(80);
});

/** Names and types of the parameters of the only record in a stats reply. */
function parametersOf({ payload }: RawFrame): string[] {
  const reader = new WireReader(payload, 0);
  reader.uint();
  reader.domain();
  return reader.array(1_000, () => {
    const name = reader.string();
    const type = reader.int();
    if (type === 7) reader.string();
    else for (let words = type === 3 || type === 4 ? 2 : 1; words > 0; words--) reader.uint();
    return `${name} ${type}`;
  });
}

test('a domain and its simulation have the same stats in the same order, running and off', async () => {
  await using dir = await tempDir();
  await using real = await startLibvirtd({ name: 'hv1' });
  await using simulated = await startSimulatedDaemon({
    socketPath: join(dir.path, 'rw'),
    hostname: 'hv1.test',
    domains: [{ ...vm1, state: 'shutoff' }],
  });
  const guest = pulseGuest(dir.path, vm1);
  // What the pulse guest leaves out: a balloon and an interface that the host can count at.
  const devices =
    "<memballoon model='virtio'/><interface type='ethernet'><model type='virtio'/></interface>";
  const xml = guest.xml.replace("<memballoon model='none'/>", devices);
  writeFileSync(guest.xmlPath, xml);
  await real.virsh('define', guest.xmlPath);
  const [realParameters, simulatedParameters] = await Promise.all(
    [real.socket, simulated.socketPath].map(async (path) => {
      using client = await RawClient.open(path);
      const off = await client.call(p.connectGetAllDomainStats, words(0, 0, 0));
      await client.call(p.domainCreateWithFlags, domain(vm1, 0));
      const on = await client.call(p.connectGetAllDomainStats, words(0, 0, 0));
      return { off: parametersOf(off), on: parametersOf(on) };
    }),
  );
  expect(simulatedParameters).toEqual(realParameters);
  expect(simulatedParameters?.on.length).toBeGreaterThan(40);
});

/** Lifecycle and reboot events as `name id event/detail`. */
function told({ header, payload }: RawFrame): string {
  const reader = new WireReader(payload, 0);
  reader.int(); // the callback id
  const { name, id } = reader.domain();
  if (header.procedure === messages.domainEventCallbackReboot) return `${name} ${id} reboot`;
  return `${name} ${id} ${reader.int()}/${reader.int()}`;
}

test('a domain and its simulation tell of their lives in the same order', async () => {
  await using dir = await tempDir();
  await using real = await startLibvirtd({ name: 'hv1' });
  await using simulated = await startSimulatedDaemon({
    socketPath: join(dir.path, 'rw'),
    hostname: 'hv1.test',
    domains: [{ ...vm1, state: 'shutoff' }],
  });
  await real.virsh('define', pulseGuest(dir.path, vm1).xmlPath);
  const changes: [procedure: number, encode: (writer: WireWriter) => void, events: number][] = [
    [p.domainCreateWithFlags, domain(vm1, 0), 2],
    [p.domainSuspend, domain(vm1), 1],
    [p.domainSuspend, domain(vm1), 0],
    [p.domainResume, domain(vm1), 1],
    [p.domainDestroyFlags, domain(vm1, 0), 2],
    [p.domainCreateWithFlags, domain(vm1, 1), 2],
    [p.domainResume, domain(vm1), 1],
    [p.domainManagedSave, domain(vm1, 0), 2],
    [p.domainCreateWithFlags, domain(vm1, 0), 2],
    [p.domainUndefineFlags, domain(vm1, 0), 1],
    [p.domainDestroyFlags, domain(vm1, 0), 2],
  ];
  const [realStory, simulatedStory] = await Promise.all(
    [real.socket, simulated.socketPath].map(async (path) => {
      using client = await RawClient.open(path);
      await client.call(p.connectDomainEventCallbackRegisterAny, words(0, 0));
      let expected = 0;
      for (const [procedure, encode, events] of changes) {
        await client.call(procedure, encode);
        expected += events;
        await waitFor(() => client.messages.length >= expected, {
          what: `event ${expected} on ${path}`,
        });
      }
      const { payload } = await client.call(p.connectListAllDomains, words(1, 0));
      return [...client.messages.map(told), payload.toString('hex')];
    }),
  );
  expect(simulatedStory).toEqual(realStory);
});
