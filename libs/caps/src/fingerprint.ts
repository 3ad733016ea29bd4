/** What is cheap to ask of a daemon and changes when its capabilities may have changed. */
export type Fingerprint = {
  /** `QEMU`, `TEST`. */
  driver: string;
  libvirtVersion: number;
  /** 0 when the driver does not tell one: no emulator is installed. */
  hypervisorVersion: number;
};

export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return (
    a.driver === b.driver &&
    a.libvirtVersion === b.libvirtVersion &&
    a.hypervisorVersion === b.hypervisorVersion
  );
}
