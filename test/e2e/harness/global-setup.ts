/** Before the e2e files: a cluster that is up, the image in it, and the traffic-manager of this checkout installed. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { clusterAvailable, repository, startCluster } from './cluster.ts';

export default async function setup(): Promise<void> {
  if (!clusterAvailable) return;
  const tar = path.join(repository, 'dist/image.tar');
  if (!existsSync(tar)) throw new Error('dist/image.tar is missing: run `npm run image` first');
  const cluster = await startCluster({ fresh: process.env['TELEPRESENCE_TEST_KEEP'] === undefined });
  await cluster.loadImage(tar);
}
