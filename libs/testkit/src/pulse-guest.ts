import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Libvirtd } from './libvirtd.ts';

export type PulseGuestOptions = {
  name: string;
  uuid?: string;
  /** `qemu` (default) needs nothing and costs less than a KVM within a virtual machine. */
  type?: 'qemu' | 'kvm';
  memoryMiB?: number;
};

export type PulseGuest = {
  name: string;
  uuid: string;
  /** The domain's XML, and the file that holds it. */
  xml: string;
  xmlPath: string;
  diskPath: string;
};

/**
 * The guest's whole program: one boot sector in 16-bit real mode, loaded at 0x7c00, boot drive
 * in DL. It sleeps, reads a sector of its disk about once a second, and writes one after every
 * fourth read. So its block counters grow for real, and its CPU is idle.
 */
const program = [
  '31c0', //         xor ax, ax
  '8ed8', //         mov ds, ax
  '8ec0', //         mov es, ax
  '8ed0', //         mov ss, ax
  'bc007c', //       mov sp, 0x7c00
  '31f6', //         xor si, si        counts the reads; the BIOS keeps SI, DI and DL
  'fb', //           sti
  'bf1200', // 0e round: mov di, 18    timer ticks: about a second
  'f4', //     11 tick:  hlt
  '4f', //           dec di
  '75fc', //         jnz tick
  'b80102', //       mov ax, 0x0201    read, one sector
  'e80f00', //       call disk
  '46', //           inc si
  'f7c60300', //     test si, 3
  '75ec', //         jnz round
  'b80103', //       mov ax, 0x0301    write, one sector
  'e80200', //       call disk
  'ebe4', //         jmp round
  'b90200', // 2a disk:  mov cx, 2     cylinder 0, sector 2: not the one we boot from
  '30f6', //         xor dh, dh        head 0
  'bb0080', //       mov bx, 0x8000    buffer
  'cd13', //         int 0x13
  'c3', //           ret
].join('');

const sectorBytes = 512;
const diskBytes = 128 * sectorBytes;

/** Writes a pulse guest's disk and XML into `dir`. */
export function pulseGuest(dir: string, options: PulseGuestOptions): PulseGuest {
  const { name, uuid = randomUUID(), type = 'qemu', memoryMiB = 16 } = options;
  mkdirSync(dir, { recursive: true });
  const diskPath = resolve(join(dir, `${name}.img`));
  const xmlPath = resolve(join(dir, `${name}.xml`));
  const disk = Buffer.alloc(diskBytes);
  disk.write(program, 'hex');
  disk.writeUInt16LE(0xaa55, sectorBytes - 2); // what makes a sector bootable
  writeFileSync(diskPath, disk);
  const xml = `<domain type='${type}'>
  <name>${escapeXml(name)}</name>
  <uuid>${uuid}</uuid>
  <memory unit='MiB'>${memoryMiB}</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <memballoon model='none'/>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='unsafe'/>
      <source file='${escapeXml(diskPath)}'/>
      <target dev='hda' bus='ide'/>
    </disk>
  </devices>
</domain>
`;
  writeFileSync(xmlPath, xml);
  return { name, uuid, xml, xmlPath, diskPath };
}

/** Makes the guest a persistent domain of the host and starts it. */
export async function defineAndStart(host: Libvirtd, guest: PulseGuest): Promise<void> {
  await host.virsh('define', guest.xmlPath);
  await host.virsh('start', guest.name);
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll("'", '&apos;');
}
