/** Traefik in the cluster, as the folder of the test cluster's scripts has it: Service `traefik.ingress`, ports 80 and 443. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestCluster } from './cluster.ts';
import { scripts } from './real-cluster.ts';
import { ok } from './run.ts';

export async function startIngressController(cluster: TestCluster): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tp-traefik-'));
  try {
    const binary = path.join(folder, 'traefik');
    await ok('zstd', ['-qdf', '--long=27', path.join(scripts, 'bin/traefik.zst'), '-o', binary]);
    await cluster.loadProgram('testkube.local/traefik:1', binary, '/traefik');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  await cluster.kubectl(['apply', '-f', path.join(scripts, 'ingress.yaml')]);
  await cluster.kubectl(['-n', 'ingress', 'rollout', 'status', 'deployment/traefik', '--timeout=90s'], { timeoutMs: 100_000 });
}
