/** Runs in namespaces of its own: starts containers in pod networks, and prints what they saw as one line of JSON. */
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { silentLog } from '../../../../src/base/log.ts';
import { SANDBOX_NETWORK } from '../../../../src/sandbox/contract.ts';
import { createClusterNetwork } from '../../../../src/sandbox/network/cluster-network.ts';
import { capabilitiesOf } from '../../../../src/sandbox/node/runtime/capabilities.ts';
import { loadLibc } from '../../../../src/sandbox/node/runtime/libc.ts';
import type { RunRequest } from '../../../../src/sandbox/node/runtime/protocol.ts';
import { SpawnError, startSpawner } from '../../../../src/sandbox/node/runtime/spawner.ts';
import { NODE_MOUNTS } from '../node-in-containers.ts';

const [folder = ''] = process.argv.slice(2);
const libc = loadLibc();
if (libc.mount('tmpfs', folder, 'tmpfs', 0, null) < 0) throw new Error(`no tmpfs: errno ${libc.errno()}`);
const network = createClusterNetwork(libc, [{ name: 'node1', ip: SANDBOX_NETWORK.node, podCidr: '10.244.0.0/24' }]);
const spawner = await startSpawner({ log: silentLog, execPath: process.execPath, argv: [join(import.meta.dirname, 'spawner.ts')] });
const pod = network.node('node1').addPod();

function request(argv: string[], change: Partial<RunRequest> = {}, uid = 0): Omit<RunRequest, 'type' | 'id'> & { output: () => string } {
  const work = mkdtempSync(join(folder, 'c-'));
  const output = join(work, 'output');
  const mountpoint = join(work, 'root');
  writeFileSync(output, '');
  mkdirSync(mountpoint);
  return {
    program: {
      argv,
      env: { PATH: process.env['PATH'] ?? '', GREETING: 'hello' },
      cwd: '/',
      rights: { uid, gid: uid, groups: uid === 0 ? [] : [uid, 77], capabilities: capabilitiesOf({ drop: ['ALL'] }, false), noNewPrivileges: true },
      standard: { stdout: output, stderr: output },
    },
    hostname: 'pod-a',
    network: pod.path,
    root: { kind: 'machine' },
    mountpoint,
    readOnlyRoot: true,
    mounts: NODE_MOUNTS,
    ...change,
    output: () => readFileSync(output, 'utf8').trim(),
  };
}

async function seen(script: string, uid = 0): Promise<string> {
  const one = request(['sh', '-c', script], {}, uid);
  const { exited } = await spawner.run(one);
  await exited;
  return one.output();
}

const result: Record<string, unknown> = {};
result['pid'] = await seen('echo $$');
result['processes'] = await seen('echo /proc/[0-9]*');
result['hostname'] = await seen('hostname');
result['environment'] = await seen('echo $GREETING');
result['rights'] = await seen("grep -E '^(Uid|Groups|CapEff|CapBnd|NoNewPrivs):' /proc/self/status", 1000);
result['descriptors'] = await seen('echo /proc/self/fd/*');
result['readOnly'] = await seen('(: >/etc/x) 2>/dev/null && echo written || echo refused; : >/tmp/x && echo tmp');

const code = await spawner.run(request(['sh', '-c', 'exit 7']));
result['code'] = await code.exited;
const killed = await spawner.run(request(['sh', '-c', 'kill -9 $PPID; sleep 60']));
process.kill(killed.pid, 'SIGKILL');
result['killed'] = await killed.exited;
result['missing'] = await spawner.run(request(['no-such-program'])).then(
  () => 'started',
  (error: unknown) => (error instanceof SpawnError ? `${error.step} ${error.errno}` : String(error)),
);

const lower = join(folder, 'image');
mkdirSync(lower);
writeFileSync(join(lower, 'only'), 'in the image');
const layers = { upper: join(folder, 'upper'), work: join(folder, 'work') };
for (const path of Object.values(layers)) mkdirSync(path);
result['overlayNotFound'] = await spawner.run(request(['/bin/sh'], { root: { kind: 'overlay', lower, ...layers } })).then(
  () => 'started',
  (error: unknown) => (error instanceof SpawnError ? `${error.step} ${error.errno}` : String(error)),
);

const app = request(['sh', '-c', 'echo first; sleep 60']);
const running = await spawner.run(app);
const beside = request(['sh', '-c', 'echo $$ $(hostname); cat /proc/1/comm']);
const { exited } = await spawner.exec({ program: beside.program, target: running.pid });
result['exec'] = [await exited, beside.output()];
process.kill(running.pid, 'SIGKILL');

const server = createServer((socket) => socket.end(String(socket.remoteAddress)));
await new Promise<void>((resolve) => server.listen(8080, SANDBOX_NETWORK.node, resolve));
const client = request([
  process.execPath,
  '-e',
  `require('net').connect(8080, '${SANDBOX_NETWORK.node}').on('data', (bytes) => console.log(String(bytes))).on('error', (error) => console.log(error.code))`,
]);
await (await spawner.run(client)).exited;
result['podAddress'] = [pod.ip, client.output()];

const listener = request([
  process.execPath,
  '-e',
  `require('net').createServer((s) => s.end('from the pod')).listen(9000, '127.0.0.1', () => console.log('up'))`,
]);
const listening = await spawner.run(listener);
while (listener.output() === '') await new Promise((resolve) => setImmediate(resolve));
const socket = await pod.dial(9000);
result['dialled'] = await new Promise((resolve, reject) => socket.once('data', (bytes) => resolve(String(bytes))).once('error', reject));
process.kill(listening.pid, 'SIGKILL');
await listening.exited;
result['refused'] = await pod.dial(9000).then(
  () => 'connected',
  (error: unknown) => (error instanceof Error && 'code' in error ? error.code : String(error)),
);
const workstation = network.workstation('dev1');
result['workstation'] = [workstation.ip, network.plug('dev1', false), network.plug('dev2', false)];
pod.release();
process.stdout.write(`${JSON.stringify(result)}\n`);
spawner.close();
process.exit(0);
