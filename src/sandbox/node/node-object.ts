/** The Node objects of a sandbox, and their leases. */
import { arch, cpus, hostname, release, totalmem } from 'node:os';
import { messageOf } from '../../base/errors.ts';
import { sleep } from '../../base/retry.ts';
import { resourcePath } from '../../kube/paths.ts';
import { getIfThere } from '../access/index.ts';
import { NODES, PODS } from '../controllers/core/types.ts';
import type { NodeContext, NodeIdentity } from './context.ts';
import { NODE_LEASE_RENEW_MS, NODE_LEASE_SECONDS, PODS_PER_NODE } from './limits.ts';

const RUNTIME = 'sandbox://1';
const LEASES = 'kube-node-lease';
const KUBERNETES_VERSION = 'v1.34.0';
const ARCHITECTURES: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

/** Creates what is missing and says that the nodes are ready; leases are renewed until the sandbox ends. */
export async function registerNodes(context: NodeContext): Promise<void> {
  await forgetOthers(context);
  for (const node of context.nodes) await register(context, node);
  void renew(context);
}

/** Of a kept state with other nodes: those that are no more go, and the pods that they had. */
async function forgetOthers(context: NodeContext): Promise<void> {
  const { nodes, pods } = context;
  const old = context
    .cache(NODES)
    .list()
    .filter(({ status }) => status?.nodeInfo?.containerRuntimeVersion === RUNTIME);
  for (const node of old) {
    const now = nodes.find(({ name }) => name === node.metadata.name);
    if (now?.podCidr === node.spec?.podCIDR) continue;
    await context.remove(NODES, node);
    if (now === undefined)
      for (const pod of pods.list()) if (pod.spec.nodeName === node.metadata.name) await context.remove(PODS, pod, { gracePeriodSeconds: 0 });
  }
}

async function register({ client }: NodeContext, node: NodeIdentity): Promise<void> {
  const path = resourcePath('v1', 'nodes', undefined, node.name);
  const architecture = ARCHITECTURES[arch()] ?? arch();
  const labels = { 'kubernetes.io/hostname': node.name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': architecture };
  if ((await getIfThere(client, path)) === undefined)
    await client.create({ apiVersion: 'v1', kind: 'Node', metadata: { name: node.name, labels }, spec: { podCIDR: node.podCidr, podCIDRs: [node.podCidr] } });
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const resources = { cpu: String(cpus().length), memory: `${Math.floor(totalmem() / 1024)}Ki`, pods: String(PODS_PER_NODE), 'ephemeral-storage': '10Gi' };
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  const status = {
    addresses: [
      { type: 'InternalIP', address: node.ip },
      { type: 'Hostname', address: node.name },
    ],
    capacity: resources,
    allocatable: resources,
    conditions: [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
      condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'),
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture,
      operatingSystem: 'linux',
      osImage: hostname(),
      kernelVersion: release(),
      kubeletVersion: KUBERNETES_VERSION,
      kubeProxyVersion: '',
      containerRuntimeVersion: RUNTIME,
      machineID: node.name,
      systemUUID: node.name,
      bootID: node.name,
    },
  };
  await client.patch(path, 'merge', { status }, { subresource: 'status', fieldManager: 'kubelet' });
}

async function renew({ client, nodes, log, signal }: NodeContext): Promise<void> {
  while (!signal.aborted) {
    for (const { name } of nodes) {
      const renewTime = new Date().toISOString().replace(/Z$/, '000Z');
      const lease = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace: LEASES },
        spec: { holderIdentity: name, leaseDurationSeconds: NODE_LEASE_SECONDS, renewTime },
      };
      const path = resourcePath('coordination.k8s.io/v1', 'leases', LEASES, name);
      try {
        if ((await getIfThere(client, path)) === undefined) await client.create(lease);
        else await client.patch(path, 'merge', { spec: lease.spec }, { fieldManager: 'kubelet' });
      } catch (error) {
        log.debug('a node’s lease could not be renewed', { node: name, reason: messageOf(error) });
      }
    }
    await sleep(NODE_LEASE_RENEW_MS, signal).catch(() => {});
  }
}
