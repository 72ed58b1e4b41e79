/** What is measured on: a namespace with the measured server in several guises, a pod that asks, and a workstation. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parse } from 'yaml';
import { mintCa } from '../../src/manager/tls/certificates.ts';
import { TEST_IMAGE } from '../e2e/apps/echo.ts';
import { repository, type TestCluster } from '../e2e/harness/cluster.ts';
import { scriptedLab } from '../e2e/harness/lab.ts';
import { eventually } from '../e2e/harness/run.ts';
import { Workstation } from '../e2e/harness/workstation.ts';
import { type Cpu, cpuBetween, cpuOf, findProcesses, type Memory, memoryOf, type Processes, ROLES, type Role } from './processes.ts';
import type { Target, Task } from './programs/client.ts';

export const NAMESPACE = 'bench';
const PORT = 8080;
/** Where `kubectl port-forward` and the intercepting process listen on the workstation. */
export const FORWARDED_PORT = 18_080;
export const LOCAL_PORT = 18_081;
/** As ordinary workloads have: without it the kernel serves a pod only with what the traffic-manager leaves on the two cores. */
const RESOURCES = { requests: { cpu: '100m' } };
/** For servers of which many stand at once. */
export const LITTLE = { requests: { cpu: '10m' } };
const programs = path.join(import.meta.dirname, 'programs');
const kube = path.resolve(repository, process.env['TELEPRESENCE_TEST_KUBE'] ?? '../shared/kube');

/** What a task printed, and what it cost the parts of Telepresence (and kubectl, and the API server). */
export interface Outcome {
  result: Record<string, unknown>;
  cpu: Cpu;
}

export const service = (name: string): Target => ({ host: `${name}.${NAMESPACE}.svc.cluster.local`, port: 80 });
export const FORWARDED: Target = { host: '127.0.0.1', port: FORWARDED_PORT };

function serverObjects(name: string, { tls = false, resources = RESOURCES } = {}): object[] {
  const labels = { app: name };
  const command = ['/app/node', '/bench/server.ts', name, String(PORT), ...(tls ? ['/bench/tls.crt', '/bench/tls.key'] : [])];
  const container = {
    name: 'app',
    image: TEST_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command,
    resources,
    ports: [{ name: 'http', containerPort: PORT }],
    readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 1 },
    volumeMounts: [{ name: 'bench', mountPath: '/bench' }],
  };
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: NAMESPACE, labels },
      spec: {
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { terminationGracePeriodSeconds: 2, containers: [container], volumes: [{ name: 'bench', configMap: { name: 'bench' } }] },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: NAMESPACE },
      spec: { selector: labels, ports: [{ name: 'http', port: tls ? 443 : 80, targetPort: 'http' }] },
    },
  ];
}

function clientPod(): object {
  const container = {
    name: 'client',
    image: TEST_IMAGE,
    imagePullPolicy: 'IfNotPresent',
    command: ['/app/node', '-e', 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1e9)'],
    resources: RESOURCES,
    volumeMounts: [{ name: 'bench', mountPath: '/bench' }],
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'client', namespace: NAMESPACE },
    spec: { terminationGracePeriodSeconds: 1, containers: [container], volumes: [{ name: 'bench', configMap: { name: 'bench' } }] },
  };
}

/** The cluster's half, for all workstations. */
export class Scene {
  readonly cluster: TestCluster;

  private constructor(cluster: TestCluster) {
    this.cluster = cluster;
  }

  static async create(cluster: TestCluster): Promise<Scene> {
    const scene = new Scene(cluster);
    await scene.remove();
    const { certificate, key } = await mintCa({ name: 'bench', now: Date.now() });
    const files = {
      'server.ts': await readFile(path.join(programs, 'server.ts'), 'utf8'),
      'client.ts': await readFile(path.join(programs, 'client.ts'), 'utf8'),
    };
    await scene.apply([
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'bench', namespace: NAMESPACE }, data: { ...files, 'tls.crt': certificate, 'tls.key': key } },
      ...serverObjects('bare', { tls: true }),
      clientPod(),
    ]);
    await scene.servers(['plain', 'idle', 'app']);
    await cluster.kubectl(['-n', NAMESPACE, 'wait', 'pod/client', '--for=condition=Ready', '--timeout=60s'], { timeoutMs: 70_000 });
    await scene.rolledOut('bare');
    return scene;
  }

  apply(items: object[]): Promise<void> {
    return this.cluster.apply(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  }

  /** Adds measured servers; resolves when they are ready. @param resources less for many: a small node could not promise as much to each. */
  async servers(names: readonly string[], resources = RESOURCES): Promise<void> {
    await this.apply(names.flatMap((name) => serverObjects(name, { resources })));
    for (const name of names) await this.rolledOut(name);
  }

  async rolledOut(name: string): Promise<void> {
    await this.cluster.kubectl(['-n', NAMESPACE, 'rollout', 'status', `deployment/${name}`, '--timeout=90s'], { timeoutMs: 100_000 });
  }

  async withoutServers(names: readonly string[]): Promise<void> {
    await this.cluster.kubectl(['-n', NAMESPACE, 'delete', 'deployment,service', ...names, '--ignore-not-found', '--wait=false']);
  }

  async fromPod(task: Task): Promise<Record<string, unknown>> {
    const printed = await this.cluster.kubectl(['-n', NAMESPACE, 'exec', 'client', '--', '/app/node', '/bench/client.ts', JSON.stringify(task)], {
      timeoutMs: 180_000,
    });
    return JSON.parse(printed) as Record<string, unknown>;
  }

  async remove(): Promise<void> {
    await this.cluster.kubectl(['delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=true', '--timeout=90s'], { timeoutMs: 100_000 });
  }
}

/** A workstation `rtt` milliseconds from the API server. */
export class Desk implements AsyncDisposable {
  readonly scene: Scene;
  readonly rtt: number;
  readonly workstation: Workstation;
  readonly #far: ChildProcess | undefined;
  readonly #kubeconfig: string;
  #forward: (AsyncDisposable & { output: () => string }) | undefined;
  #local: AsyncDisposable | undefined;
  #most = new Map<Role, Memory>();

  private constructor(scene: Scene, rtt: number, workstation: Workstation, kubeconfig: string, far: ChildProcess | undefined) {
    this.scene = scene;
    this.rtt = rtt;
    this.workstation = workstation;
    this.#kubeconfig = kubeconfig;
    this.#far = far;
  }

  static async create(scene: Scene, rtt: number): Promise<Desk> {
    const name = `bench${rtt}`;
    const { kubeconfig: near } = scene.cluster;
    const far = rtt === 0 ? undefined : await startFar(rtt);
    const kubeconfig = far?.kubeconfig ?? near;
    const workstation = await Workstation.create({ lab: scriptedLab(kube), name, kubeconfig, kubectl: path.join(path.dirname(near), 'bin/kubectl') });
    return new Desk(scene, rtt, workstation, kubeconfig, far?.child);
  }

  /** Processes that count: found anew, since some come and go. */
  processes(pods = 'app-'): Processes {
    return findProcesses({ home: this.workstation.home, pods });
  }

  /** Runs a task in the pod or on the workstation and counts what the parts burn meanwhile. @param pods see {@link findProcesses} */
  async perform(where: 'pod' | 'workstation', task: Task, pods?: string): Promise<Outcome> {
    const processes = this.processes(pods);
    const before = cpuOf(processes);
    const result = where === 'pod' ? await this.scene.fromPod(task) : await this.onWorkstation(task);
    const cpu = cpuBetween(before, cpuOf(processes));
    for (const role of ROLES) {
      const memory = memoryOf(processes, role);
      if (memory !== undefined && memory.pss > (this.#most.get(role)?.pss ?? 0)) this.#most.set(role, memory);
    }
    return { result, cpu };
  }

  /** Now, with the agents of the intercepted server. */
  memory(role: Role): Memory | undefined {
    return memoryOf(this.processes(), role);
  }

  /** The most that was seen right after a task. */
  mostMemory(role: Role): Memory | undefined {
    return this.#most.get(role);
  }

  async onWorkstation(task: Task): Promise<Record<string, unknown>> {
    const { code, stdout, stderr } = await this.workstation.run(process.execPath, [path.join(programs, 'client.ts'), JSON.stringify(task)], {
      timeoutMs: 180_000,
    });
    if (code !== 0) throw new Error(`${task.mode} ended with ${code}: ${stderr}\n${await this.workstation.logTail()}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  /** Milliseconds of each run of a command, without what it takes to get onto the workstation. */
  async time(command: string[], times = 1): Promise<number[]> {
    return (await this.onWorkstation({ mode: 'time', command, times }))['ms'] as number[];
  }

  async connected(): Promise<void> {
    await this.workstation.ok(['connect', '-n', NAMESPACE]);
  }

  /** `kubectl port-forward` to the server without an agent. */
  async forward(): Promise<void> {
    if (this.#forward !== undefined) return;
    const child = this.workstation.background('kubectl', ['-n', NAMESPACE, 'port-forward', 'service/plain', `${FORWARDED_PORT}:80`]);
    this.#forward = child;
    await eventually('kubectl port-forward listens', () => Promise.resolve(child.output().includes('Forwarding from 127.0.0.1')));
  }

  /** The process that answers intercepted requests. */
  async local(): Promise<void> {
    this.#local ??= this.workstation.background(process.execPath, [path.join(programs, 'server.ts'), 'local', String(LOCAL_PORT)]);
    await eventually('the local process answers', async () => (await this.workstation.shell(`exec 3<>/dev/tcp/127.0.0.1/${LOCAL_PORT}`)).code === 0);
  }

  /** Intercepts, and waits until the pod's requests reach the workstation. */
  async intercept(name: string): Promise<void> {
    await this.local();
    await this.workstation.ok(['intercept', name, '--port', `${LOCAL_PORT}:http`, '--mount=false']);
    await eventually('requests reach the workstation', async () => {
      const { seen } = await this.scene.fromPod({ mode: 'watch', target: service(name), seconds: 0.2, everyMs: 50 });
      return (seen as { who: string }[]).every(({ who }) => who === 'local');
    });
  }

  async leave(name: string): Promise<void> {
    await this.workstation.ok(['leave', name]);
  }

  /** The bare upgraded stream to a server of the bench through the API server's service proxy. */
  async bare(): Promise<Target> {
    const config = parse(await readFile(this.#kubeconfig, 'utf8')) as {
      clusters: { cluster: { server: string } }[];
      users: { user: Record<string, string> }[];
    };
    const url = new URL(config.clusters[0]?.cluster.server ?? '');
    const user = config.users[0]?.user ?? {};
    const pem = async (name: string): Promise<string> => {
      const inline = user[`${name}-data`];
      return inline === undefined ? readFile(user[name] ?? '', 'utf8') : Buffer.from(inline, 'base64').toString();
    };
    const proxied = `/api/v1/namespaces/${NAMESPACE}/services/https:bare:http/proxy/stream`;
    return { apiHost: url.hostname, apiPort: Number(url.port), path: proxied, certificate: await pem('client-certificate'), key: await pem('client-key') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#forward?.[Symbol.asyncDispose]();
    await this.#local?.[Symbol.asyncDispose]();
    await this.workstation[Symbol.asyncDispose]();
    this.#far?.stdin?.end();
    if (this.#far !== undefined && this.#far.exitCode === null) await once(this.#far, 'exit');
  }
}

/** The delay lives as long as the command that `far` runs: that one waits for the end of its input. */
async function startFar(rtt: number): Promise<{ kubeconfig: string; child: ChildProcess }> {
  // not on the measured workstation, which is made anew and then ends all that ran on it
  const child = spawn(path.join(kube, 'far'), [String(rtt), '--name', `far${rtt}`, 'sh', '-c', 'echo $KUBECONFIG; cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { kubeconfig: line.toString().trim(), child };
}
