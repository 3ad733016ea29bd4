/** CPU models that a simulated libvirt knows, and whether an EPYC-Rome can be one of them. */
export const cpuModels: readonly (readonly [name: string, usable: boolean])[] = [
  ['qemu64', true],
  ['kvm64', true],
  ['Penryn', true],
  ['Nehalem', true],
  ['Haswell-noTSX', false],
  ['Skylake-Server', false],
  ['Opteron_G3', true],
  ['EPYC', true],
  ['EPYC-Rome', true],
  ['EPYC-Milan', false],
];
