/** Service meshes whose proxy takes a pod's connections before the agent does. */
import type { Pod } from 'kubernetes-types/core/v1.js';

const PROXIES = new Set(['istio-proxy', 'linkerd-proxy']);
/** Ports that the proxy leaves to the kubelet: the agent's own probe ports speak no mutual TLS. */
const SKIP_INBOUND = ['traffic.sidecar.istio.io/excludeInboundPorts', 'config.linkerd.io/skip-inbound-ports'];
const MARKS = ['sidecar.istio.io/', 'linkerd.io/inject', 'istio.io/rev'];

export function isMeshProxy(container: { name: string }): boolean {
  return PROXIES.has(container.name);
}

/** Whether labels or annotations of a pod or a namespace ask for a mesh's proxy. */
export function asksForMesh(marks: Record<string, string> | undefined): boolean {
  return Object.entries(marks ?? {}).some(([name, value]) =>
    name === 'istio-injection' ? value === 'enabled' : MARKS.some((mark) => name.startsWith(mark)) && value !== 'false' && value !== 'disabled',
  );
}

export function isMeshed(pod: Pod): boolean {
  const { containers = [], initContainers = [] } = pod.spec ?? {};
  return [...containers, ...initContainers].some(isMeshProxy) || asksForMesh(pod.metadata?.annotations) || asksForMesh(pod.metadata?.labels);
}

/** The pod's annotations with these ports added to those that no mesh proxy takes. */
export function skipInbound(annotations: Record<string, string> | undefined, ports: readonly number[]): Record<string, string> {
  const result = { ...annotations };
  for (const name of SKIP_INBOUND) {
    const listed = (result[name] ?? '')
      .split(',')
      .map((port) => port.trim())
      .filter((port) => port !== '');
    result[name] = [...new Set([...listed, ...ports.map(String)])].join(',');
  }
  return result;
}
