/** The containers and the volume that the injector adds to a pod. */

import type { Container, ContainerPort, Probe, ResourceRequirements, SecurityContext, Volume } from 'kubernetes-types/core/v1.js';
import { NODE_FLAGS } from '../../base/node-flags.ts';
import { AGENT_ENV, AGENT_MOUNT, AGENT_UID, type AgentConfig } from '../../protocol/agent-config.ts';
import { AGENT_CONTAINER, AGENT_INIT_CONTAINER, TOKEN_AUDIENCE } from '../../protocol/resources.ts';
import type { CopiedEnv } from './env-copy.ts';
import {
  AGENT_READINESS_FAILURES,
  AGENT_READINESS_PERIOD_SECONDS,
  AGENT_READINESS_TIMEOUT_SECONDS,
  AGENT_STARTUP_FAILURES,
  AGENT_STARTUP_PERIOD_SECONDS,
  AGENT_TOKEN_SECONDS,
} from './limits.ts';

export interface SidecarSettings {
  image: string;
  pullPolicy: string;
  /** Host name and port of the managers' Service for agents. */
  managerHost: string;
  managerPort: number;
  /** Where the managers are now: an agent begins there, and needs no DNS for its first link. */
  managerAddresses: readonly string[];
  /** PEM. */
  ca: string;
  logLevel: string;
  /** Whether the cluster knows init containers with `restartPolicy: Always` (1.29 and later). */
  nativeSidecars: boolean;
  resources: ResourceRequirements;
  initResources: ResourceRequirements;
  /** The administrator's own: they replace the injector's, key by key. */
  securityContext: SecurityContext;
  initSecurityContext: SecurityContext;
}

export const TOKEN_VOLUME = 'telepresence-token';

/** Passes PodSecurity `restricted`. */
const RESTRICTED: SecurityContext = {
  runAsNonRoot: true,
  runAsUser: AGENT_UID,
  runAsGroup: AGENT_UID,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  readOnlyRootFilesystem: true,
  seccompProfile: { type: 'RuntimeDefault' },
};
/** nftables asks for NET_ADMIN in the pod's own network namespace, and for nothing else. */
const NET_ADMIN: SecurityContext = { ...RESTRICTED, runAsNonRoot: false, runAsUser: 0, runAsGroup: 0, capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] } };

/**
 * Where the agent starts: `beside` the app as an ordinary container behind its own; `first` as one that is started before them, in the same
 * turn of the kubelet; `before` the app as a native sidecar, which costs the pod a turn, up to a second; `awaited` as one whose startup probe the
 * app waits for besides.
 */
export type Placement = 'beside' | 'first' | 'before' | 'awaited';
export const isNative = (placement: Placement): boolean => placement === 'before' || placement === 'awaited';

export function sidecarContainer(config: AgentConfig, copied: CopiedEnv, settings: SidecarSettings, placement: Placement): Container {
  const probe = (path: string): Probe => ({ httpGet: { path, port: config.healthPort } });
  const ports = declaredPorts(config);
  const container: Container = {
    name: AGENT_CONTAINER,
    image: settings.image,
    imagePullPolicy: settings.pullPolicy as 'Always' | 'IfNotPresent' | 'Never',
    args: [...NODE_FLAGS, '/app/agent.mjs'],
    env: [
      { name: AGENT_ENV.config, value: JSON.stringify(config) },
      { name: AGENT_ENV.containers, value: JSON.stringify(copied.containers) },
      { name: AGENT_ENV.pod, valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: AGENT_ENV.podIP, valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: AGENT_ENV.namespace, valueFrom: { fieldRef: { fieldPath: 'metadata.namespace' } } },
      { name: AGENT_ENV.manager, value: settings.managerHost },
      { name: AGENT_ENV.managerPort, value: String(settings.managerPort) },
      { name: AGENT_ENV.managerAddresses, value: settings.managerAddresses.join() },
      { name: AGENT_ENV.logLevel, value: settings.logLevel },
      { name: AGENT_ENV.ca, value: settings.ca },
      ...copied.env,
    ],
    resources: settings.resources,
    securityContext: { ...RESTRICTED, ...settings.securityContext },
    readinessProbe: {
      ...probe('/readyz'),
      periodSeconds: AGENT_READINESS_PERIOD_SECONDS,
      failureThreshold: AGENT_READINESS_FAILURES,
      timeoutSeconds: AGENT_READINESS_TIMEOUT_SECONDS,
    },
    volumeMounts: [{ name: TOKEN_VOLUME, mountPath: AGENT_MOUNT, readOnly: true }],
  };
  if (copied.envFrom.length > 0) container.envFrom = copied.envFrom;
  if (ports.length > 0) container.ports = ports;
  if (isNative(placement)) container.restartPolicy = 'Always';
  // The app starts when this has passed once. Elsewhere both start together: until the agent is ready nothing is sent to the pod.
  if (placement === 'awaited')
    container.startupProbe = { ...probe('/healthz'), periodSeconds: AGENT_STARTUP_PERIOD_SECONDS, failureThreshold: AGENT_STARTUP_FAILURES };
  return container;
}

function declaredPorts(config: AgentConfig): ContainerPort[] {
  return config.ports.flatMap(({ mode, name, agentPort, protocol }) =>
    mode === 'redirect' || name === undefined ? [] : [{ name, containerPort: agentPort, protocol }],
  );
}

/** Undefined where no port is redirected. */
export function redirectContainer(config: AgentConfig, settings: SidecarSettings): Container | undefined {
  const redirects = config.ports.filter(({ mode }) => mode === 'redirect');
  if (redirects.length === 0) return undefined;
  return {
    name: AGENT_INIT_CONTAINER,
    image: settings.image,
    imagePullPolicy: settings.pullPolicy as 'Always' | 'IfNotPresent' | 'Never',
    args: ['/app/agent-init.mjs', ...redirects.map(({ protocol, containerPort, agentPort }) => `${protocol.toLowerCase()}:${containerPort}:${agentPort}`)],
    resources: settings.initResources,
    securityContext: { ...NET_ADMIN, ...settings.initSecurityContext },
  };
}

export function tokenVolume(): Volume {
  return {
    name: TOKEN_VOLUME,
    projected: { sources: [{ serviceAccountToken: { audience: TOKEN_AUDIENCE, expirationSeconds: AGENT_TOKEN_SECONDS, path: 'token' } }] },
  };
}
