/** The calls of the C library that make namespaces, mounts and processes. Each returns what the C function returns. */
import koffi from 'koffi';

export const LINUX = {
  CLONE_NEWNS: 0x20000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_REMOUNT: 32,
  MS_BIND: 4096,
  MS_REC: 16384,
  MS_PRIVATE: 1 << 18,
  MNT_DETACH: 2,
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_NOCTTY: 0o400,
  O_NONBLOCK: 0o4000,
  O_CLOEXEC: 0o2000000,
  TIOCSCTTY: 0x540e,
  TIOCSWINSZ: 0x5414,
  TIOCSPTLCK: 0x40045431,
  TIOCGPTN: 0x80045430,
  PR_CAPBSET_DROP: 24,
  PR_SET_SECUREBITS: 28,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_SET_PDEATHSIG: 1,
  MADV_DOFORK: 11,
  WNOHANG: 1,
  ENOENT: 2,
} as const;

/** Options of a file system of terminals: of its own, in which everybody may open one. */
export const TERMINALS = 'newinstance,ptmxmode=0666,mode=0620';

/** Loads libc: once for each thread that needs it. */
export function loadLibc() {
  const lib = koffi.load(null);
  const waitpid: (pid: number, status: [number], options: number) => number = lib.func('int waitpid(int, _Out_ int *, int)');
  const closeRange: (number: number, first: number, last: number, flags: number) => number = lib.func('long syscall(long, uint, uint, uint)');
  return {
    errno: (): number => koffi.errno(),
    fork: lib.func('int fork()') as () => number,
    exit: lib.func('void _exit(int)') as (code: number) => void,
    execve: lib.func('int execve(const char *, const char **, const char **)') as (file: string, argv: (string | null)[], env: (string | null)[]) => number,
    waitpid,
    madvise: lib.func('int madvise(uint64, uint64, int)') as (address: bigint, length: bigint, advice: number) => number,
    unshare: lib.func('int unshare(int)') as (flags: number) => number,
    setns: lib.func('int setns(int, int)') as (fd: number, kind: number) => number,
    mount: lib.func('int mount(const char *, const char *, const char *, ulong, const char *)') as (
      source: string | null,
      target: string,
      kind: string | null,
      flags: number,
      data: string | null,
    ) => number,
    umount2: lib.func('int umount2(const char *, int)') as (target: string, flags: number) => number,
    pivotRoot: lib.func('long syscall(long, const char *, const char *)') as (number: number, root: string, old: string) => number,
    mountSetattr: lib.func('long syscall(long, int, const char *, uint, const uint8_t *, ulong)') as (
      number: number,
      directory: number,
      path: string,
      flags: number,
      attributes: Uint8Array,
      size: number,
    ) => number,
    chdir: lib.func('int chdir(const char *)') as (path: string) => number,
    open: lib.func('int open(const char *, int, int)') as (path: string, flags: number, mode: number) => number,
    close: lib.func('int close(int)') as (fd: number) => number,
    dup2: lib.func('int dup2(int, int)') as (from: number, to: number) => number,
    pipe2: lib.func('int pipe2(_Out_ int *, int)') as (fds: [number, number], flags: number) => number,
    write: lib.func('long write(int, const uint8_t *, ulong)') as (fd: number, bytes: Uint8Array, length: number) => number,
    sethostname: lib.func('int sethostname(const char *, ulong)') as (name: string, length: number) => number,
    setsid: lib.func('int setsid()') as () => number,
    ioctl: lib.func('int ioctl(int, ulong, uint8_t *)') as (fd: number, request: number, argument: Uint8Array) => number,
    prctl: lib.func('int prctl(int, ulong, ulong, ulong, ulong)') as (option: number, a: number, b: number, c: number, d: number) => number,
    setgroups: lib.func('int setgroups(ulong, const uint32_t *)') as (count: number, groups: Uint32Array) => number,
    setresgid: lib.func('int setresgid(uint, uint, uint)') as (real: number, effective: number, saved: number) => number,
    setresuid: lib.func('int setresuid(uint, uint, uint)') as (real: number, effective: number, saved: number) => number,
    socket: lib.func('int socket(int, int, int)') as (domain: number, type: number, protocol: number) => number,
    send: lib.func('long send(int, const uint8_t *, ulong, int)') as (fd: number, bytes: Uint8Array, length: number, flags: number) => number,
    recv: lib.func('long recv(int, _Out_ uint8_t *, ulong, int)') as (fd: number, bytes: Uint8Array, length: number, flags: number) => number,
    connect: lib.func('int connect(int, const uint8_t *, uint)') as (fd: number, address: Uint8Array, length: number) => number,
    indexOf: lib.func('uint if_nametoindex(const char *)') as (name: string) => number,
    mknod: lib.func('int mknod(const char *, uint, ulong)') as (path: string, mode: number, device: number) => number,
    fchown: lib.func('int fchown(int, uint, uint)') as (fd: number, uid: number, gid: number) => number,
    /** With nothing: the signal's default. */
    signal: lib.func('void *signal(int, void *)') as (number: number, handler: null) => unknown,
    /** From `first` on: closed at exec. The number of the call is the same everywhere; older C libraries have no function for it. */
    closeRangeAtExec: (first: number): number => closeRange(SYSCALL.close_range, first, 0x7fffffff, 4),
    umask: lib.func('int umask(int)') as (mask: number) => number,
  };
}

export type Libc = ReturnType<typeof loadLibc>;

/** Numbers of system calls without a function in every C library. */
export const SYSCALL = { pivot_root: process.arch === 'arm64' ? 41 : 155, mount_setattr: 442, close_range: 436 } as const;
