/**
 * Flag words and small enumerations of the read procedures, under libvirt's names
 * (libvirt-domain.h, libvirt-host.h). All flag words are unsigned 32-bit numbers.
 */

// connectListAllDomains: bits of one pair are ORed, different pairs are ANDed, 0 means all.
export const VIR_CONNECT_LIST_DOMAINS_ACTIVE = 0x1;
export const VIR_CONNECT_LIST_DOMAINS_INACTIVE = 0x2;
export const VIR_CONNECT_LIST_DOMAINS_PERSISTENT = 0x4;
export const VIR_CONNECT_LIST_DOMAINS_TRANSIENT = 0x8;
export const VIR_CONNECT_LIST_DOMAINS_RUNNING = 0x10;
export const VIR_CONNECT_LIST_DOMAINS_PAUSED = 0x20;
export const VIR_CONNECT_LIST_DOMAINS_SHUTOFF = 0x40;
export const VIR_CONNECT_LIST_DOMAINS_OTHER = 0x80;
export const VIR_CONNECT_LIST_DOMAINS_MANAGEDSAVE = 0x100;
export const VIR_CONNECT_LIST_DOMAINS_NO_MANAGEDSAVE = 0x200;
export const VIR_CONNECT_LIST_DOMAINS_AUTOSTART = 0x400;
export const VIR_CONNECT_LIST_DOMAINS_NO_AUTOSTART = 0x800;
export const VIR_CONNECT_LIST_DOMAINS_HAS_SNAPSHOT = 0x1000;
export const VIR_CONNECT_LIST_DOMAINS_NO_SNAPSHOT = 0x2000;
export const VIR_CONNECT_LIST_DOMAINS_HAS_CHECKPOINT = 0x4000;
export const VIR_CONNECT_LIST_DOMAINS_NO_CHECKPOINT = 0x8000;

// connectListAllNetworks and connectListAllStoragePools, in the same words.
export const VIR_CONNECT_LIST_NETWORKS_ACTIVE = 0x2;
export const VIR_CONNECT_LIST_NETWORKS_PERSISTENT = 0x4;
export const VIR_CONNECT_LIST_NETWORKS_AUTOSTART = 0x10;
export const VIR_CONNECT_LIST_STORAGE_POOLS_ACTIVE = 0x2;
export const VIR_CONNECT_LIST_STORAGE_POOLS_PERSISTENT = 0x4;
export const VIR_CONNECT_LIST_STORAGE_POOLS_AUTOSTART = 0x10;
/** connectListAllNodeDevices: since libvirt 7.3.0. */
export const VIR_CONNECT_LIST_NODE_DEVICES_INACTIVE = 0x40000000;

// connectGetAllDomainStats: groups. STATE, INTERFACE, PERF and MEMORY never touch the monitor.
export const VIR_DOMAIN_STATS_STATE = 0x1;
export const VIR_DOMAIN_STATS_CPU_TOTAL = 0x2;
export const VIR_DOMAIN_STATS_BALLOON = 0x4;
export const VIR_DOMAIN_STATS_VCPU = 0x8;
export const VIR_DOMAIN_STATS_INTERFACE = 0x10;
export const VIR_DOMAIN_STATS_BLOCK = 0x20;
export const VIR_DOMAIN_STATS_PERF = 0x40;
export const VIR_DOMAIN_STATS_IOTHREAD = 0x80;
export const VIR_DOMAIN_STATS_MEMORY = 0x100;
export const VIR_DOMAIN_STATS_DIRTYRATE = 0x200;
export const VIR_DOMAIN_STATS_VM = 0x400;

// connectGetAllDomainStats: flags, besides the list filters 0x1 to 0x80 above.
export const VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE = VIR_CONNECT_LIST_DOMAINS_ACTIVE;
export const VIR_CONNECT_GET_ALL_DOMAINS_STATS_INACTIVE = VIR_CONNECT_LIST_DOMAINS_INACTIVE;
export const VIR_CONNECT_GET_ALL_DOMAINS_STATS_PERSISTENT = VIR_CONNECT_LIST_DOMAINS_PERSISTENT;
export const VIR_CONNECT_GET_ALL_DOMAINS_STATS_TRANSIENT = VIR_CONNECT_LIST_DOMAINS_TRANSIENT;
export const VIR_CONNECT_GET_ALL_DOMAINS_STATS_RUNNING = VIR_CONNECT_LIST_DOMAINS_RUNNING;
export const VIR_CONNECT_GET_ALL_DOMAINS_STATS_PAUSED = VIR_CONNECT_LIST_DOMAINS_PAUSED;
export const VIR_CONNECT_GET_ALL_DOMAINS_STATS_SHUTOFF = VIR_CONNECT_LIST_DOMAINS_SHUTOFF;
export const VIR_CONNECT_GET_ALL_DOMAINS_STATS_OTHER = VIR_CONNECT_LIST_DOMAINS_OTHER;
/** A domain whose job another call holds comes back at once, with the groups that need no monitor. */
export const VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT = 0x20000000;
export const VIR_CONNECT_GET_ALL_DOMAINS_STATS_BACKING = 0x40000000;
export const VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS = 0x80000000;

// domainGetXmlDesc. SECURE and MIGRATABLE are refused on a read-only connection.
export const VIR_DOMAIN_XML_SECURE = 0x1;
export const VIR_DOMAIN_XML_INACTIVE = 0x2;
export const VIR_DOMAIN_XML_UPDATE_CPU = 0x4;
export const VIR_DOMAIN_XML_MIGRATABLE = 0x8;

// domainGetMetadata.
export const VIR_DOMAIN_METADATA_DESCRIPTION = 0;
export const VIR_DOMAIN_METADATA_TITLE = 1;
export const VIR_DOMAIN_METADATA_ELEMENT = 2;

// domainGetControlInfo: state.
export const VIR_DOMAIN_CONTROL_OK = 0;
/** A job runs. */
export const VIR_DOMAIN_CONTROL_JOB = 1;
/** The monitor is busy: `stateTimeMs` says for how long. */
export const VIR_DOMAIN_CONTROL_OCCUPIED = 2;
export const VIR_DOMAIN_CONTROL_ERROR = 3;

// domainGetJobStats: type and flags.
export const VIR_DOMAIN_JOB_NONE = 0;
export const VIR_DOMAIN_JOB_BOUNDED = 1;
export const VIR_DOMAIN_JOB_UNBOUNDED = 2;
export const VIR_DOMAIN_JOB_COMPLETED = 3;
export const VIR_DOMAIN_JOB_FAILED = 4;
export const VIR_DOMAIN_JOB_CANCELLED = 5;
export const VIR_DOMAIN_JOB_STATS_COMPLETED = 0x1;

/** nodeGetCpuStats: all CPUs together. */
export const VIR_NODE_CPU_STATS_ALL_CPUS = -1;
/** nodeGetMemoryStats: all cells together. */
export const VIR_NODE_MEMORY_STATS_ALL_CELLS = -1;
