/**
 * What a new process does between fork and exec: enters or makes its namespaces, builds its file system, gives up rights.
 * It runs in a copy of the spawner of which only this thread is left: nothing here may wait for another thread, so all of it is
 * synchronous calls. A step that fails is thrown with its errno; the caller writes it into the pipe that the spawner reads.
 */
import { existsSync, mkdirSync, readlinkSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LINUX, type Libc, SYSCALL, TERMINALS } from './libc.ts';
import type { ExecRequest, Mount, Program, RunRequest } from './protocol.ts';

export class StepFailed extends Error {
  readonly step: string;
  readonly errno: number;

  constructor(step: string, errno: number) {
    super(`${step}: errno ${errno}`);
    this.step = step;
    this.errno = errno;
  }
}

const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const LAST_CAPABILITY = 63;
const LAST_SIGNAL = 31;
/** SECBIT_NOROOT and its lock: uid 0 gets no capabilities at exec. */
const NO_ROOT = 0b11;
const LINKS_AT_MOST = 40;
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
const READ_ONLY_PROC = ['/proc/sys', '/proc/sysrq-trigger', '/proc/irq', '/proc/bus'];

function checker(libc: Libc) {
  return (result: number, step: string): number => {
    if (result < 0) throw new StepFailed(step, libc.errno());
    return result;
  };
}

/** Never returns: the process becomes the program. */
export function becomeContainer(libc: Libc, request: RunRequest): void {
  const check = checker(libc);
  const { program, mountpoint } = request;
  libc.umask(0o022);
  openStandard(libc, program);
  enter(libc, request.network, LINUX.CLONE_NEWNET);
  check(libc.unshare(LINUX.CLONE_NEWNS | LINUX.CLONE_NEWUTS | LINUX.CLONE_NEWIPC), 'unshare');
  check(libc.sethostname(request.hostname, Buffer.byteLength(request.hostname)), 'sethostname');
  check(libc.mount('none', '/', null, LINUX.MS_REC | LINUX.MS_PRIVATE, null), 'make mounts private');
  mountRoot(libc, request);
  check(libc.mount('proc', join(mountpoint, 'proc'), 'proc', LINUX.MS_NOSUID | LINUX.MS_NODEV | LINUX.MS_NOEXEC, null), 'mount /proc');
  mountDevices(libc, request);
  for (const mount of request.mounts) mountOne(libc, mountpoint, mount);
  if (request.readOnlyRoot && request.root.kind === 'overlay') remountReadOnly(libc, mountpoint);
  check(libc.chdir(mountpoint), 'chdir');
  check(libc.pivotRoot(SYSCALL.pivot_root, '.', '.'), 'pivot_root');
  check(libc.umount2('.', LINUX.MNT_DETACH), 'umount the old root');
  check(libc.chdir('/'), 'chdir /');
  // May fail where the machine's own mounts hide parts of it: then it is as protected as it was.
  for (const path of READ_ONLY_PROC)
    if (existsSync(path) && libc.mount(path, path, null, LINUX.MS_BIND | LINUX.MS_REC, null) === 0) remountReadOnly(libc, path);
  terminalOf(libc, program);
  finish(libc, program);
}

/** The same for a process beside one that runs. The spawner has set the pid namespace before the fork. */
export function becomeExec(libc: Libc, request: ExecRequest): void {
  const { program, target } = request;
  openStandard(libc, program);
  // Opened before the first is entered: in the container's mount namespace /proc counts otherwise.
  const fds = (['ipc', 'uts', 'net', 'mnt'] as const).map((name) => open(libc, `/proc/${target}/ns/${name}`, LINUX.O_RDONLY | LINUX.O_CLOEXEC));
  for (const fd of fds) checker(libc)(libc.setns(fd, 0), 'setns');
  terminalOf(libc, program);
  finish(libc, program);
}

function open(libc: Libc, path: string, flags: number): number {
  return checker(libc)(libc.open(path, flags, 0), `open ${path}`);
}

function enter(libc: Libc, path: string, kind: number): void {
  const fd = open(libc, path, LINUX.O_RDONLY | LINUX.O_CLOEXEC);
  checker(libc)(libc.setns(fd, kind), `enter ${path}`);
}

/** Descriptors without close-on-exec only 0, 1 and 2: Node opens all of its own with it. */
function openStandard(libc: Libc, { standard }: Program): void {
  if (standard.terminal !== undefined) return;
  const fds = [
    open(libc, standard.stdin ?? '/dev/null', LINUX.O_RDONLY | LINUX.O_CLOEXEC),
    open(libc, standard.stdout, LINUX.O_WRONLY | LINUX.O_CLOEXEC),
    open(libc, standard.stderr, LINUX.O_WRONLY | LINUX.O_CLOEXEC),
  ];
  for (const [target, fd] of fds.entries()) checker(libc)(libc.dup2(fd, target), 'dup2');
}

function terminalOf(libc: Libc, { standard, rights }: Program): void {
  checker(libc)(libc.setsid(), 'setsid');
  if (standard.terminal === undefined) return;
  const fd = open(libc, standard.terminal, LINUX.O_RDWR | LINUX.O_CLOEXEC);
  checker(libc)(libc.ioctl(fd, LINUX.TIOCSCTTY, new Uint8Array(8)), 'take the terminal');
  // Refused where that user does not exist in the user namespace; then it is the one user there is.
  libc.fchown(fd, rights.uid, rights.gid);
  for (const target of [0, 1, 2]) checker(libc)(libc.dup2(fd, target), 'dup2');
}

function mountRoot(libc: Libc, { root, mountpoint }: RunRequest): void {
  const check = checker(libc);
  if (root.kind === 'overlay') {
    const options = `lowerdir=${root.lower},upperdir=${root.upper},workdir=${root.work}`;
    check(libc.mount('overlay', mountpoint, 'overlay', 0, options), 'mount the overlay');
    for (const folder of ['proc', 'dev', 'sys', 'tmp', 'etc']) ensureFolder(join(mountpoint, folder));
    return;
  }
  check(libc.mount('/', mountpoint, null, LINUX.MS_BIND | LINUX.MS_REC, null), 'bind the machine');
  const attributes = new Uint8Array(32);
  attributes[0] = LINUX.MS_RDONLY;
  check(libc.mountSetattr(SYSCALL.mount_setattr, AT_FDCWD, mountpoint, AT_RECURSIVE, attributes, 32), 'make the machine read-only');
  for (const [folder, mode] of [
    ['tmp', '1777'],
    ['run', '755'],
  ] as const) {
    check(libc.mount('tmpfs', join(mountpoint, folder), 'tmpfs', LINUX.MS_NOSUID | LINUX.MS_NODEV, `mode=${mode}`), `mount /${folder}`);
  }
}

function remountReadOnly(libc: Libc, path: string): void {
  const attributes = new Uint8Array(32);
  attributes[0] = LINUX.MS_RDONLY;
  checker(libc)(libc.mountSetattr(SYSCALL.mount_setattr, AT_FDCWD, path, AT_RECURSIVE, attributes, 32), `make ${path} read-only`);
}

/** /dev as runc makes it. Devices are bound, not made: nobody but the machine's root may make one. */
function mountDevices(libc: Libc, { mountpoint: root, terminals, program }: RunRequest): void {
  const check = checker(libc);
  const dev = join(root, 'dev');
  // The machine's own nodes are opened before /dev is covered, where the root is the machine.
  check(libc.mount('tmpfs', dev, 'tmpfs', LINUX.MS_NOSUID, 'mode=755'), 'mount /dev');
  for (const name of DEVICES) {
    if (!existsSync(`/dev/${name}`)) continue;
    writeFileSync(join(dev, name), '');
    check(libc.mount(`/dev/${name}`, join(dev, name), null, LINUX.MS_BIND, null), `bind /dev/${name}`);
  }
  for (const [name, target] of [
    ['fd', '/proc/self/fd'],
    ['stdin', '/proc/self/fd/0'],
    ['stdout', '/proc/self/fd/1'],
    ['stderr', '/proc/self/fd/2'],
    ['ptmx', 'pts/ptmx'],
  ] as const)
    symlinkSync(target, join(dev, name));
  mkdirSync(join(dev, 'pts'));
  mkdirSync(join(dev, 'shm'));
  const pts = join(dev, 'pts');
  if (terminals === undefined) check(libc.mount('devpts', pts, 'devpts', LINUX.MS_NOSUID | LINUX.MS_NOEXEC, TERMINALS), 'mount /dev/pts');
  else check(libc.mount(terminals, pts, null, LINUX.MS_BIND, null), 'bind /dev/pts');
  const { terminal } = program.standard;
  if (terminal !== undefined) {
    writeFileSync(join(dev, 'console'), '');
    check(libc.mount(join(root, terminal), join(dev, 'console'), null, LINUX.MS_BIND, null), 'bind /dev/console');
  }
  check(libc.mount('tmpfs', join(dev, 'shm'), 'tmpfs', LINUX.MS_NOSUID | LINUX.MS_NODEV | LINUX.MS_NOEXEC, 'mode=1777'), 'mount /dev/shm');
}

function mountOne(libc: Libc, root: string, { kind, source, target, readOnly }: Mount): void {
  const check = checker(libc);
  const place = inside(root, target);
  if (kind === 'tmpfs') {
    ensureFolder(place);
    check(libc.mount('tmpfs', place, 'tmpfs', LINUX.MS_NOSUID | LINUX.MS_NODEV, source), `mount ${target}`);
    return;
  }
  const isFile = !statSync(source).isDirectory();
  if (isFile) {
    ensureFolder(dirname(place));
    if (!existsSync(place)) createIn(target, () => writeFileSync(place, ''));
  } else ensureFolder(place);
  check(libc.mount(source, place, null, LINUX.MS_BIND | LINUX.MS_REC, null), `mount ${target}`);
  if (readOnly) remountReadOnly(libc, place);
}

/** Links are followed inside the container's root, not out of it: /etc/resolv.conf and /var/run often are some. */
function inside(root: string, target: string): string {
  const rest = target.split('/');
  let at = root;
  for (let links = 0; rest.length > 0; ) {
    const part = rest.shift() ?? '';
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (at !== root) at = dirname(at);
      continue;
    }
    const next = join(at, part);
    const link = linkAt(next);
    if (link === undefined || ++links > LINKS_AT_MOST) at = next;
    else {
      rest.unshift(...link.split('/'));
      if (link.startsWith('/')) at = root;
    }
  }
  return at;
}

function linkAt(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // no link, or nothing at all
    return undefined;
  }
}

function ensureFolder(path: string): void {
  if (!existsSync(path)) createIn(path, () => mkdirSync(path, { recursive: true }));
}

function createIn(what: string, create: () => void): void {
  try {
    create();
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? -error.errno : 0;
    throw new StepFailed(`create mountpoint ${what}`, errno);
  }
}

function finish(libc: Libc, program: Program): void {
  const check = checker(libc);
  const { rights } = program;
  const kept = BigInt(rights.capabilities);
  for (let capability = 0; capability <= LAST_CAPABILITY; capability++) {
    // Fails for numbers beyond the kernel's last one, which is harmless.
    if (((kept >> BigInt(capability)) & 1n) === 0n) libc.prctl(LINUX.PR_CAPBSET_DROP, capability, 0, 0, 0);
  }
  const groups = Uint32Array.from(rights.groups);
  // In a user namespace with one user nobody else can be become: the program stays uid 0, without root's rights where it asked for none.
  const others = libc.setgroups(groups.length, groups) >= 0 && libc.setresgid(rights.gid, rights.gid, rights.gid) >= 0;
  if (!others || libc.setresuid(rights.uid, rights.uid, rights.uid) < 0) {
    if (rights.uid !== 0) check(libc.prctl(LINUX.PR_SET_SECUREBITS, NO_ROOT, 0, 0, 0), 'give up root');
  }
  if (rights.noNewPrivileges) check(libc.prctl(LINUX.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'no_new_privs');
  // Whoever started the sandbox may have left it descriptors. A kernel before 5.11 has no such call: then they stay.
  libc.closeRangeAtExec(3);
  // Node ignores SIGPIPE, and what is ignored stays so through exec.
  for (let number = 1; number <= LAST_SIGNAL; number++) libc.signal(number, null);
  if (libc.chdir(program.cwd) < 0) throw new StepFailed(`chdir to cwd ("${program.cwd}") set in config.json failed`, libc.errno());
  const env = [...Object.entries(program.env).map(([name, value]) => `${name}=${value}`), null];
  const file = program.argv[0] ?? '';
  let errno: number = LINUX.ENOENT;
  for (const path of file.includes('/') ? [file] : (program.env['PATH'] ?? '').split(':').map((folder) => join(folder === '' ? '.' : folder, file))) {
    libc.execve(path, [...program.argv, null], env);
    const failed = libc.errno();
    if (failed !== LINUX.ENOENT) errno = failed;
  }
  throw new StepFailed('exec', errno);
}
