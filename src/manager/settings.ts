/** What the manager is told from outside: its pod's environment and the mounted JSON of the chart's ConfigMap. */
import { z } from 'zod';
import { CodedError, messageOf } from '../base/errors.ts';
import { LOG_LEVELS } from '../base/log.ts';
import { FIRST_AGENT_PORT } from '../protocol/agent-config.ts';
import { DEFAULT_MANAGER_NAMESPACE } from '../protocol/resources.ts';

const port = z.number().int().min(0).max(65535);
/** The ports the pod listens on; 0 takes a free one (tests). */
const portsSchema = z.looseObject({ tunnel: port.default(8443), agents: port.default(8444), webhook: port.default(8445), health: port.default(8080) });
export type ManagerPorts = z.infer<typeof portsSchema>;

const resources = z
  .looseObject({
    requests: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
    limits: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  })
  .prefault({});

export const settingsSchema = z.looseObject({
  /** What injected containers get; what is set in `resources` and the security contexts replaces the injector's own, key by key. */
  agent: z
    .looseObject({
      logLevel: z.enum(LOG_LEVELS).default('info'),
      /** First port that agents listen on. */
      port: port.default(FIRST_AGENT_PORT),
      resources,
      initResources: resources,
      securityContext: z.looseObject({}).default({}),
      initSecurityContext: z.looseObject({}).default({}),
      /** Off: no port is redirected anywhere, as in namespaces that refuse NET_ADMIN. */
      initContainer: z.looseObject({ enabled: z.boolean().default(true) }).prefault({}),
      pullSecrets: z.array(z.looseObject({ name: z.string() })).default([]),
    })
    .prefault({}),
  /** How long a claim waits for its agents. */
  intercept: z.looseObject({ agentTimeoutMs: z.number().int().min(1_000).optional() }).prefault({}),
  /** Namespaces that are served; empty: all. */
  namespaces: z.array(z.string()).default([]),
  ports: portsSchema.prefault({}),
  outbound: z
    .looseObject({
      /** CIDRs outside the announced subnets that workstations may reach too (`--also-proxy`). */
      allow: z.array(z.string()).default([]),
    })
    .prefault({}),
  /** The cloud that the cluster is linked to, and a CA (PEM) that is trusted beside the well-known ones. */
  cloud: z.looseObject({ url: z.url({ protocol: /^https?$/ }).optional(), ca: z.string().optional() }).prefault({}),
  cluster: z
    .looseObject({
      /** Each replaces what the manager finds out by itself. */
      domain: z.string().optional(),
      dnsAddress: z.string().optional(),
      podSubnets: z.array(z.string()).optional(),
      serviceSubnets: z.array(z.string()).optional(),
    })
    .prefault({}),
});
export type ManagerSettings = z.infer<typeof settingsSchema>;

/** Reads the JSON of `TELEPRESENCE_CONFIG`; absent or empty text gives the defaults. */
export function parseSettings(text: string | undefined): ManagerSettings {
  let json: unknown = {};
  try {
    if (text !== undefined && text.trim() !== '') json = JSON.parse(text);
  } catch (error) {
    throw new CodedError('TP-CONFIG-INVALID', `The manager's configuration is not JSON: ${messageOf(error)}.`, { cause: error });
  }
  const parsed = settingsSchema.safeParse(json);
  if (!parsed.success) throw new CodedError('TP-CONFIG-INVALID', `The manager's configuration is not valid: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

const envSchema = z.object({
  TELEPRESENCE_NAMESPACE: z.string().min(1).default(DEFAULT_MANAGER_NAMESPACE),
  TELEPRESENCE_POD: z.string().min(1),
  TELEPRESENCE_POD_IP: z.union([z.ipv4(), z.ipv6()]),
  TELEPRESENCE_AGENT_IMAGE: z.string().optional(),
  TELEPRESENCE_AGENT_PULL_POLICY: z.string().default('IfNotPresent'),
  TELEPRESENCE_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  TELEPRESENCE_CONFIG: z.string().optional(),
});

/** The pod's environment, checked; all problems are named at once. */
export interface ManagerEnv {
  namespace: string;
  pod: string;
  podIP: string;
  agentImage: string | undefined;
  agentPullPolicy: string;
  logLevel: (typeof LOG_LEVELS)[number];
  /** Path of the settings' JSON. */
  configFile: string | undefined;
}
export function parseManagerEnv(env: Record<string, string | undefined>): ManagerEnv {
  const parsed = envSchema.safeParse(env);
  if (!parsed.success) throw new CodedError('TP-CONFIG-INVALID', `The environment of the manager's pod is not valid: ${z.prettifyError(parsed.error)}`);
  const e = parsed.data;
  return {
    namespace: e.TELEPRESENCE_NAMESPACE,
    pod: e.TELEPRESENCE_POD,
    podIP: e.TELEPRESENCE_POD_IP,
    agentImage: e.TELEPRESENCE_AGENT_IMAGE,
    agentPullPolicy: e.TELEPRESENCE_AGENT_PULL_POLICY,
    logLevel: e.TELEPRESENCE_LOG_LEVEL,
    configFile: e.TELEPRESENCE_CONFIG,
  };
}
