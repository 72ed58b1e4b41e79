/**
 * The guide "Intercept a Service in Your Own Environment", sections 2 and 3, typed word for word on a fresh workstation.
 * What it prints is what the guide prints.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { echoApp } from './apps/echo.ts';
import { clusterAvailable, startCluster, type TestCluster } from './harness/cluster.ts';
import { eventually } from './harness/run.ts';
import type { Workstation } from './harness/workstation.ts';

const LOCAL_SERVICE = `require('http').createServer((req, res) => res.end('local ' + (process.env.GREETING || '') + '\\n')).listen(8080, '127.0.0.1')`;

describe.skipIf(!clusterAvailable)('the guide (needs root and the test cluster)', () => {
  let cluster: TestCluster;
  let workstation: Workstation;
  let before: string;

  beforeAll(async () => {
    cluster = await startCluster();
    await cluster.apply(echoApp({ name: 'example-service', namespace: 'default', env: [{ name: 'GREETING', value: 'good day' }] }));
    await cluster.kubectl(['rollout', 'status', 'deployment/example-service', '--timeout=60s']);
    {
      // the guide's cluster has a traffic-manager; an empty one gets it by the first connect, which says so
      await using administrator = await cluster.workstation('admin');
      await administrator.ok(['connect'], { timeoutMs: 120_000 });
      // and its service has been there for a while: kube-proxy takes up to a second or two to know of new pods
      const known = async () => (await administrator.shell('curl -s --max-time 5 http://example-service/')).code === 0;
      await eventually('the service answers', known, 30_000);
    }
    workstation = await cluster.workstation('guide');
    before = await workstation.networkState();
  });

  afterAll(async () => {
    await workstation?.[Symbol.asyncDispose]();
    await cluster?.kubectl(['delete', 'deployment,service', 'example-service', '--wait=false']);
  });

  it('connects', async () => {
    const { stdout, stderr, code } = await workstation.shell('telepresence connect');
    expect(`${stderr}${code === 0 ? '' : await workstation.logTail()}`).toBe('');
    expect(stdout).toBe(`Launching Telepresence Daemon\n...\nConnected to context default (${cluster.server})\n`);
  });

  it('reaches the API server by its name in the cluster', async () => {
    const { stdout } = await workstation.shell('curl -sik https://kubernetes.default.svc.cluster.local');
    expect(stdout).toMatch(/^HTTP\/(1\.1|2) 401/);
    expect(JSON.parse(stdout.slice(stdout.indexOf('{')))).toMatchObject({ kind: 'Status', status: 'Failure', reason: 'Unauthorized', code: 401 });
  });

  it('reaches the service by its short name', async () => {
    const { stdout } = await workstation.shell('curl -s --max-time 5 http://example-service/');
    expect(stdout).toMatch(/^example-service /);
  });

  it('lists what can be intercepted', async () => {
    const { stdout } = await workstation.shell('telepresence list');
    expect(stdout.split('\n')).toContain('example-service: ready to intercept (traffic-agent not yet installed)');
  });

  it('intercepts all traffic and writes the environment', async () => {
    const { stdout, stderr, code } = await workstation.shell(
      'telepresence intercept example-service --port 8080:http --env-file ~/example-service-intercept.env',
    );
    expect(code === 0 ? '' : `${stderr}${await workstation.logTail()}`).toBe('');
    // what stands beside it on stderr: that nothing listens yet, and that it takes a while
    expect(stderr).toMatch(/^(Warning: Nothing listens on 127\.0\.0\.1:8080 yet.*\n)?(Waiting for .*\n)*$/);
    expect(stdout).toBe(
      [
        'Using deployment example-service',
        'intercepted',
        '    Intercept name: example-service',
        '    State         : ACTIVE',
        '    Destination   : 127.0.0.1:8080',
        '    Intercepting  : all TCP connections',
        '',
      ].join('\n'),
    );
    const env = await readFile(path.join(workstation.home, 'example-service-intercept.env'), 'utf8');
    expect(env.split('\n')).toContain('GREETING=good day');
  });

  it('answers from the process on the workstation', async () => {
    await using _service = workstation.background('bash', [
      '-c',
      `set -a; . <(sed 's/=\\(.*\\)/="\\1"/' ~/example-service-intercept.env); exec node -e "${LOCAL_SERVICE}"`,
    ]);
    const inCluster = () =>
      cluster.kubectl([
        'exec',
        'deploy/example-service',
        '-c',
        'app',
        '--',
        '/app/node',
        '-e',
        `fetch('http://example-service/').then(r=>r.text()).then(t=>process.stdout.write(t))`,
      ]);
    await eventually('the local process answers a pod', async () => (await inCluster()) === 'local good day\n');
    const { stdout } = await workstation.shell('curl -s --max-time 5 http://example-service/');
    expect(stdout).toBe('local good day\n');
  });

  it('shows the intercept in list and status', async () => {
    const { stdout } = await workstation.shell('telepresence list');
    expect(stdout).toContain('example-service: intercepted\n');
    expect((await workstation.shell('telepresence status')).stdout).toContain('example-service');
  });

  it('leaves', async () => {
    const { stdout, code } = await workstation.shell('telepresence leave example-service');
    expect([stdout, code]).toEqual(['', 0]);
    await eventually('the cluster’s app answers', async () =>
      (await workstation.shell('curl -s --max-time 5 http://example-service/')).stdout.startsWith('example-service '),
    );
    expect((await workstation.shell('telepresence list')).stdout.split('\n')).toContain(
      'example-service: ready to intercept (traffic-agent already installed)',
    );
  });

  it('quits and leaves nothing behind', async () => {
    expect((await workstation.shell('telepresence quit')).code).toBe(0);
    expect(await workstation.networkState()).toBe(before);
  });
});
