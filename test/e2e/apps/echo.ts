/**
 * A small web service for tests, as objects: a Deployment (or StatefulSet) that answers every request with its own name, and a
 * Service before it. It runs on the project's own image, so that the cluster needs no other.
 */
export interface EchoOptions {
  name: string;
  namespace: string;
  image?: string;
  kind?: 'Deployment' | 'StatefulSet';
  replicas?: number;
  /** Service port 80 by default, its targetPort `http` (a name) or a number. */
  targetPort?: 'http' | number;
  env?: { name: string; value?: string; valueFrom?: unknown }[];
  envFrom?: unknown[];
  /** Merged over the container, the pod's spec, the workload's spec and the service's spec. */
  container?: Record<string, unknown>;
  pod?: Record<string, unknown>;
  workload?: Record<string, unknown>;
  service?: Record<string, unknown>;
  volumes?: unknown[];
}

/** Answers `<name> <pod>`; `/slow` after 5 s; outlives SIGTERM by 5 s while it goes on answering. */
const SERVER = `
const http = require('http');
const server = http.createServer((req, res) => {
  const answer = () => { res.setHeader('x-served-by', process.env.HOSTNAME); res.end(process.env.APP_NAME + ' ' + process.env.HOSTNAME + '\\n'); };
  if (req.url === '/slow') setTimeout(answer, 5000); else answer();
});
server.keepAliveTimeout = 60000;
server.listen(8080);
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 5000));
`;

export const TEST_IMAGE = process.env['TELEPRESENCE_IMAGE'] ?? 'telepresence.local/telepresence:0.1.0';

export function echoApp(options: EchoOptions): string {
  const { name, namespace, kind = 'Deployment', replicas = 1, targetPort = 'http' } = options;
  const labels = { app: name };
  const container = {
    name: 'app',
    image: options.image ?? TEST_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['/app/node', '-e', SERVER],
    ports: [{ name: 'http', containerPort: 8080 }],
    env: [{ name: 'APP_NAME', value: name }, ...(options.env ?? [])],
    envFrom: options.envFrom ?? [],
    readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
    ...options.container,
  };
  const workload = {
    apiVersion: 'apps/v1',
    kind,
    metadata: { name, namespace, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      ...(kind === 'StatefulSet' ? { serviceName: name } : {}),
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 10, containers: [container], volumes: options.volumes ?? [], ...options.pod } },
      ...options.workload,
    },
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { selector: labels, ports: [{ name: 'http', port: 80, targetPort }], ...options.service },
  };
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [workload, service] });
}
