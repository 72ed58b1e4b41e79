/**
 * `npm run demo [-- --interactive] [-- --on-cluster]`: the guide, end to end, on a sandbox of its own, which needs no cluster; or in a
 * namespace of its own on the cluster that the kubeconfig names. Everything it made is removed in the end, also after Ctrl-C.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { CodedError, messageOf } from '../src/base/errors.ts';
import { silentLog } from '../src/base/log.ts';
import { createKubeClient, type KubeClient, loadKubeconfig, resourcePath } from '../src/kube/index.ts';
import { installShop } from './demo/shop.ts';
import { imageOfThisCheckout } from './fresh-image.ts';

const NAMESPACE = 'telepresence-demo';
const root = path.join(import.meta.dirname, '..');
const walk = path.join(root, 'scripts/demo/walk.ts');
const program = path.join(root, 'bin/sandbox.ts');
const { values } = parseArgs({ options: { interactive: { type: 'boolean', default: false }, 'on-cluster': { type: 'boolean', default: false } } });
const more = values.interactive ? ['--interactive'] : [];
const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort(new CodedError('TP-CANCELLED', 'The demo was ended.')));

/** @returns exit code. Whoever presses Ctrl-C ends it himself: it hears it as this process does. */
function run(argv: readonly string[], env: NodeJS.ProcessEnv, stdout: 'inherit' | 'ignore' = 'inherit'): Promise<number> {
  const child = spawn(process.execPath, argv, { stdio: ['inherit', stdout, 'inherit'], env });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

async function clientFor(kubeconfig: string | undefined): Promise<{ kube: KubeClient; where: string }> {
  const flags = kubeconfig === undefined ? {} : { kubeconfig };
  const { connection, context, server } = await loadKubeconfig({ flags, env: process.env as Record<string, string>, cwd: process.cwd() });
  return { kube: createKubeClient(connection, { log: silentLog, env: process.env as Record<string, string> }), where: `${context} (${server})` };
}

async function onSandbox(folder: string): Promise<number> {
  const { XDG_RUNTIME_DIR: _runtime, XDG_CACHE_HOME: _cache, XDG_CONFIG_HOME: _config, KUBECONFIG: _cluster, ...rest } = process.env;
  const env = { ...rest, TELEPRESENCE_SANDBOX: path.join(folder, 'sandbox'), HOME: path.join(folder, 'home') };
  const sandbox = async (...args: string[]): Promise<void> => {
    stop.signal.throwIfAborted();
    if ((await run([program, ...args], env, 'ignore')) !== 0) throw new CodedError('TP-SANDBOX-START', "The sandbox can't be had.");
  };
  process.stdout.write('A cluster in the box, with a shop of three services: a page (web), a data service (example-service), a store.\n');
  await mkdir(env.HOME);
  const image = imageOfThisCheckout();
  try {
    await Promise.all([sandbox('up'), sandbox('image', '--load', image)]);
    const { kube } = await clientFor(path.join(env.TELEPRESENCE_SANDBOX, 'kubeconfig'));
    try {
      await installShop(kube, 'default', stop.signal);
    } finally {
      kube.close();
    }
    return await run([program, 'workstation', process.execPath, walk, ...more], env);
  } finally {
    await run([program, 'down'], env);
  }
}

async function onCluster(folder: string): Promise<number> {
  const { kube, where } = await clientFor(undefined);
  process.stdout.write(`The demo runs in namespace ${NAMESPACE} of context ${where}.\n`);
  try {
    await kube.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, { fieldManager: 'telepresence-demo', signal: stop.signal });
    await installShop(kube, NAMESPACE, stop.signal);
    return await run([walk, '--namespace', NAMESPACE, '--folder', folder, ...more], process.env);
  } finally {
    await kube
      .delete(resourcePath('v1', 'namespaces', undefined, NAMESPACE))
      .catch((error: unknown) => process.stderr.write(`demo: the namespace could not be deleted: ${messageOf(error)}\n`));
    kube.close();
  }
}

const folder = await mkdtemp(path.join(tmpdir(), 'telepresence-demo-'));
try {
  process.exitCode = await (values['on-cluster'] ? onCluster(folder) : onSandbox(folder));
} catch (error) {
  const { code, message, help } = CodedError.from(error);
  process.stderr.write(`demo: ${message}\n${code}: ${help}\n`);
  process.exitCode = 1;
} finally {
  // What ended a moment ago may still write its compile cache.
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  if (stop.signal.aborted) process.exitCode = 130;
}
