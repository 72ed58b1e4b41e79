/** Before the e2e files: a cluster that is up (with TELEPRESENCE_TEST_FRESH an empty one) and this checkout's image in it. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { clusterAvailable, repository, startCluster } from './cluster.ts';

export default async function setup(): Promise<void> {
  if (!clusterAvailable) return;
  const tar = path.join(repository, 'dist/image.tar');
  if (!existsSync(tar)) throw new Error('dist/image.tar is missing: run `npm run image` first');
  const cluster = await startCluster({ fresh: process.env['TELEPRESENCE_TEST_FRESH'] !== undefined });
  await cluster.loadImage(tar);
}
