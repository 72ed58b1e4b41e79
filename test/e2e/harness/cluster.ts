/** The cluster under the e2e tests: the real one, or with TELEPRESENCE_TEST_CLUSTER=sandbox that of this project. */
import { realCluster } from './real-cluster.ts';
import { sandboxCluster } from './sandbox-cluster.ts';
import type { TestCluster } from './test-cluster.ts';

export { repository } from './repository.ts';
export type { TestCluster } from './test-cluster.ts';

const maker = process.env['TELEPRESENCE_TEST_CLUSTER'] === 'sandbox' ? sandboxCluster : realCluster;
export const onSandbox = maker === sandboxCluster;
export const clusterMissing = maker.missing;
export const clusterAvailable = clusterMissing === undefined;

/** Starts the cluster if it is not up; with `fresh`, an empty one. */
export const startCluster = ({ fresh = false } = {}): Promise<TestCluster> => maker.start({ fresh });

/** A namespace for one test file; disposing of it deletes it and waits. */
export async function testNamespace(cluster: TestCluster, name: string, labels: Record<string, string> = {}): Promise<AsyncDisposable & { name: string }> {
  const remove = (): Promise<string> =>
    cluster.kubectl(['delete', 'namespace', name, '--ignore-not-found', '--wait=true', '--timeout=90s'], { timeoutMs: 100_000 });
  await remove();
  await cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }));
  return {
    name,
    async [Symbol.asyncDispose]() {
      await remove();
    },
  };
}
