/** HTTP filters on a port whose pods speak TLS, with the key that an annotation names. */
import { createHash, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestAuthority } from '../../src/kube/testing/certificates.ts';
import { echoApp } from './apps/echo.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { eventually } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const NAMESPACE = 'tls-port';
const SERVER = `
const { readFileSync } = require('fs');
const { createSecureServer } = require('http2');
createSecureServer({ cert: readFileSync('/tls/tls.crt'), key: readFileSync('/tls/tls.key'), allowHTTP1: true }, (req, res) => res.end('cluster ' + req.httpVersion + '\\n')).listen(8080);
process.on('SIGTERM', () => setTimeout(() => process.exit(0), 5000));
`;
const LOCAL = `
const { createServer } = require('http');
createServer((req, res) => res.end('workstation ' + req.headers['x-who'] + '\\n')).listen(8080, '127.0.0.1');
`;

describe.skipIf(!clusterAvailable)('a port whose pods speak TLS (needs root and the test cluster)', () => {
  const cleanUp = new AsyncDisposableStack();
  let cluster: TestCluster;
  let workstation: Workstation;
  let fingerprint = '';
  const ask = async (flags = ''): Promise<string> => (await workstation.shell(`curl -sk --max-time 10 ${flags} https://web.${NAMESPACE}/`)).stdout;

  beforeAll(async () => {
    cluster = await startCluster();
    workstation = await cluster.workstation('tls');
    cleanUp.use(workstation);
    cleanUp.use(await testNamespace(cluster, NAMESPACE));
    const { cert, key } = await (await createTestAuthority('CN=shop')).issue({ subject: 'CN=web', names: [`web.${NAMESPACE}`] });
    fingerprint = createHash('sha256').update(new X509Certificate(cert).raw).digest('hex');
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'kubernetes.io/tls',
      metadata: { name: 'web-tls', namespace: NAMESPACE },
      stringData: { 'tls.crt': cert, 'tls.key': key },
    };
    await cluster.apply(JSON.stringify(secret));
    const app = JSON.parse(
      echoApp({
        name: 'web',
        namespace: NAMESPACE,
        container: {
          command: ['/app/node', '-e', SERVER],
          ports: [{ name: 'https', containerPort: 8080 }],
          readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
          volumeMounts: [{ name: 'tls', mountPath: '/tls' }],
        },
        volumes: [{ name: 'tls', secret: { secretName: 'web-tls' } }],
        service: { ports: [{ name: 'https', port: 443, targetPort: 'https' }] },
      }),
    ) as { items: { spec: { template: { metadata: { annotations?: Record<string, string> } } } }[] };
    const [deployment] = app.items;
    if (deployment !== undefined) deployment.spec.template.metadata.annotations = { 'telepresence.io/downstream-tls-secret.https': 'web-tls' };
    await cluster.apply(JSON.stringify(app));
    await cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', 'deployment/web', '--timeout=60s'], { timeoutMs: 70_000 });
    await workstation.ok(['connect', '--namespace', NAMESPACE], { timeoutMs: 120_000 });
    cleanUp.use(workstation.background('node', ['-e', LOCAL]));
  }, 240_000);
  afterAll(async () => {
    await cleanUp.disposeAsync();
  }, 120_000);

  it('gives its marked requests to the workstation, in cleartext where that is asked for, and the others to the app', async () => {
    await workstation.ok(['intercept', 'web', '--port', '8080:https', '--http-header', 'x-who=me', '--plaintext', '--mount=false'], { timeoutMs: 90_000 });
    await eventually('marked requests reach the workstation', async () => (await ask("-H 'x-who: me'")) === 'workstation me\n', 10_000);
    expect(await ask()).toBe('cluster 2.0\n');
    expect(await ask('--http1.1')).toBe('cluster 1.1\n');
    expect(await ask("--http1.1 -H 'x-who: me'")).toBe('workstation me\n');
  }, 120_000);

  it('shows the pod’s own certificate', async () => {
    const { stdout } = await workstation.shell(
      `openssl s_client -connect web.${NAMESPACE}:443 </dev/null 2>/dev/null | openssl x509 -fingerprint -sha256 -noout`,
    );
    expect(stdout.replaceAll(':', '').toLowerCase()).toContain(fingerprint);
  });
});
