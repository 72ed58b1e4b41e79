/** Traefik in the cluster, as the folder of the test cluster's scripts has it: Service `traefik.ingress`, ports 80 and 443. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestCluster } from './cluster.ts';
import { scripts } from './real-cluster.ts';
import { ok } from './run.ts';

const archive = path.join(scripts, 'bin/traefik.zst');
/** Why there is none, for the names of tests that are skipped. */
export const ingressMissing: string | undefined = existsSync(archive) ? undefined : 'needs the ingress controller of the test cluster’s scripts';

export async function startIngressController(cluster: TestCluster): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tp-traefik-'));
  try {
    const binary = path.join(folder, 'traefik');
    await ok('zstd', ['-qdf', '--long=27', archive, '-o', binary]);
    await cluster.loadProgram('testkube.local/traefik:1', binary, '/traefik');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await cluster.kubectl(['apply', '-f', path.join(scripts, 'ingress.yaml')]);
  await cluster.kubectl(['-n', 'ingress', 'rollout', 'status', 'deployment/traefik', '--timeout=90s'], { timeoutMs: 100_000 });
}
