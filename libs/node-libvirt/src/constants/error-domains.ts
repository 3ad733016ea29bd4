/**
 * Which part of libvirt an error comes from (`virErrorDomain`); index = number. The word "domain"
 * is libvirt's here and has nothing to do with a virtual machine.
 */
const names = [
  'none',
  'xen',
  'xend',
  'xenstore',
  'sexpr',
  'xml',
  'dom',
  'rpc',
  'proxy',
  'conf',
  'qemu',
  'net',
  'test',
  'remote',
  'openvz',
  'xenxm',
  'stats-linux',
  'lxc',
  'storage',
  'network',
  'domain',
  'uml',
  'nodedev',
  'xen-inotify',
  'security',
  'vbox',
  'interface',
  'one',
  'esx',
  'phyp',
  'secret',
  'cpu',
  'xenapi',
  'nwfilter',
  'hook',
  'domain-snapshot',
  'audit',
  'sysinfo',
  'streams',
  'vmware',
  'event',
  'libxl',
  'locking',
  'hyperv',
  'capabilities',
  'uri',
  'auth',
  'dbus',
  'parallels',
  'device',
  'ssh',
  'lockspace',
  'initctl',
  'identity',
  'cgroup',
  'access',
  'systemd',
  'bhyve',
  'crypto',
  'firewall',
  'polkit',
  'thread',
  'admin',
  'logging',
  'xenxl',
  'perf',
  'libssh',
  'resctrl',
  'firewalld',
  'domain-checkpoint',
  'tpm',
  'bpf',
  'ch',
] as const;

/** `qemu` for 10, `rpc` for 7; `unknown-<n>` for a number of a later libvirt. */
export function errorDomainName(domain: number): string {
  return names[domain] ?? `unknown-${domain}`;
}

export const VIR_FROM_NONE = 0;
export const VIR_FROM_RPC = 7;
export const VIR_FROM_QEMU = 10;
export const VIR_FROM_TEST = 12;
export const VIR_FROM_REMOTE = 13;
export const VIR_FROM_DOMAIN = 20;
export const VIR_FROM_POLKIT = 60;
