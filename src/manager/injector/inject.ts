/** Pod in, pod with an agent out: a pure function of the pod, the annotation that the leader wrote, and the settings. */
import type { Container, Pod } from 'kubernetes-types/core/v1.js';
import { messageOf } from '../../base/errors.ts';
import { type AgentConfig, agentConfigSchema } from '../../protocol/agent-config.ts';
import { AGENT_CONTAINER, AGENT_INIT_CONTAINER, ANNOTATION, LEGACY_ANNOTATION_PREFIX } from '../../protocol/resources.ts';
import { asksThroughAgent, rewriteAppContainer } from './app-ports.ts';
import { copyEnvironment } from './env-copy.ts';
import { isMeshed, isMeshProxy, skipInbound } from './mesh.ts';
import { isNative, type Placement, redirectContainer, type SidecarSettings, sidecarContainer, tokenVolume } from './sidecar.ts';
import { tlsOf } from './tls.ts';

export interface InjectSettings extends SidecarSettings {
  /** Pods of another manager's agents are left to it. */
  managerNamespace: string;
  /** Where the agent's image needs them. */
  pullSecrets: { name: string }[];
  /** The namespace's labels ask for a mesh's proxy in every pod. */
  meshed: boolean;
  /** The namespace enforces a PodSecurity level that refuses NET_ADMIN. */
  netAdminRefused: boolean;
}

/** Which container `kubectl logs` and `exec` mean without a name. */
const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** `skipped` is a reason for people where the pod asked for an agent and gets none; undefined where it did not ask. */
export type Injection = { pod: Pod; skipped?: undefined } | { pod?: undefined; skipped: string | undefined };

/** What the pod's own annotation says, under its name of today or of the 2.x years. */
export function wantsAgent(annotations: Record<string, string> | undefined): boolean {
  const value = annotations?.[ANNOTATION.inject] ?? annotations?.[`${LEGACY_ANNOTATION_PREFIX}inject-traffic-agent`];
  return value === 'enabled';
}

export function injectAgent(pod: Pod, settings: InjectSettings): Injection {
  const annotations = pod.metadata?.annotations;
  if (!wantsAgent(annotations)) return { skipped: undefined };
  const spec = pod.spec;
  if (spec === undefined) return { skipped: 'the pod has no spec' };
  const parsed = readAgentConfig(annotations?.[ANNOTATION.agentConfig]);
  if (typeof parsed === 'string') return { skipped: parsed };
  if (parsed.manager !== settings.managerNamespace) return { skipped: undefined };
  const refused = whyNot(pod, parsed, settings);
  if (refused !== undefined) return { skipped: refused };

  const isOurs = ({ name }: Container) => name === AGENT_CONTAINER || name === AGENT_INIT_CONTAINER;
  const present = [...(spec.initContainers ?? []), ...spec.containers].some(isOurs);
  const containers = spec.containers.map((container) => (isOurs(container) || isMeshProxy(container) ? container : rewriteAppContainer(container, parsed)));
  const injected: Pod = { ...pod, spec: { ...spec, containers } };
  if (settings.meshed || isMeshed(pod)) {
    const own = [parsed.healthPort, ...parsed.ports.flatMap(({ probePort }) => (probePort === undefined ? [] : [probePort]))];
    injected.metadata = { ...pod.metadata, annotations: skipInbound(annotations, own) };
  }
  // Called again after another webhook: what that one may have brought back is rewritten, nothing is added twice.
  if (present) return { pod: injected };

  const placement = placementOf(containers, parsed, settings);
  const tls = tlsOf(pod, parsed.ports);
  const agent = sidecarContainer(
    { ...parsed, ports: tls.ports },
    copyEnvironment(spec.containers.filter((container) => !isMeshProxy(container))),
    settings,
    placement,
  );
  agent.volumeMounts = [...(agent.volumeMounts ?? []), ...tls.mounts];
  const redirect = redirectContainer(parsed, settings);
  const added = [...(redirect === undefined ? [] : [redirect]), ...(isNative(placement) ? [agent] : [])];
  if (placement === 'first') {
    // what `kubectl logs` and `exec` mean without a name is still the app
    injected.metadata = { ...injected.metadata, annotations: { [DEFAULT_CONTAINER]: containers[0]?.name ?? '', ...injected.metadata?.annotations } };
  }
  return {
    pod: {
      ...injected,
      spec: {
        ...spec,
        ...(added.length > 0 ? { initContainers: [...(spec.initContainers ?? []), ...added] } : {}),
        containers: placement === 'beside' ? [...containers, agent] : placement === 'first' ? [agent, ...containers] : containers,
        volumes: [...(spec.volumes ?? []), tokenVolume(), ...tls.volumes],
        ...(settings.pullSecrets.length > 0 ? { imagePullSecrets: [...(spec.imagePullSecrets ?? []), ...settings.pullSecrets] } : {}),
      },
    },
  };
}

/**
 * No native sidecar where that loses nothing: a pod that is ready later loses requests whenever there is no other. An agent sees by its
 * TCP ports when the app has ended; of UDP ports only the kubelet knows, which ends a native sidecar after the app.
 */
function placementOf(containers: readonly Container[], config: AgentConfig, settings: InjectSettings): Placement {
  const asks = containers.map((container) => asksThroughAgent(container, config));
  const asked = asks.some((ask) => ask !== undefined);
  if (!settings.nativeSidecars) return asked ? 'first' : 'beside';
  if (asks.includes('ends')) return 'awaited';
  if (config.ports.some(({ protocol }) => protocol === 'UDP')) return 'before';
  return asked ? 'first' : 'beside';
}

/** The annotation as a config, or a sentence that says why it is none. */
export function readAgentConfig(text: string | undefined): AgentConfig | string {
  if (text === undefined) return `it has no annotation ${ANNOTATION.agentConfig}: its workload was never intercepted`;
  try {
    const parsed = agentConfigSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : `its annotation ${ANNOTATION.agentConfig} is not valid`;
  } catch (error) {
    return `its annotation ${ANNOTATION.agentConfig} is not JSON: ${messageOf(error)}`;
  }
}

function whyNot(pod: Pod, config: AgentConfig, settings: InjectSettings): string | undefined {
  const spec = pod.spec;
  if (spec?.hostNetwork === true) return "it uses its node's network: an agent would take the node's ports";
  if (spec?.os?.name === 'windows' || spec?.nodeSelector?.['kubernetes.io/os'] === 'windows') return 'it runs on Windows';
  if (settings.netAdminRefused && config.ports.some(({ mode }) => mode === 'redirect')) {
    return 'its namespace enforces a PodSecurity level that refuses the capability NET_ADMIN, which its agent needs to redirect a port';
  }
  return undefined;
}
