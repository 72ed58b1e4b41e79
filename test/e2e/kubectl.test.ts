/** What users type at the real `kubectl`, of an older and a newer version than the cluster, word for word from a workstation. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { TEST_IMAGE } from './apps/echo.ts';
import { clusterAvailable, startCluster, type TestCluster, testNamespace } from './harness/cluster.ts';
import { triedKubectls } from './harness/kubectls.ts';
import { eventually, type RunOptions } from './harness/run.ts';
import { typeOnTerminal } from './harness/terminal.ts';
import type { Workstation } from './harness/workstation.ts';

/** Says each request that it answers; what stays of one pod in another's logs would be seen by the name. */
const SERVER = `
require('http').createServer((req, res) => { console.log('asked for ' + req.url); res.end(process.env.HOSTNAME + '\\n'); }).listen(8080);
process.on('SIGTERM', () => process.exit(0));
console.log('serving');
`;
/** Asks at a terminal, says what was typed and how wide it is, and ends with 4. */
const ASKS = `process.stdout.write('name> '); process.stdin.once('data', (typed) => { console.log('typed ' + String(typed).trim() + ', at a terminal: ' + process.stdout.isTTY + ', ' + process.stdout.columns + ' wide'); process.exit(4); })`;

/** The same for who comes later: it asks until somebody has typed. */
const ASKS_AGAIN = `const asking = setInterval(() => process.stdout.write('name> '), 300); process.stdin.once('data', () => clearInterval(asking)); ${ASKS}`;

/** @param a what the container's variable A is */
function app(a?: string): string {
  const labels = { app: 'web' };
  const container = {
    name: 'web',
    image: TEST_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['/app/node', '-e', SERVER],
    ports: [{ name: 'http', containerPort: 8080 }],
    ...(a === undefined ? {} : { env: [{ name: 'A', value: a }] }),
    readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 1 },
  };
  const objects = [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 5, containers: [container] } },
      },
    },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec: { selector: labels, ports: [{ port: 80, targetPort: 'http' }] } },
  ];
  return objects.map((object) => stringify(object)).join('---\n');
}

const missing = (why: string | undefined): string => (why === undefined ? '' : ` (not tried: ${why})`);

describe.each(triedKubectls().map((tried, index) => ({ ...tried, index, title: `${tried.name}${missing(tried.missing)}` })))(
  '$title',
  ({ binary, index, missing: why }) => {
    const skipped = !clusterAvailable || why !== undefined;
    const namespace = `kubectl-${index}`;
    const cleanUp = new AsyncDisposableStack();
    let cluster: TestCluster;
    let workstation: Workstation;

    const kubectl = (args: readonly string[], options: RunOptions = {}) => workstation.run(binary, ['-n', namespace, ...args], options);
    async function ok(...args: string[]): Promise<string> {
      const { code, stdout, stderr } = await kubectl(args);
      expect(code, `kubectl ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
      return stdout;
    }
    const watching = (...args: string[]) => workstation.background(binary, ['-n', namespace, ...args]);
    const names = async (kind: string): Promise<string[]> => (await ok('get', kind, '-o', 'name')).split('\n').filter((line) => line !== '');
    const onePod = async (): Promise<string> => (await ok('get', 'pods', '--field-selector=status.phase=Running', '-o', 'name')).split('\n')[0] ?? '';
    async function manifest(text: string): Promise<string> {
      const file = path.join(workstation.home, 'app.yaml');
      await writeFile(file, text);
      return file;
    }

    beforeAll(async () => {
      if (skipped) return;
      cluster = await startCluster();
      workstation = await cluster.workstation(namespace);
      cleanUp.use(workstation);
      cleanUp.use(await testNamespace(cluster, namespace));
    });
    afterAll(() => cleanUp.disposeAsync());

    it.skipIf(skipped)('apply, on the client: created, unchanged, configured', async () => {
      const file = await manifest(app());
      expect(await ok('apply', '-f', file)).toBe('deployment.apps/web created\nservice/web created\n');
      expect(await ok('apply', '-f', file)).toBe('deployment.apps/web unchanged\nservice/web unchanged\n');
      expect((await kubectl(['diff', '-f', await manifest(app('one'))])).stdout).toMatch(/^\+ +- name: A\n\+ +value: one$/m);
      expect(await ok('apply', '-f', file)).toBe('deployment.apps/web configured\nservice/web unchanged\n');
      expect(await ok('rollout', 'status', 'deployment/web', '--timeout=60s')).toContain('deployment "web" successfully rolled out\n');
      expect(await ok('get', 'deployment', 'web')).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nweb +1\/1 +1 +1 +\d+s\n$/);
    });

    it.skipIf(skipped)('apply of a List, and of what is no field: refused by its name', async () => {
      const map = (name: string, rest: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: '1' }, ...rest });
      const list = (...items: object[]) => manifest(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
      expect(await ok('apply', '-f', await list(map('first'), map('second')))).toBe('configmap/first created\nconfigmap/second created\n');
      const refused = await kubectl(['apply', '-f', await manifest(JSON.stringify(map('first', { dada: {} })))]);
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('unknown field "dada"')]);
      await ok('delete', 'configmap', 'first', 'second');
    });

    it.skipIf(skipped)('apply, on the server: who owns a field, and who takes it', async () => {
      const file = await manifest(app('one'));
      expect(await ok('apply', '--server-side', '-f', file)).toBe('deployment.apps/web serverside-applied\nservice/web serverside-applied\n');
      const other = ['apply', '--server-side', '--field-manager=other', '-f', await manifest(app('two'))];
      const refused = await kubectl(other);
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('Apply failed with 1 conflict: conflict with "kubectl": .spec.template.spec.containers[name="web"].env[name="A"].value');
      expect(await ok(...other, '--force-conflicts')).toContain('deployment.apps/web serverside-applied\n');
      expect(await ok('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.spec.containers[0].env}')).toBe('[{"name":"A","value":"two"}]');
      await ok('rollout', 'status', 'deployment/web', '--timeout=60s');
    });

    it.skipIf(skipped)('get -w and scale: each pod as it comes and goes', async () => {
      await using pods = watching('get', 'pods', '-w');
      await eventually('the pod that is there', async () => /^web-/m.test(pods.output()));
      expect(await ok('scale', 'deployment', 'web', '--replicas=3')).toBe('deployment.apps/web scaled\n');
      await ok('rollout', 'status', 'deployment/web', '--timeout=60s');
      expect(await ok('get', 'deployment', 'web', '-o', 'jsonpath={.status.readyReplicas}')).toBe('3');
      expect(await ok('scale', 'deployment', 'web', '--replicas=1', '--current-replicas=3')).toBe('deployment.apps/web scaled\n');
      expect((await kubectl(['scale', 'deployment', 'web', '--replicas=2', '--current-replicas=7'])).stderr).toContain('xpected replicas to be 7, was 1');
      await eventually('two pods gone', async () => (await names('pods')).length === 1);
      await eventually('their end on the screen', async () => new Set(pods.output().match(/^web-\S+ +\d\/1 +(Terminating|Completed)/gm)).size >= 2);
      expect(pods.output()).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\n/);
      expect(pods.output()).toMatch(/^web-\S+ +0\/1 +ContainerCreating +0 +\d+s$/m);
      expect(pods.output()).toMatch(/^web-\S+ +1\/1 +Running +0 +\d+s$/m);
    });

    it.skipIf(skipped)('describe: a Deployment, a pod and what happened to them', async () => {
      const deployment = await ok('describe', 'deployment', 'web');
      expect(deployment).toMatch(/^Replicas: +1 desired \| 1 updated \| 1 total \| 1 available \| 0 unavailable$/m);
      expect(deployment).toMatch(/^ +Normal +ScalingReplicaSet .*Scaled up replica set web-\S+ from 0 to 1$/m);
      const pod = await ok('describe', await onePod());
      expect(pod).toMatch(/^Controlled By: +ReplicaSet\/web-\S+$/m);
      expect(pod).toMatch(/^ +Readiness: +http-get http:\/\/:http\/ready /m);
      for (const event of ['Scheduled', 'Created', 'Started']) expect(pod).toMatch(new RegExp(`^ +Normal +${event} `, 'm'));
    });

    it.skipIf(skipped)('logs -f: what was said and what is said, until the container ends', async () => {
      const pod = await onePod();
      await using log = watching('logs', '-f', pod);
      await eventually('what it said before', async () => log.output().startsWith('serving\n'));
      await ok('exec', pod, '--', '/app/node', '-e', `fetch('http://127.0.0.1:8080/while-followed')`);
      await eventually('what it says now', async () => log.output().includes('asked for /while-followed\n'));
      const ended = new Promise((resolve) => log.once('exit', resolve));
      await ok('delete', pod);
      expect(await ended).toBe(0);
      await ok('rollout', 'status', 'deployment/web', '--timeout=60s');
      expect(await ok('logs', 'deployment/web', '--tail=1')).toMatch(/^asked for \/ready\n$/);
      expect(await ok('logs', '-l', 'app=web', '--timestamps', '--prefix', '--tail=-1')).toMatch(/^\[pod\/web-\S+\/web\] \d{4}-\S+Z serving$/m);
    });

    it.skipIf(skipped)('exec: input, both outputs and the exit code', async () => {
      const program = `process.stdin.on('data', (text) => { process.stdout.write('out ' + text); process.stderr.write('err ' + text); }).on('end', () => process.exit(3))`;
      const { code, stdout, stderr } = await kubectl(['exec', '-i', await onePod(), '--', '/app/node', '-e', program], { input: 'hello\n' });
      expect([code, stdout]).toEqual([3, 'out hello\n']);
      expect(stderr).toBe('err hello\ncommand terminated with exit code 3\n');
    });

    it.skipIf(skipped)('exec -it: a terminal of the size of the one outside, what is typed there, and the exit code', async () => {
      const line = `stty cols 97 rows 31; ${binary} -n ${namespace} exec -it ${await onePod()} -- /app/node -e "${ASKS}"`;
      const { screen, code } = await typeOnTerminal(workstation, line, { prompt: /name> $/, answers: ['grace'] });
      expect(screen).toContain('typed grace, at a terminal: true, 97 wide\n');
      expect(code).toBe(4);
    });

    it.skipIf(skipped)('attach, and run -i: what the container’s own process prints, and its input', async () => {
      const pod = await onePod();
      await using attached = watching('attach', pod);
      await eventually('what it says', async () => {
        await ok('exec', pod, '--', '/app/node', '-e', `fetch('http://127.0.0.1:8080/while-attached')`);
        return attached.output().includes('asked for /while-attached\n');
      });
      const program = `process.stdin.on('data', (text) => console.log('got ' + String(text).trim())).on('end', () => console.log('no more'))`;
      const args = ['run', 'asks', `--image=${TEST_IMAGE}`, '-i', '--restart=Never', '--quiet', '--command', '--', '/app/node', '-e', program];
      const { code, stdout, stderr } = await kubectl(args, { input: 'hello\n' });
      expect([code, stdout], stderr).toEqual([0, expect.stringContaining('got hello\n')]);
      expect(await ok('logs', 'asks')).toBe('got hello\nno more\n');
      await ok('delete', 'pod', 'asks');
    });

    it.skipIf(skipped)('attach -it, and run -it: the terminal of the container’s own process, and its exit code', async () => {
      const container = { name: 'main', image: TEST_IMAGE, imagePullPolicy: 'IfNotPresent', command: ['/app/node', '-e', ASKS_AGAIN], stdin: true, tty: true };
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'typed' }, spec: { restartPolicy: 'Never', containers: [container] } };
      await ok('apply', '-f', await manifest(JSON.stringify(pod)));
      await ok('wait', '--for=condition=Ready', 'pod/typed', '--timeout=60s');
      const onTerminal = (line: string) =>
        typeOnTerminal(workstation, `stty cols 97 rows 31; ${binary} -n ${namespace} ${line}`, { prompt: /name> $/, answers: ['grace'] });
      // as to pipes, with two outputs
      expect((await kubectl(['attach', '-i', 'typed'], { input: 'nobody\n' })).code).toBe(1);
      const attached = await onTerminal('attach -it typed');
      expect([attached.code, attached.screen]).toEqual([0, expect.stringContaining('typed grace, at a terminal: true, 97 wide\n')]);
      await ok('wait', '--for=jsonpath={.status.phase}=Failed', 'pod/typed', '--timeout=60s');
      expect(await ok('get', 'pod', 'typed', '-o', 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}')).toBe('4');
      // lines of a log end as lines of a file do
      expect(await ok('logs', 'typed')).toMatch(/name> grace\ntyped grace, at a terminal: true, 97 wide\n$/);
      await ok('delete', 'pod', 'typed');
      const ran = await onTerminal(`run asks -it --rm --restart=Never --image=${TEST_IMAGE} --command -- /app/node -e "${ASKS_AGAIN}"`);
      expect([ran.code, ran.screen]).toEqual([4, expect.stringContaining('typed grace, at a terminal: true, 97 wide\n')]);
      expect(ran.screen).toMatch(/^pod "asks" deleted/m);
      expect(ran.screen).toContain(`pod ${namespace}/asks terminated (Error)\n`);
    });

    it.skipIf(skipped).each(['pod', 'service/web'])('port-forward: connections one after the other and beside each other, to a %s', async (target) => {
      const pod = await onePod();
      await using forward = watching('port-forward', target === 'pod' ? pod : target, target === 'pod' ? ':8080' : ':80');
      const port = await eventually('a port', async () => /Forwarding from 127\.0\.0\.1:(\d+) -> 8080/.exec(forward.output())?.[1]);
      const ask = async (): Promise<string> => (await workstation.run('curl', ['-s', '--max-time', '10', `http://127.0.0.1:${port}/`])).stdout;
      const name = `${pod.replace('pod/', '')}\n`;
      expect(await ask()).toBe(name);
      expect(await Promise.all(Array.from({ length: 8 }, ask))).toEqual(Array(8).fill(name));
      expect(await ask()).toBe(name);
    });

    it.skipIf(skipped)('rollout: restart, history, undo, pause and resume', async () => {
      const before = await names('pods');
      expect(await ok('rollout', 'restart', 'deployment/web')).toBe('deployment.apps/web restarted\n');
      expect(await ok('rollout', 'status', 'deployment/web', '--timeout=60s')).toContain('deployment "web" successfully rolled out\n');
      await eventually('new pods only', async () => (await names('pods')).every((name) => !before.includes(name)));
      const history = (await ok('rollout', 'history', 'deployment/web')).match(/^\d+ /gm) ?? [];
      expect(history.length).toBeGreaterThanOrEqual(3);
      expect(await ok('rollout', 'undo', 'deployment/web')).toBe('deployment.apps/web rolled back\n');
      await ok('rollout', 'status', 'deployment/web', '--timeout=60s');
      expect(await ok('get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.metadata.annotations}')).toBe('');
      expect(await ok('rollout', 'pause', 'deployment/web')).toBe('deployment.apps/web paused\n');
      await ok('set', 'env', 'deployment/web', 'B=1');
      expect(await ok('rollout', 'resume', 'deployment/web')).toBe('deployment.apps/web resumed\n');
      await ok('rollout', 'status', 'deployment/web', '--timeout=60s');
    });

    it.skipIf(skipped)('what else is typed: run, wait, label, patch, expose, create token, auth can-i, events', async () => {
      const image = `--image=${TEST_IMAGE}`;
      expect(await ok('run', 'one', image, '--restart=Never', '--command', '--', '/app/node', '-e', 'console.log(6 * 7)')).toBe('pod/one created\n');
      expect(await ok('wait', '--for=jsonpath={.status.phase}=Succeeded', 'pod/one', '--timeout=60s')).toBe('pod/one condition met\n');
      expect(await ok('logs', 'one')).toBe('42\n');
      expect(await ok('create', 'job', 'once', image, '--', '/app/node', '-e', '1')).toBe('job.batch/once created\n');
      expect(await ok('wait', '--for=condition=complete', 'job/once', '--timeout=60s')).toBe('job.batch/once condition met\n');
      expect(await ok('label', 'deployment', 'web', 'tier=front')).toBe('deployment.apps/web labeled\n');
      expect(await ok('get', 'deployments', '-l', 'tier in (front)', '-o', 'name')).toBe('deployment.apps/web\n');
      expect(await ok('patch', 'deployment', 'web', '-p', '{"spec":{"minReadySeconds":1}}')).toBe('deployment.apps/web patched\n');
      expect(await ok('expose', 'deployment', 'web', '--name=more', '--port=80', '--target-port=http')).toBe('service/more exposed\n');
      await ok('create', 'serviceaccount', 'robot');
      await ok('create', 'role', 'reader', '--verb=get', '--resource=pods');
      await ok('create', 'rolebinding', 'reads', '--role=reader', `--serviceaccount=${namespace}:robot`);
      const robot = `--as=system:serviceaccount:${namespace}:robot`;
      expect((await ok('create', 'token', 'robot')).split('.')).toHaveLength(3);
      await eventually('the right', async () => (await kubectl(['auth', 'can-i', 'get', 'pods', robot])).stdout === 'yes\n');
      expect((await kubectl(['auth', 'can-i', 'delete', 'pods', robot])).stdout).toBe('no\n');
      expect(await ok('get', 'events', '--sort-by=.lastTimestamp')).toContain('pod/one');
      expect(await ok('explain', 'deployment.spec.strategy.rollingUpdate')).toContain('maxSurge');
    });

    it.skipIf(skipped)('delete: dependents orphaned, waited for, or taken along later', async () => {
      const pods = async () => (await ok('get', 'pods', '-l', 'app=web', '-o', 'name')).split('\n').filter((line) => line !== '');
      expect(await ok('delete', 'deployment', 'web', '--cascade=orphan')).toMatch(/^deployment\.apps "web" deleted( from \S+ namespace)?\n$/);
      expect((await names('replicasets')).length).toBeGreaterThan(0);
      expect(await pods()).toHaveLength(1);
      await ok('delete', 'replicasets', '--all', '--cascade=foreground');
      expect([await names('replicasets'), await pods()]).toEqual([[], []]);
      await ok('apply', '-f', await manifest(app()));
      await ok('rollout', 'status', 'deployment/web', '--timeout=60s');
      await ok('delete', '-f', await manifest(app()), '--cascade=background');
      await eventually('what it had', async () => (await names('replicasets')).length + (await pods()).length === 0);
      expect(await ok('delete', 'deployment', 'web', '--ignore-not-found')).toBe('');
    });
  },
);
