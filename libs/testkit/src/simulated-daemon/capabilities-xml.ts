import type { SimulatedHost } from './state.ts';

/** Features that the host CPU has beyond its model's. */
const features = (
  'ht osxsave hypervisor tsc_adjust clwb umip pku rdpid vaes vpclmulqdq ' +
  'xsaves mmxext fxsr_opt pdpe1gb invtsc'
).split(' ');

type Machine = [name: string, canonical: string | undefined, maxCpus: number];

const machinesOf = (line: string): Machine[] => [
  [`pc-i440fx-${line}`, undefined, 255],
  ['pc', `pc-i440fx-${line}`, 255],
  ['pc-i440fx-6.2', undefined, 255],
  [`pc-q35-${line}`, undefined, 288],
  ['q35', `pc-q35-${line}`, 288],
  ['pc-q35-6.2', undefined, 288],
  ['microvm', undefined, 288],
];

/** Capabilities of an x86_64 host with KVM, in libvirt 9.0's form. */
export function capabilitiesXml({ hostUuid, hardware, qemuLine }: SimulatedHost): string {
  const { cpus, mhz, memoryKiB } = hardware;
  const cpuIds = Array.from({ length: cpus }, (_, id) => id);
  return `<capabilities>

  <host>
    <uuid>${hostUuid}</uuid>
    <cpu>
      <arch>x86_64</arch>
      <model>EPYC-Rome</model>
      <vendor>AMD</vendor>
      <microcode version='137367580'/>
      <signature family='23' model='49' stepping='0'/>
      <counter name='tsc' frequency='${mhz}000000' scaling='no'/>
      <topology sockets='1' dies='1' cores='${cpus}' threads='1'/>
      <maxphysaddr mode='emulate' bits='48'/>
${features.map((name) => `      <feature name='${name}'/>\n`).join('')}      <pages unit='KiB' size='4'/>
      <pages unit='KiB' size='2048'/>
      <pages unit='KiB' size='1048576'/>
    </cpu>
    <power_management/>
    <iommu support='no'/>
    <migration_features>
      <live/>
      <uri_transports>
        <uri_transport>tcp</uri_transport>
        <uri_transport>rdma</uri_transport>
      </uri_transports>
    </migration_features>
    <topology>
      <cells num='1'>
        <cell id='0'>
          <memory unit='KiB'>${memoryKiB}</memory>
          <pages unit='KiB' size='4'>${Math.floor(memoryKiB / 4)}</pages>
          <pages unit='KiB' size='2048'>0</pages>
          <pages unit='KiB' size='1048576'>0</pages>
          <distances>
            <sibling id='0' value='10'/>
          </distances>
          <cpus num='${cpus}'>
${cpuIds.map((id) => `            <cpu id='${id}' socket_id='0' die_id='0' core_id='${id}' siblings='${id}'/>\n`).join('')}          </cpus>
        </cell>
      </cells>
    </topology>
    <cache>
      <bank id='0' level='3' type='both' size='32' unit='MiB' cpus='0-${cpus - 1}'/>
    </cache>
    <secmodel>
      <model>none</model>
      <doi>0</doi>
    </secmodel>
    <secmodel>
      <model>dac</model>
      <doi>0</doi>
      <baselabel type='kvm'>+64055:+64055</baselabel>
      <baselabel type='qemu'>+64055:+64055</baselabel>
    </secmodel>
  </host>

  <guest>
    <os_type>hvm</os_type>
    <arch name='x86_64'>
      <wordsize>64</wordsize>
      <emulator>/usr/bin/qemu-system-x86_64</emulator>
${machinesOf(qemuLine).map(machineXml).join('')}      <domain type='qemu'/>
      <domain type='kvm'/>
    </arch>
    <features>
      <acpi default='on' toggle='yes'/>
      <apic default='on' toggle='no'/>
      <cpuselection/>
      <deviceboot/>
      <disksnapshot default='on' toggle='no'/>
    </features>
  </guest>

</capabilities>
`;
}

function machineXml([name, canonical, maxCpus]: Machine): string {
  const of = canonical === undefined ? '' : ` canonical='${canonical}'`;
  return `      <machine${of} maxCpus='${maxCpus}'>${name}</machine>\n`;
}
