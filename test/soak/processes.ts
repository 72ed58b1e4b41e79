/** What a run of hours must not make grow: descriptors and memory of each of our processes. */
import { readdir, readFile } from 'node:fs/promises';

export type Program = 'daemon' | 'netd' | 'manager' | 'agent';

export interface Sample {
  at: number;
  fds: number;
  residentKiB: number;
}

export interface Watched {
  program: Program;
  pid: number;
  samples: Sample[];
}

const ARGV: [Program, RegExp][] = [
  ['daemon', /\/daemon\.(ts|mjs)$/],
  ['netd', /\/netd\.(ts|mjs)$/],
  ['manager', /\/manager\.mjs$/],
  ['agent', /\/agent\.mjs$/],
];

/** Our processes that run now: those of this workstation's HOME, and those of these pods (uids). Other clusters may be on the machine too. */
export async function findProcesses(home: string, pods: readonly string[]): Promise<Watched[]> {
  const found: Watched[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const argv = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    const program = ARGV.find(([, pattern]) => argv.some((word) => pattern.test(word)))?.[0];
    if (program === undefined || argv.includes('sudo') || /(^|\/)laptop$/.test(argv[1] ?? '')) continue;
    const ours = program === 'daemon' || program === 'netd' ? await belongsTo(pid, argv, home) : await isIn(pid, pods);
    if (!ours) continue;
    found.push({ program, pid: Number(pid), samples: [] });
  }
  return found;
}

async function isIn(pid: string, pods: readonly string[]): Promise<boolean> {
  const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
  return pods.some((uid) => cgroup.includes(uid));
}

async function belongsTo(pid: string, argv: readonly string[], home: string): Promise<boolean> {
  if (argv.some((word) => word.startsWith(home))) return true;
  const env = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  return env.split('\0').includes(`HOME=${home}`);
}

/** One more sample of each; those that have ended get none. */
export async function sample(processes: readonly Watched[]): Promise<void> {
  await Promise.all(
    processes.map(async ({ pid, samples }) => {
      const [fds, status] = await Promise.all([readdir(`/proc/${pid}/fd`).catch(() => undefined), readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')]);
      const resident = /VmRSS:\s+(\d+)/.exec(status)?.[1];
      if (fds !== undefined && resident !== undefined) samples.push({ at: Date.now(), fds: fds.length, residentKiB: Number(resident) });
    }),
  );
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;

/** Growth of memory from the second quarter's median to the last one's, in MiB: the first is warming up. */
export function growthMiB(samples: readonly Sample[]): number {
  const quarter = Math.floor(samples.length / 4);
  const part = (from: number) => median(samples.slice(from * quarter, (from + 1) * quarter).map(({ residentKiB }) => residentKiB));
  return quarter === 0 ? 0 : (part(3) - part(1)) / 1024;
}
