/** An ingress controller in the cluster: the sandbox's own, or Traefik, as the folder of the real test cluster's scripts has it. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onSandbox, type TestCluster } from './cluster.ts';
import { scripts } from './real-cluster.ts';
import { ok } from './run.ts';
import { sandbox } from './sandbox-cluster.ts';

/** The class of the Ingresses that it serves, which leads the guess of `telepresence intercept` to it. */
export const ingressClass = onSandbox ? 'sandbox' : 'traefik';
/** Its Service, ports 80 and 443. */
export const ingressDoor = onSandbox ? 'sandbox-ingress.ingress' : 'traefik.ingress';

const archive = path.join(scripts, 'bin/traefik.zst');
/** Why there is none, for the names of tests that are skipped. */
export const ingressMissing: string | undefined = onSandbox || existsSync(archive) ? undefined : 'needs the ingress controller of the test cluster’s scripts';

/** Disposing of it ends that of a sandbox: it would write its address on the Ingresses of the files after this one. */
export async function startIngressController(cluster: TestCluster): Promise<AsyncDisposable> {
  if (onSandbox) await sandbox(['up', '--ingress']);
  else await startTraefik(cluster);
  const [name = '', namespace = ''] = ingressDoor.split('.');
  await cluster.kubectl(['-n', namespace, 'rollout', 'status', `deployment/${name}`, '--timeout=90s'], { timeoutMs: 100_000 });
  return {
    async [Symbol.asyncDispose]() {
      if (onSandbox) await cluster.kubectl(['-n', namespace, 'delete', 'deployment', name, '--cascade=foreground', '--timeout=50s']);
    },
  };
}

interface IngressClass {
  metadata: { name: string; annotations?: Record<string, string> };
  spec: { controller?: string };
}

/**
 * Why an Ingress that names no class does not stay as it was written, if it does not: another test, or whoever owns the cluster, has installed a
 * class that is set into it, or a controller that writes its address into it.
 */
export async function whoTakesIngresses({ kubectl }: Pick<TestCluster, 'kubectl'>): Promise<string | undefined> {
  const { items } = JSON.parse(await kubectl(['get', 'ingressclasses', '-o', 'json'])) as { items: IngressClass[] };
  const byDefault = items.find(({ metadata }) => metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true');
  if (byDefault !== undefined) return `new Ingresses get the class ${byDefault.metadata.name}`;
  const open = items.find(({ spec }) => spec.controller === 'telepresence.io/sandbox-ingress');
  return open === undefined ? undefined : `the controller of the class ${open.metadata.name} serves Ingresses without a class`;
}

async function startTraefik(cluster: TestCluster): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tp-traefik-'));
  try {
    const binary = path.join(folder, 'traefik');
    await ok('zstd', ['-qdf', '--long=27', archive, '-o', binary]);
    await cluster.loadProgram('testkube.local/traefik:1', binary, '/traefik');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await cluster.kubectl(['apply', '-f', path.join(scripts, 'ingress.yaml')]);
}
