/**
 * Before the e2e files: a cluster that is up and this checkout's image in it. With TELEPRESENCE_TEST_FRESH, and always on a sandbox, it is
 * an empty cluster, which gets its traffic-manager as a user's would: by the first `telepresence connect`.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { recordCalls, unrecordedCalls } from '../../compliance/kubernetes/calls.ts';
import { clusterAvailable, onSandbox, repository, startCluster } from './cluster.ts';
import { auditFile, sandbox, stillRuns } from './sandbox-cluster.ts';

export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (!clusterAvailable) return undefined;
  const tar = path.join(repository, 'dist/image.tar');
  if (!existsSync(tar)) throw new Error('dist/image.tar is missing: run `npm run image` first');
  const fresh = onSandbox || process.env['TELEPRESENCE_TEST_FRESH'] !== undefined;
  const cluster = await startCluster({ fresh });
  await cluster.loadImage(tar);
  if (!fresh) return undefined;
  await using workstation = await cluster.workstation('setup');
  const printed = await workstation.ok(['connect'], { timeoutMs: 120_000 });
  if (!printed.endsWith(`Connected to context default (${cluster.server})\n`)) throw new Error(`the first connect printed: ${printed}`);
  if (!onSandbox) return undefined;
  return async () => {
    await stillRuns();
    await sandbox(['down']);
    const calls = unrecordedCalls(auditFile());
    if (calls.length === 0) return;
    if (process.env['TELEPRESENCE_TEST_RECORD'] !== undefined) return recordCalls(calls);
    process.stdout.write(`calls of the API that test/compliance/kubernetes/calls.txt does not have (calls.ts says how to record them):\n${calls.join('\n')}\n`);
  };
}
