/** Without its manager the cluster goes on as if there were none: pods start at full speed. And a redirected UDP port. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { within } from '../helpers/measured.ts';
import { echoApp, TEST_IMAGE } from './apps/echo.ts';
import { stable } from './apps/stable.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { hasAgent, podsOf, settled } from './harness/rollout.ts';
import { eventually } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const namespace = 'roll-alone';
const MANAGER = 'deployment/traffic-manager';
/** A start more or less on a busy machine. */
const NOISE_MS = 4_000;

const UDP_APP = `
const server = require('node:dgram').createSocket('udp4');
server.on('message', (text, from) => server.send(process.env.APP_NAME + ' ' + text, from.port, from.address));
server.bind(5353);
`;
const UDP_LOCAL = `
const server = require('node:dgram').createSocket('udp4');
server.on('message', (text, from) => server.send('local ' + text, from.port, from.address));
server.bind(5300, '127.0.0.1');
`;
/** Asks over one socket until it is answered; prints the answer. */
const UDP_ASK = `
const socket = require('node:dgram').createSocket('udp4');
socket.on('message', (text) => { process.stdout.write(String(text)); process.exit(0); });
const ask = () => socket.send('hello', 53, 'names');
ask();
setInterval(ask, 500);
setTimeout(() => process.exit(1), 10000);
`;

describe.skipIf(!clusterAvailable)('a cluster without its manager for a while (needs root and the test cluster)', () => {
  const stack = new AsyncDisposableStack();
  let cluster: TestCluster;
  let workstation: Workstation;

  const web = { name: 'web', namespace, url: '' };
  const manager = (args: string[]): Promise<string> => cluster.kubectl(['-n', 'ambassador', ...args], { timeoutMs: 90_000 });
  const scale = (replicas: number): Promise<string> => cluster.kubectl(['-n', namespace, 'scale', 'deployment/web', `--replicas=${replicas}`]);
  /** How long three pods more take until they are ready. */
  const scaleUp = async (): Promise<number> => {
    const start = performance.now();
    await scale(4);
    await settled(cluster, web);
    return performance.now() - start;
  };

  beforeAll(async () => {
    cluster = await startCluster();
    stack.use(await testNamespace(cluster, namespace));
    workstation = stack.use(await cluster.workstation('alone'));
    await cluster.apply(echoApp({ name: 'web', namespace, container: stable() }));
    await cluster.apply(
      echoApp({
        name: 'names',
        namespace,
        container: {
          command: ['/app/node', '-e', UDP_APP],
          ports: [{ containerPort: 5353, protocol: 'UDP' }],
          readinessProbe: { exec: { command: ['/app/node', '-v'] }, periodSeconds: 10 },
        },
        service: { ports: [{ port: 53, protocol: 'UDP', targetPort: 5353 }] },
      }),
    );
    const idle = { name: 'client', image: TEST_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['/app/node', '-e', 'setInterval(() => {}, 1e6)'] };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'client', namespace }, spec: { terminationGracePeriodSeconds: 0, containers: [idle] } };
    await cluster.apply(JSON.stringify(pod));
    await Promise.all([settled(cluster, web), settled(cluster, { name: 'names', namespace, url: '' })]);
    await workstation.ok(['connect', '-n', namespace]);
  });

  afterAll(() => stack.disposeAsync());

  it('sends a redirected UDP port to the workstation, and back to the app', async () => {
    const ask = (): Promise<string> => cluster.kubectl(['-n', namespace, 'exec', 'client', '--', '/app/node', '-e', UDP_ASK]);
    expect(await ask()).toBe('names hello');
    stack.use(workstation.background('node', ['-e', UDP_LOCAL]));
    await workstation.ok(['intercept', 'names', '--port', '5300:53/UDP'], { timeoutMs: 90_000 });
    expect(await ask()).toBe('local hello');
    await workstation.ok(['leave', 'names']);
    await eventually('the app answers', async () => (await ask()) === 'names hello');
  });

  it('scales up at full speed with the manager at 0 replicas; the intercept is Degraded when it is back, then Active', async () => {
    await scale(1);
    const before = await scaleUp();
    await scale(1);
    await workstation.ok(['intercept', 'web', '--port', '8080'], { timeoutMs: 90_000 });
    await settled(cluster, web, true);
    const replicas = await manager(['get', MANAGER, '-o', 'jsonpath={.spec.replicas}']);
    let alone: number;
    try {
      await manager(['scale', MANAGER, '--replicas=0']);
      await manager(['wait', '--for=delete', 'pod', '-l', 'app=traffic-manager', '--timeout=80s']);
      alone = await scaleUp();
    } finally {
      await manager(['scale', MANAGER, `--replicas=${replicas}`]);
    }
    expect((await podsOf(cluster, namespace, 'web')).filter(hasAgent)).toHaveLength(1);
    const phase = 'jsonpath={.status.phase} {.status.message}{"\\n"}';
    await using watch = workstation.background('kubectl', ['-n', namespace, 'get', 'intercepts', '-w', '-o', phase]);
    const phases = (): string[] =>
      watch
        .output()
        .split('\n')
        .filter((line) => line !== '');
    await eventually(
      'it is Active with all pods',
      async () => {
        const pods = await podsOf(cluster, namespace, 'web');
        return (
          phases().some((line) => line.startsWith('Degraded')) && phases().at(-1)?.startsWith('Active') === true && pods.length === 4 && pods.every(hasAgent)
        );
      },
      120_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${phases().join('\n')}`);
    });
    process.stdout.write(`4 pods: ${before.toFixed(0)} ms with the manager, ${alone.toFixed(0)} ms without; then ${phases().join(' → ')}\n`);
    expect(alone).toBeLessThan(within(before + NOISE_MS));
  }, 300_000);
});
