/** What an app container must give up so that the agent gets its connections, and the kubelet's probes still reach the app itself. */
import type { Container, ContainerPort, LifecycleHandler, Probe } from 'kubernetes-types/core/v1.js';
import type { AgentConfig } from '../../protocol/agent-config.ts';
import { AGENT_START_SECONDS } from './limits.ts';

/** A changed copy of one app container. Doing it twice changes nothing. */
export function rewriteAppContainer(container: Container, config: AgentConfig): Container {
  const numberOf = (port: number | string): number | undefined =>
    typeof port === 'number'
      ? port
      : (container.ports?.find(({ name }) => name === port)?.containerPort ??
        config.ports.find(({ name, container: owner }) => name === port && owner === container.name)?.containerPort);
  const target = (port: number | string): number | string => {
    const number = numberOf(port);
    if (number === undefined) return port;
    const redirected = config.ports.find((one) => one.mode === 'redirect' && one.protocol === 'TCP' && one.containerPort === number);
    if (redirected?.probePort !== undefined) return redirected.probePort;
    const taken = typeof port === 'string' && config.ports.some((one) => one.mode === 'named' && one.name === port);
    return taken ? number : port;
  };
  const rewritten: Container = { ...container };
  if (container.ports !== undefined) rewritten.ports = container.ports.map((port) => withoutTakenName(port, config));
  for (const kind of ['livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
    const probe = container[kind];
    if (probe !== undefined) rewritten[kind] = rewriteProbe(probe, target);
  }
  if (container.lifecycle !== undefined) {
    rewritten.lifecycle = { ...container.lifecycle };
    for (const kind of ['postStart', 'preStop'] as const) {
      const handler = container.lifecycle[kind];
      if (handler !== undefined) rewritten.lifecycle[kind] = rewriteHandler(handler, target);
    }
  }
  return rewritten;
}

/**
 * What the kubelet asks a rewritten app container through its agent. `ends`: it would end the container if the agent listened a little
 * later than the app starts. `waits`: a failure would cost one of the probe's own periods, which may be long.
 */
export function asksThroughAgent(container: Container, config: AgentConfig): 'ends' | 'waits' | undefined {
  const probePorts = new Set<number | string | undefined>(config.ports.map(({ probePort }) => probePort).filter((port) => port !== undefined));
  const through = (handler: LifecycleHandler | Probe | undefined): boolean =>
    handler !== undefined &&
    [handler.httpGet?.port, handler.tcpSocket?.port, 'grpc' in handler ? handler.grpc?.port : undefined].some((port) => probePorts.has(port));
  const { lifecycle, livenessProbe, readinessProbe, startupProbe } = container;
  const ending = [livenessProbe, startupProbe].filter((probe) => probe !== undefined && through(probe));
  if (through(lifecycle?.postStart) || ending.some((probe) => probe !== undefined && patienceOf(probe) < AGENT_START_SECONDS)) return 'ends';
  return ending.length > 0 || through(readinessProbe) ? 'waits' : undefined;
}

/** Seconds from a container's start until the kubelet ends it because nobody answered; the numbers are Kubernetes' defaults. */
function patienceOf({ initialDelaySeconds = 0, periodSeconds = 10, failureThreshold = 3 }: Probe): number {
  return initialDelaySeconds + periodSeconds * (failureThreshold - 1);
}

/** A name that two containers declare means the first of them to a Service; all of them let go of it, or the sidecar would not be found. */
function withoutTakenName(port: ContainerPort, config: AgentConfig): ContainerPort {
  const taken = config.ports.some((one) => one.mode === 'named' && one.name === port.name && one.protocol === (port.protocol ?? 'TCP'));
  if (!taken) return port;
  const { name: _name, ...rest } = port;
  return rest;
}

type Target = (port: number | string) => number | string;

function rewriteProbe(probe: Probe, target: Target): Probe {
  const rewritten: Probe = { ...probe, ...rewriteHandler(probe, target) };
  if (probe.grpc !== undefined) {
    const port = target(probe.grpc.port);
    if (typeof port === 'number') rewritten.grpc = { ...probe.grpc, port };
  }
  return rewritten;
}

/** A handler with a host of its own asks somebody else. */
function rewriteHandler(handler: LifecycleHandler, target: Target): LifecycleHandler {
  const rewritten: LifecycleHandler = { ...handler };
  if (handler.httpGet !== undefined && !handler.httpGet.host) rewritten.httpGet = { ...handler.httpGet, port: target(handler.httpGet.port) };
  if (handler.tcpSocket !== undefined && !handler.tcpSocket.host) rewritten.tcpSocket = { ...handler.tcpSocket, port: target(handler.tcpSocket.port) };
  return rewritten;
}
