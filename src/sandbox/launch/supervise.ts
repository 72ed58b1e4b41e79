/**
 * The two processes that hold a sandbox: the supervisor outside, which relays the API's port and writes down where everything is, and
 * the cluster inside of the namespaces. Whichever ends, the other ends as well: the channel between them closes, and with process 1 the
 * kernel ends all that is in there.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';
import { CodedError } from '../../base/errors.ts';
import { createLog } from '../../base/log.ts';
import { SANDBOX_NETWORK } from '../contract.ts';
import { readKeys } from '../kept-state.ts';
import { ADMINISTRATORS, INSIDE_SERVER } from './addresses.ts';
import { claimState } from './claim-state.ts';
import { callControl } from './control.ts';
import type { Host } from './host.ts';
import { files, type RunningState, writeState } from './state.ts';
import type { UpOptions } from './up-options.ts';

const NAMESPACES = ['--net', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', '--mount-proc'];
const USER_NAMESPACE = ['--user', '--map-root-user'];
/**
 * Process 1: it takes in orphans, which Node does not. Its input ends with the supervisor, however that one ends and however busy the
 * cluster's process is; that is killed then, and with process 1 the kernel ends all.
 */
const INIT = 'exec 9<&0; "$@" 9<&- </dev/null & main=$!; { read -r _; kill -9 $main; } <&9 & exec 9<&- </dev/null; wait $main; exit $?';

/** Runs until the sandbox ends. */
export async function supervise(folder: string, options: UpOptions, { process, program }: Host): Promise<number> {
  const paths = files(folder);
  for (const stale of [paths.state, paths.control, paths.api]) await rm(stale, { force: true });
  await writeFile(paths.resolvConf, `nameserver ${SANDBOX_NETWORK.outsideDns}\n`);
  const release = options.state === undefined ? async () => {} : await claimState(options.state);
  const log = createLog((line) => process.stderr.write(line));
  const user = process.getuid?.() !== 0;
  const inside = [process.execPath, ...process.execArgv, program, 'inside', JSON.stringify(options)];
  const child = spawn('unshare', [...(user ? USER_NAMESPACE : []), ...NAMESPACES, 'sh', '-c', INIT, 'sh', ...inside], {
    stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
  });
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code, signal) => {
      // one that was killed has said nothing itself
      if (code !== 0) log.error("the cluster's process has ended", { signal: signal ?? undefined, code: code ?? undefined });
      resolve(code ?? 1);
    });
  });
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(name, () => callControl(paths.control, 'stop', {}).catch(() => child.kill('SIGKILL')));
  // beside its start, which takes as long
  const [{ makeCertificates }, { userKubeconfig }] = await Promise.all([import('../certificates.ts'), import('../access/user-kubeconfig.ts')]);
  const kept = options.state === undefined ? undefined : await readKeys(options.state);
  const { authority, certificates } = await makeCertificates(kept?.authority);
  // one that has ended needs none
  child.send(certificates, () => {});
  const readiness = Promise.race([ended.then(() => false), new Promise<true>((resolve) => child.once('message', () => resolve(true)))]);
  const server = createServer({ allowHalfOpen: true }, (outer) => {
    const inner = connect({ path: paths.api, allowHalfOpen: true });
    // a connection that breaks is its two ends' affair
    pipeline(outer, inner, () => {});
    pipeline(inner, outer, () => {});
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, '127.0.0.1', () => resolve());
  });
  const { port: chosen } = server.address() as AddressInfo;
  const admin = (url: string) => userKubeconfig(authority, url, 'admin', [ADMINISTRATORS]);
  const [outer, inner] = await Promise.all([admin(`https://127.0.0.1:${chosen}`), admin(INSIDE_SERVER)]);
  await Promise.all([writeFile(paths.kubeconfig, outer, { mode: 0o600 }), writeFile(paths.inside, inner, { mode: 0o600 })]);
  if (!(await readiness)) throw new CodedError('TP-SANDBOX-START', 'The sandbox did not start.');
  const state: RunningState = { pid: process.pid, init: await onlyChild(child), port: chosen, user };
  await writeState(folder, state);
  const code = await ended;
  server.close();
  await release();
  for (const stale of [paths.state, paths.control, paths.api]) await rm(stale, { force: true });
  // what is still connected has nobody left to talk to
  return process.exit(code);
}

async function onlyChild({ pid = 0 }: ChildProcess): Promise<number> {
  return Number((await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim());
}
