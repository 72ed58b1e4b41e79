/** A command on a workstation of the sandbox: it reaches the API server and a resolver, no pod and no Service. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { callControl } from './control.ts';
import type { Host } from './host.ts';
import { files, requireRunning } from './state.ts';

const OWN_RESOLVER = 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"';

/** @returns the command's exit code. */
export async function onWorkstation(folder: string, name: string, command: string[], { process }: Host): Promise<number> {
  const { init, user } = await requireRunning(folder);
  const paths = files(folder);
  const { path } = await callControl(paths.control, 'workstation', { name });
  const enter = ['--target', String(init), '--mount', '--pid', '--uts', '--ipc', `--net=/proc/${init}/root${path}`, `--wd=/proc/${init}/root${process.cwd()}`];
  const args = [
    ...enter,
    ...(user ? ['--user', '--preserve-credentials'] : []),
    'unshare',
    '--mount',
    'sh',
    '-c',
    OWN_RESOLVER,
    'sh',
    paths.resolvConf,
    ...command,
  ];
  const child = spawn('nsenter', args, { stdio: 'inherit', env: { ...process.env, KUBECONFIG: process.env['KUBECONFIG'] ?? paths.inside } });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}
