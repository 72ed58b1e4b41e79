/** The sample shop in a cluster: a page, the data service that it asks, the store that this one asks. The programs are those of `shop/`. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../../src/base/errors.ts';
import { sleep } from '../../src/base/retry.ts';
import { VERSION } from '../../src/base/version.ts';
import { type KubeClient, type KubeObject, resourcePath } from '../../src/kube/index.ts';

const PARTS = ['store', 'example-service', 'web'];
const POLL_MS = 50;
const START_TIMEOUT_MS = 60_000;
const image = process.env['TELEPRESENCE_IMAGE'] ?? `telepresence.local/telepresence:${VERSION}`;

export const programOf = (part: string): string => path.join(import.meta.dirname, 'shop', `${part}.ts`);

async function objects(namespace: string): Promise<KubeObject[]> {
  const programs = await Promise.all(PARTS.map(async (part) => [part, await readFile(programOf(part), 'utf8')] as const));
  return programs.flatMap(([name, program]): KubeObject[] => {
    const labels = { app: name };
    const container = {
      name: 'app',
      image,
      imagePullPolicy: 'IfNotPresent',
      command: ['/app/node', '--input-type=module-typescript', '-e', program],
      env: name === 'example-service' ? [{ name: 'STORE', value: 'http://store/' }] : [],
      ports: [{ name: 'http', containerPort: 8080 }],
      readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 1 },
    };
    const spec = { terminationGracePeriodSeconds: 1, containers: [container] };
    return [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name, namespace },
        spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace },
        spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort: 'http', protocol: 'TCP' }] },
      },
    ];
  });
}

/** Resolves when all of it runs. */
export async function installShop(kube: KubeClient, namespace: string, signal: AbortSignal): Promise<void> {
  for (const object of await objects(namespace)) await kube.apply(object, { fieldManager: 'telepresence-demo', force: true, signal });
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (const name of PARTS) {
    const place = resourcePath('apps/v1', 'deployments', namespace, name);
    while (((await kube.get<{ status?: { readyReplicas?: number } }>(place, { signal })).status?.readyReplicas ?? 0) === 0) {
      if (Date.now() > deadline) throw new CodedError('TP-IMAGE-MISSING', `The shop's pods do not start: is the image ${image} in the cluster?`);
      await sleep(POLL_MS, signal);
    }
  }
}
