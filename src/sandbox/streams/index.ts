/**
 * What the API server passes on to a node: logs, processes, ports, and the proxies of pods and Services.
 *
 *   const streams = createStreams({ client, node });
 */
import type { IncomingMessage } from 'node:http';
import { resourcePath } from '../../kube/paths.ts';
import { getIfThere } from '../access/index.ts';
import { type ClusterClient, type NodeStreams, type RequestAttributes, StatusError, type StreamServer } from '../contract.ts';
import { serveProcess } from './exec.ts';
import { serveLog } from './log.ts';
import { servePortForward } from './port-forward.ts';
import { createProxy } from './proxy.ts';
import { refuseUpgrade, sendStatus } from './send-status.ts';

interface Named {
  name: string;
}
interface Pod {
  metadata: { annotations?: Record<string, string> };
  spec?: { nodeName?: string; containers?: Named[]; initContainers?: Named[]; ephemeralContainers?: Named[] };
}

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

const queryOf = (request: IncomingMessage) => new URLSearchParams((request.url ?? '').split('?')[1] ?? '');

const nodeOf = ({ spec }: Pod): string => spec?.nodeName ?? '';

/** The container that is asked for, or the pod's only one. */
function containerOf(pod: Pod, name: string, asked: string): string {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = pod.spec ?? {};
  const names = (list: Named[]) => list.map((container) => container.name).join(' ');
  if (asked !== '') {
    if ([...containers, ...initContainers, ...ephemeralContainers].some((container) => container.name === asked)) return asked;
    throw new StatusError(400, 'BadRequest', `container ${asked} is not valid for pod ${name}`);
  }
  const [first, ...more] = containers;
  if (first !== undefined && more.length === 0 && initContainers.length === 0) return first.name;
  const preferred = pod.metadata.annotations?.[DEFAULT_CONTAINER];
  if (preferred !== undefined && containers.some((container) => container.name === preferred)) return preferred;
  if (first !== undefined && more.length === 0) return first.name;
  const init = initContainers.length > 0 ? ` or one of the init containers: [${names(initContainers)}]` : '';
  throw new StatusError(400, 'BadRequest', `a container name must be specified for pod ${name}, choose one of: [${names(containers)}]${init}`);
}

export function createStreams({ client, node }: { client: ClusterClient; node: NodeStreams }): StreamServer {
  const proxy = createProxy({ client, node });

  async function podOf({ namespace = '', name = '' }: RequestAttributes): Promise<Pod> {
    const pod = await getIfThere<Pod>(client, resourcePath('v1', 'pods', namespace, name));
    if (pod === undefined) throw new StatusError(404, 'NotFound', `pods ${JSON.stringify(name)} not found`, { name, kind: 'pods' });
    return pod;
  }

  return {
    async request(attributes, request, response, rest) {
      try {
        if (attributes.subresource === 'proxy') await proxy.request(attributes, request, response, rest);
        else if (attributes.subresource === 'log') {
          const { namespace = '', name = '' } = attributes;
          const query = queryOf(request);
          const pod = await podOf(attributes);
          const container = containerOf(pod, name, query.get('container') ?? '');
          // what is on no node has said nothing yet
          if (nodeOf(pod) === '') response.writeHead(200, { 'content-type': 'text/plain' }).end();
          else await serveLog(node, { namespace, pod: name, container }, query, response);
        } else throw new StatusError(400, 'BadRequest', 'Upgrade request required');
      } catch (error) {
        sendStatus(response, error);
      }
    },
    async upgrade(attributes, request, socket, head, rest) {
      socket.on('error', () => socket.destroy());
      const { subresource, namespace = '', name = '' } = attributes;
      if (subresource === 'proxy') {
        await proxy.upgrade(attributes, request, socket, head, rest);
        return;
      }
      try {
        const query = queryOf(request);
        const flag = (key: string) => ['true', '1'].includes(query.get(key) ?? '');
        const pod = await podOf(attributes);
        if (subresource === 'portforward') {
          const ports = query.getAll('ports').flatMap((list) => list.split(',').map(Number));
          await servePortForward(request, socket, head, ports, (port) => node.dialPod(namespace, name, port));
          return;
        }
        if (subresource !== 'exec' && subresource !== 'attach') throw new StatusError(400, 'BadRequest', `pods/${subresource ?? ''} takes no upgrade`);
        const container = containerOf(pod, name, query.get('container') ?? '');
        const wanted = { stdin: flag('stdin'), stdout: flag('stdout'), stderr: flag('stderr'), tty: flag('tty') };
        if (!wanted.stdin && !wanted.stdout && !wanted.stderr)
          throw new StatusError(400, 'BadRequest', 'you must specify at least one of stdin, stdout, stderr');
        if (nodeOf(pod) === '') throw new StatusError(400, 'BadRequest', `pod ${name} does not have a host assigned`);
        const { stdin, tty } = wanted;
        const command = query.getAll('command');
        if (subresource === 'exec' && command.length === 0) throw new StatusError(400, 'BadRequest', 'you must specify at least one command for the container');
        await serveProcess(request, socket, head, wanted, () =>
          subresource === 'attach' ? node.attach(namespace, name, container, { stdin }) : node.exec(namespace, name, container, { command, tty, stdin }),
        );
      } catch (error) {
        refuseUpgrade(socket, error);
      }
    },
  };
}
