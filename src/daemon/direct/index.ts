/**
 * Direct connections: workstation ⇄ API server ⇄ agent, without a manager between, where the user may `get pods/proxy` in the workload's
 * namespace. Agents send intercepted connections on them first; whoever may not, or can't, gets them through a manager as ever.
 */
import type { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { KubeClient } from '../../kube/index.ts';
import type { MuxStream } from '../../mux/index.ts';
import type { DirectAgents } from '../../protocol/tunnel.ts';
import { type WorkloadRef, workloadKey } from '../../protocol/workload.ts';
import { DIRECT_PODS_LIMIT } from './limits.ts';
import { DirectPod } from './pod.ts';

export interface DirectOptions {
  kube: Pick<KubeClient, 'upgrade'>;
  session: { name: string; uid: string };
  sign: (text: string) => string;
  version: string;
  log: Log;
  /** Whether this session intercepts the workload. */
  wanted: (workload: WorkloadRef) => boolean;
  /** A stream that an agent of the workload opened. Its stream header is not read yet. */
  onStream: (stream: MuxStream, workload: WorkloadRef) => void;
}

interface Entry {
  workload: WorkloadRef;
  pod: DirectPod;
}

const isSame = (a: WorkloadRef, b: WorkloadRef): boolean => workloadKey(a) === workloadKey(b);

export class DirectConnections {
  readonly #options: DirectOptions;
  /** By namespace/pod. */
  readonly #pods = new Map<string, Entry>();
  /** Namespaces in which the user may not. */
  readonly #forbidden = new Set<string>();
  #closed = false;

  constructor(options: DirectOptions) {
    this.#options = options;
  }

  /** Pods that are directly connected now. */
  get pods(): number {
    return this.#pods.values().reduce((sum, { pod }) => sum + (pod.count > 0 ? 1 : 0), 0);
  }

  /** A manager says where the workload's agents are: those that are new get connections, those that are gone are not tried again. */
  told({ workload, agents }: DirectAgents): void {
    const { namespace } = workload;
    if (this.#closed || this.#forbidden.has(namespace) || !this.#options.wanted(workload)) return;
    const ports = new Map(agents.map(({ pod, port }) => [`${namespace}/${pod}`, { pod, port }]));
    for (const [key, entry] of this.#pods) if (isSame(entry.workload, workload) && !ports.has(key)) entry.pod.wanted = false;
    for (const [key, { pod, port }] of ports) {
      const known = this.#pods.get(key);
      if (known !== undefined && !known.pod.left) {
        known.pod.wanted = true;
        known.pod.port = port;
      } else if (this.#pods.size < DIRECT_PODS_LIMIT) this.#add(key, workload, pod, port);
    }
  }

  #add(key: string, workload: WorkloadRef, name: string, port: number): void {
    const { kube, session, sign, version, log, onStream } = this.#options;
    const pod = new DirectPod({
      kube,
      session,
      sign,
      version,
      namespace: workload.namespace,
      pod: name,
      port,
      log,
      onStream: (stream) => onStream(stream, workload),
      onForbidden: (error) => this.#forbid(workload.namespace, error),
    });
    const entry = { workload, pod };
    this.#pods.set(key, entry);
    void pod.over.then(() => {
      if (this.#pods.get(key) === entry) this.#pods.delete(key);
    });
  }

  #forbid(namespace: string, error: CodedError): void {
    if (this.#forbidden.has(namespace)) return;
    this.#forbidden.add(namespace);
    this.#options.log.info('no right to direct connections (get pods/proxy): intercepted connections come through the traffic-manager', { namespace, error });
    for (const { workload, pod } of this.#pods.values()) if (workload.namespace === namespace) pod.leave();
  }

  /** The last intercept of the workload is over. */
  forget(workload: WorkloadRef): void {
    for (const entry of this.#pods.values()) if (isSame(entry.workload, workload)) entry.pod.leave();
  }

  /** The line is up again. */
  refresh(): void {
    for (const { pod } of this.#pods.values()) pod.refresh();
  }

  /** Ends all of them. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const { pod } of this.#pods.values()) pod.close();
  }
}
