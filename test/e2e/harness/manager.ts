/** The manager's replicas, seen from outside. */
import { readdir, readFile } from 'node:fs/promises';
import type { TestCluster } from './cluster.ts';

/** Names of the pods that run. */
export async function managerPods(cluster: TestCluster): Promise<string[]> {
  const found = await cluster.kubectl(['-n', 'ambassador', 'get', 'pods', '-l', 'app=traffic-manager', '--field-selector=status.phase=Running', '-o', 'name']);
  return found
    .split('\n')
    .filter((name) => name !== '')
    .map((name) => name.replace('pod/', ''));
}

/** Pid on this machine of a manager's process. */
export async function managerPid(pod: string): Promise<number> {
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const read = (file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
    if ((await read('cmdline')).includes('/app/manager.mjs') && (await read('environ')).includes(`HOSTNAME=${pod}\0`)) return Number(pid);
  }
  throw new Error(`no process of ${pod} is seen from here`);
}

/** Kills a replica's process, as a crash does. */
export async function killManager(pod: string): Promise<void> {
  process.kill(await managerPid(pod), 'SIGKILL');
}
