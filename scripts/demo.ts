/**
 * `npm run demo`: the guide, end to end, on the cluster that the kubeconfig names: a small shop of two services is put into a namespace of
 * its own, then the guide's commands are typed one after the other, each with its real output and what is seen before and after.
 * Everything it made is removed in the end, also after Ctrl-C.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pc from 'picocolors';
import { CodedError, messageOf } from '../src/base/errors.ts';
import { silentLog } from '../src/base/log.ts';
import { sleep } from '../src/base/retry.ts';
import { VERSION } from '../src/base/version.ts';
import { createKubeClient, type KubeClient, loadKubeconfig, resourcePath } from '../src/kube/index.ts';

const NAMESPACE = 'telepresence-demo';
const image = process.env['TELEPRESENCE_IMAGE'] ?? `telepresence.local/telepresence:${VERSION}`;
const telepresence = path.join(import.meta.dirname, '../bin/telepresence');
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new CodedError('TP-CANCELLED', 'The demo was ended.')));

/** The data service: says its colour. The same few lines run in the cluster (green) and on the workstation (blue, then orange). */
const colour = (port: number, host: string): string => `require('http').createServer((q, r) => r.end(process.env.COLOUR)).listen(${port}, '${host}')`;
/** The page: asks the data service at each request. */
const PAGE = `require('http').createServer(async (q, r) => {
  try { r.end('the page is ' + await (await fetch('http://colour/')).text() + '\\n'); } catch (e) { r.statusCode = 502; r.end(String(e.cause || e) + '\\n'); }
}).listen(8080)`;

function service(name: string, script: string, env: Record<string, string>): object[] {
  const labels = { app: name };
  const container = {
    name: 'app',
    image,
    imagePullPolicy: 'IfNotPresent',
    command: ['/app/node', '-e', script],
    env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
    ports: [{ name: 'http', containerPort: 8080 }],
    readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 1 },
  };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: NAMESPACE },
      spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [container] } } },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: NAMESPACE },
      spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
    },
  ];
}

const say = (text: string): boolean => process.stdout.write(`${text}\n`);
const step = (text: string): boolean => say(`\n${pc.bold(text)}`);

/** Types a command: shows it, runs it with its output as it comes. @throws when it fails. */
async function type(command: string, args: readonly string[]): Promise<void> {
  say(`${pc.dim('$')} ${path.basename(command)} ${args.join(' ')}`);
  const child = spawn(command, args, { stdio: 'inherit', signal: stop.signal, killSignal: 'SIGTERM' });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  stop.signal.throwIfAborted();
  if (code !== 0) throw new CodedError('TP-COMMAND-FAILED', `${path.basename(command)} ${args[0] ?? ''} ended with exit code ${code}.`);
}

/** Asks for the page until it says `expected`. */
async function look(expected: string): Promise<void> {
  say(`${pc.dim('$')} curl http://web.${NAMESPACE}/`);
  let seen = '';
  for (let tries = 0; tries < 100; tries++) {
    try {
      seen = await (await fetch(`http://web.${NAMESPACE}/`, { signal: AbortSignal.any([stop.signal, AbortSignal.timeout(3_000)]) })).text();
    } catch (error) {
      stop.signal.throwIfAborted();
      seen = messageOf(error);
    }
    if (seen.includes(expected)) return void process.stdout.write(seen);
    await sleep(100, stop.signal);
  }
  throw new CodedError('TP-COMMAND-FAILED', `The page was expected to be ${expected}; it said: ${seen.trim()}.`);
}

/** The process in the debugger. */
function develop(value: string): ChildProcess {
  say(`${pc.dim('$')} COLOUR=${value} node service.js &`);
  return spawn(process.execPath, ['-e', colour(3000, '127.0.0.1')], { stdio: 'inherit', env: { ...process.env, COLOUR: value } });
}

async function installShop(kube: KubeClient): Promise<void> {
  const objects = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    ...service('colour', colour(8080, '0.0.0.0'), { COLOUR: 'green' }),
    ...service('web', PAGE, {}),
  ];
  for (const object of objects)
    await kube.apply(object as Parameters<KubeClient['apply']>[0], { fieldManager: 'telepresence-demo', force: true, signal: stop.signal });
  for (const name of ['colour', 'web']) {
    for (let tries = 0; ; tries++) {
      const { status } = await kube.get<{ status?: { readyReplicas?: number } }>(resourcePath('apps/v1', 'deployments', NAMESPACE, name), {
        signal: stop.signal,
      });
      if ((status?.readyReplicas ?? 0) > 0) break;
      if (tries > 300) throw new CodedError('TP-IMAGE-MISSING', `The shop's pods do not start: is the image ${image} in the cluster?`);
      await sleep(200, stop.signal);
    }
  }
}

async function walk(envFile: string): Promise<void> {
  let mine: ChildProcess | undefined;
  try {
    step('1. Join the cluster');
    await type(telepresence, ['connect', '--namespace', NAMESPACE]);
    await look('green');
    step('2. Send the traffic of one service to this machine');
    await type(telepresence, ['list']);
    mine = develop('blue');
    await type(telepresence, ['intercept', 'colour', '--port', '3000:http', '--env-file', envFile]);
    await look('blue');
    say(pc.dim(`(its environment: ${(await readFile(envFile, 'utf8')).split('\n').find((line) => line.startsWith('COLOUR=')) ?? ''})`));
    step('3. Change the code, look again');
    mine.kill();
    mine = develop('orange');
    await look('orange');
    step('4. Give it back');
    await type(telepresence, ['leave', 'colour']);
    await look('green');
  } finally {
    mine?.kill();
  }
}

const { connection, context, server } = await loadKubeconfig({ flags: {}, env: process.env as Record<string, string>, cwd: process.cwd() }).catch(
  (error: unknown) => {
    const { code, message, help } = CodedError.from(error);
    process.stderr.write(`demo: ${message}\n${code}: ${help}\nThe demo runs on a cluster of yours. A cluster in the box is planned: docs/roadmap.md.\n`);
    process.exit(1);
  },
);
const kube = createKubeClient(connection, { log: silentLog, env: process.env as Record<string, string> });
const dir = await mkdtemp(path.join(tmpdir(), 'telepresence-demo-'));
let failed = false;
try {
  say(`The demo runs in namespace ${NAMESPACE} of context ${context} (${server}).`);
  await installShop(kube);
  await walk(path.join(dir, 'colour.env'));
} catch (error) {
  failed = true;
  const { code, message, help } = CodedError.from(error);
  process.stderr.write(`\ndemo: ${message}\n${code}: ${help}\n`);
} finally {
  step('5. Leave nothing behind');
  say(`${pc.dim('$')} telepresence quit -s`);
  await new Promise((resolve) => spawn(telepresence, ['quit', '-s'], { stdio: 'inherit' }).once('exit', resolve));
  await kube
    .delete(resourcePath('v1', 'namespaces', undefined, NAMESPACE))
    .catch((error: unknown) => process.stderr.write(`demo: the namespace could not be deleted: ${messageOf(error)}\n`));
  kube.close();
  await rm(dir, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
