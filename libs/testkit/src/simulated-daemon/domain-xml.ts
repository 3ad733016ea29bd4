import type { SimulatedDisk, SimulatedInterface } from './domain.ts';
import { type DomainRow, diskAlias, interfaceName } from './domain-row.ts';

/**
 * The domain's XML as libvirt formats it for QEMU: of a running domain what it runs with, ids,
 * aliases and host devices included; with `inactive` what it will run with next time.
 */
export function domainXml(row: DomainRow, { inactive }: { inactive: boolean }): string {
  const live = inactive ? undefined : row.live;
  const config = live ?? row.config;
  const { name, uuid, memoryKiB, vcpus, title, description, metadata } = config;
  const optional = (element: string, text: string | undefined): string =>
    text === undefined ? '' : `  <${element}>${escapeXml(text)}</${element}>\n`;
  const elements = Object.values(metadata);
  const lines = [
    `<domain type='kvm'${live === undefined ? '' : ` id='${row.id}'`}>\n`,
    `  <name>${escapeXml(name)}</name>\n`,
    `  <uuid>${uuid}</uuid>\n`,
    optional('title', title),
    optional('description', description),
    elements.length === 0
      ? ''
      : `  <metadata>\n${elements.map((one) => `    ${one}\n`).join('')}  </metadata>\n`,
    `  <memory unit='KiB'>${memoryKiB}</memory>\n`,
    `  <currentMemory unit='KiB'>${memoryKiB}</currentMemory>\n`,
    `  <vcpu placement='static'>${vcpus}</vcpu>\n`,
    live === undefined ? '' : `  <resource>\n    <partition>/machine</partition>\n  </resource>\n`,
    `  <os>\n    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>\n    <boot dev='hd'/>\n  </os>\n`,
    `  <features>\n    <acpi/>\n    <apic/>\n  </features>\n`,
    `  <cpu mode='host-passthrough' check='none' migratable='on'/>\n`,
    `  <clock offset='utc'/>\n`,
    `  <on_poweroff>destroy</on_poweroff>\n`,
    `  <on_reboot>restart</on_reboot>\n`,
    `  <on_crash>destroy</on_crash>\n`,
    `  <devices>\n`,
    `    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n`,
    ...config.disks.map((disk, index) => diskXml(disk, index, live !== undefined)),
    `    <controller type='usb' index='0' model='none'${alias('usb', live)}`,
    `    <controller type='pci' index='0' model='pcie-root'${alias('pcie.0', live)}`,
    ...config.interfaces.map((one, index) => interfaceXml(one, index, live && row.id)),
    `    <input type='mouse' bus='ps2'${alias('input0', live)}`,
    `    <input type='keyboard' bus='ps2'${alias('input1', live)}`,
    `    <audio id='1' type='none'/>\n`,
    `    <memballoon model='virtio'${alias('balloon0', live)}`,
    `  </devices>\n`,
    live === undefined
      ? ''
      : `  <seclabel type='dynamic' model='dac' relabel='yes'>\n    <label>+0:+0</label>\n    <imagelabel>+0:+0</imagelabel>\n  </seclabel>\n`,
    `</domain>\n`,
  ];
  return lines.join('');
}

/** The end of a device's element: running devices have an alias inside. */
function alias(name: string, live: unknown): string {
  return live === undefined
    ? '/>\n'
    : `>\n      <alias name='${name}'/>\n    </${element(name)}>\n`;
}

function element(aliasName: string): string {
  if (aliasName.startsWith('input')) return 'input';
  return aliasName.startsWith('balloon') ? 'memballoon' : 'controller';
}

function diskXml(disk: SimulatedDisk, index: number, live: boolean): string {
  const { target, path } = disk;
  return [
    `    <disk type='file' device='disk'>\n`,
    `      <driver name='qemu' type='qcow2'/>\n`,
    `      <source file='${escapeXml(path)}'${live ? ` index='${index + 1}'` : ''}/>\n`,
    live ? `      <backingStore/>\n` : '',
    `      <target dev='${escapeXml(target)}' bus='virtio'/>\n`,
    live ? `      <alias name='${diskAlias(disk)}'/>\n` : '',
    `      <address type='pci' domain='0x0000' bus='${hex(4 + index)}' slot='0x00' function='0x0'/>\n`,
    `    </disk>\n`,
  ].join('');
}

function interfaceXml(
  { mac, network }: SimulatedInterface,
  index: number,
  id: number | undefined,
): string {
  return [
    `    <interface type='network'>\n`,
    `      <mac address='${mac}'/>\n`,
    id === undefined
      ? `      <source network='${escapeXml(network)}'/>\n`
      : `      <source network='${escapeXml(network)}' bridge='virbr0'/>\n`,
    id === undefined ? '' : `      <target dev='${interfaceName(id, index)}'/>\n`,
    `      <model type='virtio'/>\n`,
    id === undefined ? '' : `      <alias name='net${index}'/>\n`,
    `      <address type='pci' domain='0x0000' bus='${hex(1 + index)}' slot='0x00' function='0x0'/>\n`,
    `    </interface>\n`,
  ].join('');
}

function hex(bus: number): string {
  return `0x${bus.toString(16).padStart(2, '0')}`;
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;');
}
