import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import type { FarLink } from './far-link/far-link.ts';
import { answersRpc } from './libvirt-probe.ts';
import {
  type ListenOptions,
  type ListenPorts,
  listenConf,
  listenPorts,
  writeSaslConfiguration,
} from './libvirtd-listen.ts';
import {
  coveredFolders,
  daemonScript,
  enterScript,
  libvirtdConf,
  qemuConf,
  withAccount,
} from './private-host.ts';
import {
  type ProcessRef,
  argumentsOf,
  childrenOf,
  isAlive,
  processRef,
  programOf,
  signalProcess,
} from './process-ref.ts';
import { keepCapabilities, lendCapabilities } from './qemu-capabilities.ts';
import { runDirFor } from './run-dir.ts';
import { ServerProcess, ServerStartError, logTail } from './server-process.ts';
import { type TempDir, tempDir } from './temp-dir.ts';
import { type LibvirtVersion, libvirt11Root, systemTool } from './tool.ts';
import { socketUri, virsh } from './virsh.ts';
import { waitFor } from './wait-for.ts';

export type LibvirtdOptions = {
  /** Names the host: its host name is `<name>.test`. Default `hv1`. */
  name?: string;
  /** Its folder (sockets, configuration, domains, log); kept. Default: temporary, removed. */
  dir?: string;
  /** Default: random, the same as long as this object lives. */
  hostUuid?: string;
  /** Whose libvirtd, virsh and QEMU it runs. Default: those that are installed on the machine. */
  version?: LibvirtVersion;
  /** It runs in this link's network namespace, and listens at its far address. */
  link?: FarLink;
  /** Where it listens besides its Unix sockets. Default: nowhere. */
  listen?: ListenOptions;
  /** Lines for libvirtd.conf; they win over the launcher's own. */
  conf?: readonly string[];
  /**
   * `true`: libvirtd probes every QEMU anew, as on a new host. Otherwise it is handed what an
   * earlier private libvirtd learnt, and checks by itself whether that still holds.
   */
  coldCapabilities?: boolean;
  /** Added to its environment. */
  env?: Readonly<Record<string, string>>;
  /** `true`: it goes on when this process ends. */
  outliveOwner?: boolean;
};

/**
 * A private libvirtd: a host of its own with real QEMU domains and the test driver, reachable by
 * its Unix sockets, apart from the machine's own libvirtd and from all others.
 */
export class Libvirtd implements AsyncDisposable {
  readonly name: string;
  readonly dir: string;
  readonly hostUuid: string;
  readonly version: LibvirtVersion;
  /** Where its sockets lie: `dir`/run, or a short folder elsewhere when that path is too long. */
  readonly runDir: string;
  readonly #ports: ListenPorts;
  readonly #options: LibvirtdOptions;
  readonly #ownDir: TempDir | undefined;
  #host: ServerProcess | undefined;
  /** The shell below tini that starts libvirtd. */
  #keeper = 0;

  constructor(
    options: LibvirtdOptions,
    dir: string,
    ports: ListenPorts,
    ownDir: TempDir | undefined,
  ) {
    this.name = options.name ?? 'hv1';
    this.dir = dir;
    this.hostUuid = options.hostUuid ?? randomUUID();
    this.version = options.version ?? 'installed';
    this.runDir = runDirFor(dir);
    this.#ports = ports;
    this.#options = options;
    this.#ownDir = ownDir;
  }

  /** The read-write socket. */
  get socket(): string {
    return join(this.runDir, 'libvirt-sock');
  }

  /** The read-only socket. */
  get socketRo(): string {
    return join(this.runDir, 'libvirt-sock-ro');
  }

  /** The host's QEMU domains, read-only. */
  get uri(): string {
    return socketUri('qemu', this.socketRo);
  }

  /** The host's QEMU domains, writable. */
  get uriRw(): string {
    return socketUri('qemu', this.socket);
  }

  /**
   * libvirt's test driver in this daemon, read-only. All connections that are open at a time see
   * one state; when the last one closes, the next one finds it fresh.
   */
  get testUri(): string {
    return socketUri('test', this.socketRo);
  }

  /** The test driver, writable. */
  get testUriRw(): string {
    return socketUri('test', this.socket);
  }

  /** The port of plain TCP; the same as long as this object lives. */
  get tcpPort(): number {
    return this.#ports.tcp ?? notListening(this.name, 'tcp');
  }

  /** The port of TLS; the same as long as this object lives. */
  get tlsPort(): number {
    return this.#ports.tls ?? notListening(this.name, 'tls');
  }

  get logFile(): string {
    return join(this.dir, 'libvirtd.log');
  }

  /** libvirtd's pid; fails when it does not run. */
  get pid(): number {
    const pid = this.#daemon()?.pid;
    if (pid === undefined) throw new Error(`${this.name}: libvirtd does not run`);
    return pid;
  }

  /** The processes whose death is the host's death: the outer one, and its namespace's first. */
  get refs(): ProcessRef[] {
    if (this.#host === undefined) return [];
    const inner = childrenOf(this.#host.pid).map(processRef);
    return [this.#host.ref, ...inner.filter((ref) => ref !== undefined)];
  }

  /** What it keeps outside its folder: the sockets, when the folder's path is too long for one. */
  get foldersElsewhere(): string[] {
    return this.runDir === join(this.dir, 'run') ? [] : [this.runDir];
  }

  /** Runs virsh on the QEMU domains, read-write; gives what it prints. */
  async virsh(...args: readonly string[]): Promise<string> {
    return virsh(this.uriRw, args, this.version);
  }

  /** Runs virsh on the test driver, read-write; gives what it prints. */
  async virshTest(...args: readonly string[]): Promise<string> {
    return virsh(this.testUriRw, args, this.version);
  }

  /** Brings up what is down: the host, and libvirtd on it. */
  async start(): Promise<void> {
    if (this.#host?.runs !== true) await this.#startHost();
    if (this.#daemon() === undefined) await this.#startDaemon();
  }

  /** libvirtd crashes (SIGKILL) and stays away until `start`; the domains run on. */
  async kill(): Promise<void> {
    await this.#endDaemon('SIGKILL');
  }

  /** libvirtd ends in order and starts again; the domains run on. */
  async restart(): Promise<void> {
    await this.#endDaemon('SIGTERM');
    await this.start();
  }

  /** libvirtd hangs: it accepts connections and answers nothing. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** Keeps what libvirtd learnt about the machine's QEMUs for the next host; `stop` does it too. */
  keepCapabilities(): void {
    keepCapabilities(join(this.dir, 'cache'), this.version);
  }

  /**
   * The host is lost, as by a power cut: libvirtd and every domain die at once. After `start` it
   * has booted: what was defined is there, what ran is not.
   */
  async stop(): Promise<void> {
    const host = this.#host;
    if (host === undefined) return;
    this.keepCapabilities();
    // The namespace's first process goes first: the kernel then reaps all others with it, and
    // unshare(1) reaps it.
    for (const ref of this.refs.slice(1)) signalProcess(ref, 'SIGKILL');
    const refs = this.refs;
    await waitFor(() => !refs.some(isAlive), { what: `${this.name} to die` }).catch(() =>
      host.end('SIGKILL'),
    );
    this.#host = undefined;
  }

  /** The pid of the QEMU behind a running domain, as this process sees it. */
  qemuPid(domainName: string): number {
    const [, init] = this.refs;
    // QEMU's own way to write a comma in a value is to write two.
    const guest = `guest=${domainName.replaceAll(',', ',,')},`;
    const pid = childrenOf(init?.pid ?? 0).find((child) =>
      argumentsOf(child).some((argument) => argument.startsWith(guest)),
    );
    if (pid === undefined) {
      throw new Error(`${this.name}: domain ${domainName} has no running QEMU`);
    }
    return pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const folder of this.foldersElsewhere) rmSync(folder, { recursive: true, force: true });
    await this.#ownDir?.[Symbol.asyncDispose]();
  }

  async #startHost(): Promise<void> {
    this.#prepareFolders();
    const { link } = this.#options;
    const [command, ...before] = [...(link?.enter ?? []), systemTool('unshare')];
    const host = await ServerProcess.start({
      what: `${this.name} (namespaces)`,
      command,
      args: [
        ...before,
        '--mount',
        '--uts',
        '--pid',
        '--propagation',
        'private',
        '--mount-proc',
        // Its own death kills the namespace's first process, and so everything in it.
        '--fork',
        '--kill-child=SIGKILL',
        'sh',
        '-ec',
        enterScript,
        'enter',
        this.dir,
        this.runDir,
        `${this.name}.test`,
        daemonScript,
        this.version === '11' ? libvirt11Root() : '',
        this.#listen === undefined ? '' : '--listen',
      ],
      env: {
        DBUS_SYSTEM_BUS_ADDRESS: 'unix:path=/nonexistent',
        PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`,
        ...this.#options.env,
      },
      logFile: this.logFile,
      outliveOwner: this.#options.outliveOwner === true,
    });
    this.#keeper = await host.ready(() => {
      const [init] = childrenOf(host.pid);
      if (init === undefined || programOf(init) !== 'tini') return undefined;
      return childrenOf(init).find((pid) => programOf(pid) === 'sh');
    });
    this.#host = host;
  }

  async #startDaemon(): Promise<void> {
    const exitFile = join(this.dir, 'exit');
    rmSync(exitFile, { force: true });
    // Opening a FIFO that nobody reads fails with ENXIO: the keeper is not there yet.
    const fifo = await waitFor(
      () => openSync(join(this.dir, 'start'), constants.O_WRONLY | constants.O_NONBLOCK),
      { what: `${this.name} to take the order to start libvirtd` },
    );
    writeSync(fifo, 'start\n');
    closeSync(fifo);
    const exitCode = (): string | undefined =>
      existsSync(exitFile) ? readFileSync(exitFile, 'utf8').trim() : undefined;
    try {
      await waitFor(async () => exitCode() !== undefined || (await answersRpc(this.socketRo)), {
        what: `libvirtd to answer on ${this.socketRo}`,
        timeoutMs: 60_000,
      });
      const code = exitCode();
      if (code !== undefined) throw new Error(`it ended with exit code ${code}`);
    } catch (error) {
      throw new ServerStartError(
        `${this.name}: libvirtd did not start: ${(error as Error).message}\n${this.logFile}:\n${logTail(this.logFile)}`,
        { cause: error },
      );
    }
  }

  async #endDaemon(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ref = this.#daemon();
    if (ref === undefined) return;
    signalProcess(ref, signal);
    signalProcess(ref, 'SIGCONT');
    await waitFor(() => !isAlive(ref) && existsSync(join(this.dir, 'exit')), {
      what: `${this.name}: libvirtd to end`,
      timeoutMs: 30_000,
    });
  }

  #daemon(): ProcessRef | undefined {
    if (this.#host?.runs !== true) return undefined;
    const pid = childrenOf(this.#keeper).find((child) => programOf(child) === 'libvirtd');
    return pid === undefined ? undefined : processRef(pid);
  }

  get #listen(): ListenOptions | undefined {
    const { link, listen } = this.#options;
    return link === undefined || listen === undefined
      ? listen
      : { address: link.farAddress, ...listen };
  }

  #prepareFolders(): void {
    for (const [target, source] of Object.entries(coveredFolders)) {
      mkdirSync(target, { recursive: true }); // something to mount on
      mkdirSync(join(this.dir, source), { recursive: true });
    }
    mkdirSync('/run/libvirt', { recursive: true });
    // What /run holds does not survive a boot.
    mkdirSync(this.runDir, { recursive: true });
    for (const entry of readdirSync(this.runDir)) {
      rmSync(join(this.runDir, entry), { recursive: true });
    }
    const { conf = [] } = this.#options;
    const listen = this.#listen;
    writeFileSync(
      join(this.dir, 'etc/libvirtd.conf'),
      libvirtdConf(this.hostUuid, [...conf, ...listenConf(listen, this.#ports)]),
    );
    if (listen?.sasl !== undefined) writeSaslConfiguration(join(this.dir, 'sasl2'), listen.sasl);
    writeFileSync(join(this.dir, 'etc/qemu.conf'), qemuConf);
    const accounts = {
      passwd: 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin',
      group: 'libvirt-qemu:x:64055:',
    };
    for (const [file, line] of Object.entries(accounts)) {
      const text = withAccount(`/etc/${file}`, line);
      if (text !== undefined) writeFileSync(join(this.dir, file), text);
    }
    if (this.#options.coldCapabilities !== true) {
      lendCapabilities(join(this.dir, 'cache'), this.version);
    }
  }
}

function notListening(name: string, on: 'tcp' | 'tls'): never {
  throw new Error(`${name} does not listen on ${on}: start it with { listen: { ${on}: … } }`);
}

/**
 * Starts a private libvirtd.
 *
 * @throws {ToolMissingError} libvirtd, virsh, tini or QEMU is not installed, or libvirt 11 not unpacked
 * @throws {ServerStartError} it did not start; the message shows its log
 */
export async function startLibvirtd(options: LibvirtdOptions = {}): Promise<Libvirtd> {
  if (options.version === '11') libvirt11Root();
  else
    for (const program of ['libvirtd', 'virsh', 'tini', 'qemu-system-x86_64']) systemTool(program);
  if (process.getuid?.() !== 0) {
    throw new ServerStartError('a private libvirtd needs namespaces of its own: run it as root');
  }
  const ownDir = options.dir === undefined ? await tempDir('vs-hv-') : undefined;
  const dir = resolve(options.dir ?? (ownDir as TempDir).path);
  mkdirSync(dir, { recursive: true });
  const host = new Libvirtd(options, dir, await listenPorts(options.listen), ownDir);
  try {
    await host.start();
  } catch (error) {
    await host[Symbol.asyncDispose]();
    throw error;
  }
  return host;
}
