/** The traffic server as objects: its program in a ConfigMap, pods that run it on the project's own image, and Services before them. */
import { join } from 'node:path';
import { build } from 'esbuild';
import { TEST_IMAGE } from './echo.ts';
import { PORT } from './traffic-wire.ts';

/** Bundles a program of this folder into one CommonJS text. */
export async function bundle(file: string): Promise<string> {
  const result = await build({
    entryPoints: [join(import.meta.dirname, file)],
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    minify: true,
  });
  return result.outputFiles[0]?.text ?? '';
}

/** Pod `name` that runs the client program by `kubectl exec`: `/app/node /srv/client.cjs WHAT HOST …`. */
export async function trafficClient({ name, namespace }: { name: string; namespace: string }): Promise<string> {
  const container = {
    name: 'client',
    image: TEST_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['/app/node', '-e', 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1e9)'],
    volumeMounts: [{ name: 'srv', mountPath: '/srv' }],
  };
  const items = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${name}-program`, namespace }, data: { 'client.cjs': await bundle('traffic-client.ts') } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace },
      spec: { terminationGracePeriodSeconds: 1, containers: [container], volumes: [{ name: 'srv', configMap: { name: `${name}-program` } }] },
    },
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

/** A pod that asks for no CPU is not run while others want it: its answers would tell of the node, not of the way to it. */
const RESOURCES = { requests: { cpu: '100m' } };

/** StatefulSet `name` with `replicas` pods, Service `name` with all ports, headless Service `name-pods`. */
export async function trafficApp({ name, namespace, replicas = 1 }: { name: string; namespace: string; replicas?: number }): Promise<string> {
  const labels = { app: name };
  const ports = Object.entries(PORT).map(([key, port]) => ({ name: key.toLowerCase(), port, targetPort: port, protocol: key === 'udp' ? 'UDP' : 'TCP' }));
  const service = (suffix: string, spec: Record<string, unknown>): unknown => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `${name}${suffix}`, namespace },
    spec: { selector: labels, ports, ...spec },
  });
  const container = {
    name: 'app',
    image: TEST_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['/app/node', '/srv/server.cjs'],
    env: [{ name: 'APP_NAME', value: name }],
    ports: ports.map(({ name: portName, port, protocol }) => ({ name: portName, containerPort: port, protocol })),
    readinessProbe: { httpGet: { path: '/', port: PORT.http }, periodSeconds: 1 },
    volumeMounts: [{ name: 'srv', mountPath: '/srv' }],
    resources: RESOURCES,
  };
  const items = [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${name}-program`, namespace }, data: { 'server.cjs': await bundle('traffic-server.ts') } },
    {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name, namespace, labels },
      spec: {
        replicas,
        serviceName: `${name}-pods`,
        podManagementPolicy: 'Parallel',
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { terminationGracePeriodSeconds: 1, containers: [container], volumes: [{ name: 'srv', configMap: { name: `${name}-program` } }] },
        },
      },
    },
    service('', {}),
    service('-pods', { clusterIP: 'None' }),
  ];
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}
