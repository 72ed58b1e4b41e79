/** What the node does for the API server: logs, commands, ports. */
import { type NodeStreams, StatusError } from '../contract.ts';
import { execIn } from './container/exec.ts';
import type { Instance } from './container/instance.ts';
import type { ContainerRunner } from './container/runner.ts';
import type { NodeContext } from './context.ts';
import type { NodePods } from './pod/pods.ts';
import type { PodWorker } from './pod/worker.ts';

export function createNodeStreams(context: NodeContext, pods: NodePods): NodeStreams {
  function workerOf(namespace: string, name: string): PodWorker {
    const worker = pods.find(namespace, name);
    if (worker !== undefined) return worker;
    if (context.pods.get(namespace, name) === undefined)
      throw new StatusError(404, 'NotFound', `pods ${JSON.stringify(name)} not found`, { name, kind: 'pods' });
    throw new StatusError(400, 'BadRequest', `pod ${name} does not have a host assigned`);
  }
  function runnerOf(namespace: string, pod: string, container: string): ContainerRunner {
    const runner = workerOf(namespace, pod).runner(container);
    if (runner === undefined)
      throw new StatusError(400, 'BadRequest', `container ${JSON.stringify(container)} in pod ${JSON.stringify(pod)} is waiting to start: PodInitializing`);
    return runner;
  }
  function instanceOf(namespace: string, pod: string, container: string): Instance {
    const { instance } = runnerOf(namespace, pod, container);
    if (instance !== undefined) return instance;
    throw new StatusError(500, 'InternalError', `Internal error occurred: unable to upgrade connection: container not found (${JSON.stringify(container)})`);
  }
  return {
    async *logs(namespace, pod, container, options) {
      yield* runnerOf(namespace, pod, container).log(options.previous).read(options);
    },
    async exec(namespace, pod, container, options) {
      return execIn(context, instanceOf(namespace, pod, container), options);
    },
    async attach(namespace, pod, container, { stdin }) {
      return instanceOf(namespace, pod, container).attach(stdin);
    },
    async dialPod(namespace, pod, port) {
      return workerOf(namespace, pod).dial(port);
    },
    dial: (ip, port) => context.network.own.dial(ip, port),
  };
}
