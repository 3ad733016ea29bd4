import { cpuModels } from './cpu-models.ts';
import type { SimulatedHost } from './state.ts';

export type EmulatorChoice = {
  arch?: string | undefined;
  machine?: string | undefined;
  virtType?: string | undefined;
};

/** Domain capabilities of the one emulator that a simulated host has, in libvirt 9.0's form. */
export function domainCapabilitiesXml(
  { qemuLine }: SimulatedHost,
  { machine = 'pc', virtType = 'kvm' }: EmulatorChoice,
): string {
  const canonical = machine === 'pc' ? `pc-i440fx-${qemuLine}` : machine;
  const named = canonical === 'q35' ? `pc-q35-${qemuLine}` : canonical;
  const models = cpuModels
    .map(
      ([name, usable]) =>
        `      <model usable='${usable ? 'yes' : 'no'}' vendor='unknown'>${name}</model>\n`,
    )
    .join('');
  return `<domainCapabilities>
  <path>/usr/bin/qemu-system-x86_64</path>
  <domain>${virtType}</domain>
  <machine>${named}</machine>
  <arch>x86_64</arch>
  <vcpu max='288'/>
  <iothreads supported='yes'/>
  <os supported='yes'>
    <enum name='firmware'>
      <value>efi</value>
    </enum>
    <loader supported='yes'>
      <enum name='type'>
        <value>rom</value>
        <value>pflash</value>
      </enum>
    </loader>
  </os>
  <cpu>
    <mode name='host-passthrough' supported='yes'/>
    <mode name='custom' supported='yes'>
${models}    </mode>
  </cpu>
  <devices>
    <tpm supported='yes'>
      <enum name='model'>
        <value>tpm-tis</value>
        <value>tpm-crb</value>
      </enum>
    </tpm>
  </devices>
  <features>
    <sev supported='no'/>
  </features>
</domainCapabilities>
`;
}
