/** What processes cost, as the kernel counts it: CPU in nanoseconds, memory in MiB. All of the cluster's processes are visible here. */
import { readdirSync, readFileSync } from 'node:fs';

export const ROLES = ['agent', 'manager', 'daemon', 'netd', 'kubectl', 'apiserver'] as const;
export type Role = (typeof ROLES)[number];

/** Processes of each part, as many as there are. */
export type Processes = Map<Role, number[]>;
export type Cpu = Partial<Record<Role, number>>;

export interface Memory {
  /** Its share of what it shares, and all that it has to itself. */
  pss: number;
  rss: number;
  /** Neither a file's nor shared: what one more of it costs where another one runs. */
  own: number;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // It ended meanwhile.
    return '';
  }
}

/** @param home the workstation's HOME @param pods prefix of the names of pods whose agents count */
export function findProcesses({ home, pods }: { home: string; pods: string }): Processes {
  const found: Processes = new Map();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || isElsewhere(pid)) continue;
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
    const role = roleOf(command, () => read(`/proc/${pid}/environ`).split('\0'), { home, pods });
    if (role !== undefined) found.set(role, [...(found.get(role) ?? []), pid]);
  }
  return found;
}

/** Another cluster's on the same machine: all of its paths lead out of this process's control-group namespace. */
function isElsewhere(pid: number): boolean {
  const lines = read(`/proc/${pid}/cgroup`).trim().split('\n');
  return lines.every((line) => line.includes(':/../'));
}

function roleOf(command: string, environment: () => string[], { home, pods }: { home: string; pods: string }): Role | undefined {
  if (command.startsWith('kube-apiserver ')) return 'apiserver';
  if (command.startsWith('/app/node') && command.includes('/app/manager.mjs')) return 'manager';
  if (command.startsWith('/app/node') && command.includes('/app/agent.mjs'))
    return environment().some((variable) => variable.startsWith(`TELEPRESENCE_AGENT_POD=${pods}`)) ? 'agent' : undefined;
  const ours = (): boolean => environment().includes(`HOME=${home}`);
  if (/\/netd\.(ts|mjs) --socket/.test(command)) return command.includes(home) ? 'netd' : undefined;
  if (/\/daemon\.(ts|mjs)/.test(command)) return ours() ? 'daemon' : undefined;
  return command.startsWith('kubectl') && command.includes('port-forward') && ours() ? 'kubectl' : undefined;
}

/** Nanoseconds on a CPU so far, over all threads that still run. */
export function cpuOf(processes: Processes): Cpu {
  const cpu: Cpu = {};
  for (const [role, pids] of processes) cpu[role] = pids.reduce((sum, pid) => sum + threadsOf(pid).reduce((all, thread) => all + ranFor(pid, thread), 0), 0);
  return cpu;
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

const ranFor = (pid: number, thread: string): number => Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0);

export function cpuBetween(before: Cpu, after: Cpu): Cpu {
  const between: Cpu = {};
  for (const role of ROLES) if (before[role] !== undefined && after[role] !== undefined) between[role] = after[role] - before[role];
  return between;
}

/** Of the role's largest process; undefined where there is none. */
export function memoryOf(processes: Processes, role: Role): Memory | undefined {
  const all = (processes.get(role) ?? []).map((pid) => {
    const text = read(`/proc/${pid}/smaps_rollup`);
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0) / 1024;
    return { pss: field('Pss'), rss: field('Rss'), own: field('Private_Dirty') };
  });
  return all.toSorted((a, b) => b.pss - a.pss)[0];
}
