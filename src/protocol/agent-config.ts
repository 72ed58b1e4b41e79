/**
 * What the leader writes into the pod template's annotation `telepresence.io/agent-config` and the injector turns into
 * a sidecar. A pure function of the workload and its Services, so that writing it twice changes nothing.
 */
import { z } from 'zod';
import { PORT_PROTOCOLS } from './resources.ts';

/**
 * How the agent gets a port's connections:
 * - `named`: the Services' targetPort is this container port's name: the sidecar declares a port of that name, the app's loses it.
 * - `redirect`: an init container redirects the number in the pod's network namespace (needs NET_ADMIN).
 * - `patched`: the sidecar declares `tp-<number>` and the leader patches the Services' targetPort to that name when every ready pod has it.
 */
export const PORT_MODES = ['named', 'redirect', 'patched'] as const;
export const agentPortSchema = z.looseObject({
  container: z.string(),
  containerPort: z.number().int(),
  /** Name of the container port that is taken over (`named`), or declared (`patched`). */
  name: z.string().optional(),
  protocol: z.enum(PORT_PROTOCOLS),
  mode: z.enum(PORT_MODES),
  /** Where the agent listens for what the Services send. */
  agentPort: z.number().int(),
  /** Where the agent listens for the kubelet's probes (always forwarded to the app); only with `redirect`. */
  probePort: z.number().int().optional(),
  /**
   * Set by the injector where annotations give the keys: folders with tls.crt, tls.key and perhaps ca.crt. `certificate` is what clients are
   * shown; `client` what the app is shown, where it asks its clients for certificates.
   */
  tls: z.looseObject({ certificate: z.string(), client: z.string().optional() }).optional(),
});
export type AgentPort = z.infer<typeof agentPortSchema>;

export const agentConfigSchema = z.looseObject({
  version: z.literal(1),
  workload: z.looseObject({ kind: z.string(), name: z.string(), namespace: z.string() }),
  /** Namespace of the manager whose agents these are: with several in one cluster each injects its own. */
  manager: z.string(),
  ports: z.array(agentPortSchema),
  /** Where the agent answers the kubelet: `GET /healthz` is 200 while it runs, `GET /readyz` once every port of this config listens. */
  healthPort: z.number().int().default(9899),
});
export type AgentConfig = z.infer<typeof agentConfigSchema>;

/** First port the agent may listen on; then one up for each port. The original's number. */
export const FIRST_AGENT_PORT = 9900;
/** uid and gid of the agent: the redirect exempts it. The original's number. */
export const AGENT_UID = 7439;

/**
 * Environment of the sidecar: `TELEPRESENCE_AGENT_*` is the agent's own; the app containers' variables are copied under
 * `_TEL_APP_<A|B|C…>_NAME`, one letter per container in the order of `containers`, named in TELEPRESENCE_AGENT_CONTAINERS as JSON
 * `{"A": "web", …}`.
 */
export const AGENT_ENV = {
  config: 'TELEPRESENCE_AGENT_CONFIG',
  containers: 'TELEPRESENCE_AGENT_CONTAINERS',
  pod: 'TELEPRESENCE_AGENT_POD',
  podIP: 'TELEPRESENCE_AGENT_POD_IP',
  namespace: 'TELEPRESENCE_AGENT_NAMESPACE',
  /** Host name of the managers' headless Service. */
  manager: 'TELEPRESENCE_AGENT_MANAGER',
  managerPort: 'TELEPRESENCE_AGENT_MANAGER_PORT',
  /** Where managers were when the pod was made, comma-separated; may be empty, or out of date. */
  managerAddresses: 'TELEPRESENCE_AGENT_MANAGER_ADDRESSES',
  logLevel: 'TELEPRESENCE_AGENT_LOG_LEVEL',
  /** PEM of the managers' CA. */
  ca: 'TELEPRESENCE_AGENT_CA',
} as const;
/** Where the projected token and the manager's CA certificate are mounted in the sidecar. */
export const AGENT_MOUNT = '/var/run/telepresence';
export const APP_ENV_PREFIX = '_TEL_APP_';
