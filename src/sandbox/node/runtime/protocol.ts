/** What the node asks of its spawner, the process that starts containers, and what it is told. Plain JSON. */

/** Whom a process runs as and what it may. */
export interface Rights {
  uid: number;
  gid: number;
  groups: number[];
  /** Bits of the bounding set, as a decimal number: JSON has no 64-bit integers. */
  capabilities: string;
  noNewPrivileges: boolean;
}

/** Files of the sandbox's mount namespace that become descriptors 0, 1 and 2; `terminal` (a path inside the container) takes the place of all. */
export interface Standard {
  stdin?: string;
  stdout: string;
  stderr: string;
  terminal?: string;
}

export interface Mount {
  /** A path of the sandbox's mount namespace; for `tmpfs` its options. */
  source: string;
  /** A path inside the container. */
  target: string;
  kind: 'bind' | 'tmpfs';
  readOnly: boolean;
}

export type Root =
  /** An empty layer above a folder. */
  | { kind: 'overlay'; lower: string; upper: string; work: string }
  /** The machine's own file system, read-only. */
  | { kind: 'machine' };

export interface Program {
  argv: string[];
  env: Record<string, string>;
  cwd: string;
  rights: Rights;
  standard: Standard;
}

export interface RunRequest {
  type: 'run';
  id: number;
  program: Program;
  hostname: string;
  /** Path of a network namespace. */
  network: string;
  root: Root;
  /** An empty folder on which the root is mounted. */
  mountpoint: string;
  readOnlyRoot: boolean;
  /** A file system of terminals that becomes its /dev/pts, the program's own terminal among them; absent: a new one. */
  terminals?: string;
  mounts: Mount[];
}

export interface ExecRequest {
  type: 'exec';
  id: number;
  program: Program;
  /** A process of the container. */
  target: number;
}

export type SpawnerRequest = RunRequest | ExecRequest;

export type SpawnerEvent =
  | { type: 'ready' }
  | { type: 'started'; id: number; pid: number }
  | { type: 'failed'; id: number; step: string; errno: number }
  /** `status` as waitpid(2) gives it. */
  | { type: 'exited'; pid: number; status: number };
