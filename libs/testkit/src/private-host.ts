/**
 * The scripts and files that make a libvirtd believe that it is alone on a host of its own.
 *
 * libvirtd of root has its folders compiled in and no option to move them, so each private one
 * gets a mount namespace in which they are private folders; a PID namespace, so that killing its
 * first process takes daemon and domains along; and a UTS namespace for its host name.
 */
import { readFileSync } from 'node:fs';

/** libvirtd's compiled-in folders, and the private folder that covers each. */
export const coveredFolders: Readonly<Record<string, string>> = {
  '/var/lib/libvirt': 'lib',
  '/var/cache/libvirt': 'cache',
  '/var/log/libvirt': 'log',
  '/etc/libvirt': 'etc',
  '/etc/sasl2': 'sasl2',
};

/**
 * Runs as the first process of the namespaces, with DIR RUN_DIR HOST_NAME DAEMON_SCRIPT ROOT OPTION;
 * becomes tini.
 *
 * - Users: libvirtd looks up `libvirt-qemu` before it reads qemu.conf. Where the machine has no
 *   such user, a private /etc/passwd and /etc/group do; the machine's own stay as they are.
 * - cgroups and D-Bus are out of reach: otherwise libvirtd would register its domains with the
 *   machine's systemd, under pids that mean something else there.
 * - tini is PID 1, because libvirtd kills a daemonised QEMU when it probes one, and waits up to
 *   20 s for it to vanish, which it only does once PID 1 has reaped it.
 * - ROOT, if it is not empty, holds another distribution's programs and libraries: its /usr covers the
 *   machine's, and the machine's index of libraries, which would mislead, is out of sight.
 */
export const enterScript = `
dir=$1 run=$2 host=$3 root=$5
[ -p "$dir/start" ] || mkfifo "$dir/start"
mount --bind "$run" /run/libvirt
${Object.entries(coveredFolders)
  .map(([target, source]) => `mount --bind "$dir/${source}" ${target}`)
  .join('\n')}
for file in passwd group; do
  [ ! -e "$dir/$file" ] || mount --bind "$dir/$file" "/etc/$file"
done
umount --recursive --lazy /sys/fs/cgroup 2>/dev/null || true
printf %s "$host" >/proc/sys/kernel/hostname
if [ -n "$root" ]; then
  [ ! -e /etc/ld.so.cache ] || mount --bind /dev/null /etc/ld.so.cache
  mount --bind "$root/usr" /usr
fi
exec tini -- sh -c "$4" daemon "$dir" "$6"
`;

/**
 * Runs below tini, with DIR and an option of libvirtd or nothing: starts libvirtd once for each line
 * that somebody writes into the FIFO DIR/start, and leaves its exit code in DIR/exit when it ends.
 * Domains live on meanwhile.
 */
export const daemonScript = `
while read -r _ <"$1/start"; do
  code=0
  libvirtd --config /etc/libvirt/libvirtd.conf --pid-file /run/libvirt/libvirtd.pid $2 || code=$?
  echo "$code" >"$1/exit"
done
`;

export function libvirtdConf(hostUuid: string, extra: readonly string[]): string {
  return [
    // Of two lines with one key libvirt takes the first, so the caller's come first.
    ...extra,
    'auth_unix_ro = "none"',
    'auth_unix_rw = "none"',
    'unix_sock_ro_perms = "0777"',
    'unix_sock_rw_perms = "0700"',
    `host_uuid = "${hostUuid}"`,
    'log_outputs = "3:stderr"',
    'max_anonymous_clients = 100',
    '',
  ].join('\n');
}

/** Domains run as root, unconfined, and write their output to files: no other daemon is there. */
export const qemuConf = `user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
seccomp_sandbox = 0
stdio_handler = "file"
`;

/** The machine's /etc/passwd or /etc/group with `line` added; `undefined` if it needs no line. */
export function withAccount(file: string, line: string): string | undefined {
  const text = readFileSync(file, 'utf8');
  const name = line.slice(0, line.indexOf(':') + 1);
  if (text.split('\n').some((known) => known.startsWith(name))) return undefined;
  return `${text.trimEnd()}\n${line}\n`;
}
