/**
 * CLI ⇄ daemon: HTTP/1.1 over the unix socket `daemon.sock` (0600). `POST /v1/<method>` with a JSON body; the answer is
 * newline-delimited JSON: any number of `{"progress": "…"}` and `{"warning": "…"}`, then one `{"result": …}` or `{"error": {code, message, help}}`.
 * Closing the connection cancels the call (its AbortSignal): nothing stays half done.
 */
import { z } from 'zod';
import { LOG_LEVELS } from '../base/log.ts';
import { type CloudOrganisation, type CloudUser, type Ingress, ingressSchema } from './cloud.ts';
import { httpFilterSchema, MECHANISMS, PORT_PROTOCOLS } from './resources.ts';
import type { ProbeHop } from './tunnel.ts';

/** kubectl-style flags, by their long names without dashes (`kubeconfig`, `context`, `as-group`, …). */
export const kubeFlagsSchema = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

export const connectParamsSchema = z.looseObject({
  kubeFlags: kubeFlagsSchema,
  /** The caller's environment and folder: exec plugins run in it, KUBECONFIG and HOME come from it. */
  env: z.record(z.string(), z.string()),
  cwd: z.string(),
  namespace: z.string().optional(),
  managerNamespace: z.string().optional(),
  mappedNamespaces: z.array(z.string()).default([]),
  alsoProxy: z.array(z.string()).default([]),
  neverProxy: z.array(z.string()).default([]),
  allowConflictingSubnets: z.array(z.string()).default([]),
  name: z.string().optional(),
  /** `--config`: the client config file instead of the one in the config folder. */
  configFile: z.string().optional(),
});
export type ConnectParams = z.infer<typeof connectParamsSchema>;

export interface ConnectResult {
  /** `connected` now, or `already` connected with the same parameters. */
  state: 'connected' | 'already';
  context: string;
  server: string;
  namespace: string;
}

/** Params of calls that need a cluster but no session (`helm install`, `list-namespaces`, …). */
export const clusterParamsSchema = connectParamsSchema;

export const interceptParamsSchema = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  workload: z.string().optional(),
  service: z.string().optional(),
  container: z.string().optional(),
  /** Local port; absent: the remote port's number. */
  localPort: z.number().int().optional(),
  /** Name or number after the colon. */
  remotePort: z.string().optional(),
  protocol: z.enum(PORT_PROTOCOLS).optional(),
  address: z.string().default('127.0.0.1'),
  mechanism: z.enum(MECHANISMS).default('tcp'),
  http: httpFilterSchema.optional(),
  /** Adds the condition on the header with this intercept's own id, which its preview URL sends. */
  personal: z.boolean().default(false),
  /** Makes a preview URL that enters the cluster there; needs a login. */
  preview: z.strictObject({ ingress: ingressSchema }).optional(),
  fallback: z.boolean().default(false),
  proofHeader: z.boolean().default(true),
  plaintext: z.boolean().default(false),
  /** `--mount`: false when the user said so; then nothing is said of volumes. */
  mount: z.boolean().default(true),
  /** Read the environment too. */
  withEnv: z.boolean().default(false),
});
export type InterceptParams = z.infer<typeof interceptParamsSchema>;

export interface InterceptInfo {
  id: string;
  name: string;
  namespace: string;
  workload: { kind: string; name: string };
  service?: string;
  servicePort: { number: number; name?: string; protocol: string };
  target: { host: string; port: number };
  mechanism: 'tcp' | 'http';
  http?: z.infer<typeof httpFilterSchema>;
  /** As printed: `ACTIVE`, `WAITING`, `DEGRADED (2 of 3 pods)`, `ERROR: …`. */
  state: string;
  user: string;
  hostname: string;
  /** Whether it is this session's own. */
  mine: boolean;
  since?: string;
  container?: string;
  podIP?: string;
  environment?: Record<string, string>;
  /** Set when the workload has volumes and `mount` was not false. */
  volumesNotMounted?: string[];
  /** True when several ports of the service could have been meant: the output then has a line for the port. */
  servicePortShown: boolean;
  /** Of own intercepts that have a preview. */
  previewUrl?: string;
  l5host?: string;
}

/** Who is logged in, and where. */
export interface CloudLogin {
  url: string;
  user: CloudUser;
  organisation: CloudOrganisation;
}
export const loginStartParamsSchema = z.looseObject({ url: z.string().optional() });
export const loginFinishParamsSchema = z.looseObject({ id: z.string() });
export const loginParamsSchema = z.looseObject({ url: z.string().optional(), apikey: z.string() });
/** `workload`, `service`: as of `intercept`; `intercept`: an own one, by its name. */
export const ingressGuessParamsSchema = z.looseObject({
  namespace: z.string().optional(),
  workload: z.string().optional(),
  service: z.string().optional(),
  intercept: z.string().optional(),
});
export const previewCreateParamsSchema = z.looseObject({ name: z.string(), namespace: z.string().optional(), ingress: ingressSchema });
export const previewRemoveParamsSchema = z.looseObject({ name: z.string(), namespace: z.string().optional() });

export interface CloudStatus {
  login?: CloudLogin;
  /** The cloud that the connected cluster's traffic-manager is set up for. */
  clusterUrl?: string;
}

export const listParamsSchema = z.looseObject({
  namespace: z.string().optional(),
  allNamespaces: z.boolean().default(false),
  onlyAgents: z.boolean().default(false),
  onlyIntercepts: z.boolean().default(false),
});
export interface ListedWorkload {
  name: string;
  namespace: string;
  kind: string;
  agentInstalled: boolean;
  /** Why it can't be intercepted; absent when it can. */
  notInterceptable?: string;
  intercepts: InterceptInfo[];
}

export const leaveParamsSchema = z.looseObject({ name: z.string(), namespace: z.string().optional() });
export const uninstallParamsSchema = z.looseObject({
  agents: z.array(z.string()).default([]),
  allAgents: z.boolean().default(false),
  everything: z.boolean().default(false),
  namespace: z.string().optional(),
  /** For `--everything` without a session. */
  cluster: clusterParamsSchema.optional(),
});
export const helmParamsSchema = z.looseObject({
  cluster: clusterParamsSchema,
  /** Chart values as one object, already merged from -f and --set*. */
  values: z.record(z.string(), z.unknown()).default({}),
  createNamespace: z.boolean().default(true),
  reuseValues: z.boolean().default(false),
  resetValues: z.boolean().default(false),
});
export const loglevelParamsSchema = z.looseObject({
  level: z.enum(LOG_LEVELS),
  /** 0: until changed. */
  durationMs: z.number().default(1_800_000),
  localOnly: z.boolean().default(false),
  remoteOnly: z.boolean().default(false),
});
export const gatherLogsParamsSchema = z.looseObject({
  daemons: z.string().default('all'),
  trafficAgents: z.string().default('all'),
  trafficManager: z.boolean().default(true),
  podYaml: z.boolean().default(false),
  anonymize: z.boolean().default(false),
  outputFile: z.string(),
});

export interface StatusResult {
  daemon: {
    running: true;
    version: string;
    pid: number;
    executable: string;
    installId: string;
    state: 'connected' | 'reconnecting' | 'not connected';
    /** Name of the connection: `connect --name`; absent: `<context>-<namespace>`. */
    name?: string;
    /** Why, and since when, while reconnecting. */
    detail?: string;
    since?: string;
    server?: string;
    context?: string;
    namespace?: string;
    managerNamespace?: string;
    mappedNamespaces?: string[];
    session?: string;
    intercepts?: InterceptInfo[];
  };
  netd: {
    running: boolean;
    version?: string;
    device?: string;
    dns?: { mode: string; address?: string; excludeSuffixes: string[]; includeSuffixes: string[]; timeoutMs: number };
    subnets?: string[];
    alsoProxy?: string[];
    neverProxy?: string[];
    allowConflicting?: string[];
    hiddenNames?: string[];
  };
  manager: {
    connected: boolean;
    version?: string;
    replica?: string;
    agentImage?: string;
    /** `service proxy`, `service proxy (websocket)`, `port-forward (websocket)`, … */
    transport?: string;
    /** Milliseconds over the last minute. */
    rtt?: { p50: number; p99: number };
    blocked?: string[];
    /** Pods whose agents are connected directly. */
    directPods?: number;
  };
}

export interface VersionResult {
  daemon: string;
  netd?: string;
  manager?: string;
  agentImage?: string;
}

/** One of `doctor`'s findings. */
export interface DoctorCheck {
  name: string;
  state: 'ok' | 'warning' | 'failed' | 'skipped';
  /** What was seen. */
  detail: string;
  /** What to do about it. */
  help?: string;
}
export const probeSeenParamsSchema = z.looseObject({ id: z.string() });

/** Every method, its params and its result. The daemon's table and the CLI's client are both typed by it. */
export interface DaemonApi {
  version: { params: Record<string, never>; result: VersionResult };
  status: { params: Record<string, never>; result: StatusResult };
  connect: { params: z.input<typeof connectParamsSchema>; result: ConnectResult };
  disconnect: { params: Record<string, never>; result: { wasConnected: boolean } };
  quit: { params: Record<string, never>; result: Record<string, never> };
  list: { params: z.input<typeof listParamsSchema>; result: { namespace: string; workloads: ListedWorkload[] } };
  intercept: { params: z.input<typeof interceptParamsSchema>; result: InterceptInfo };
  leave: { params: z.input<typeof leaveParamsSchema>; result: Record<string, never> };
  uninstall: { params: z.input<typeof uninstallParamsSchema>; result: { done: string[] } };
  helmInstall: { params: z.input<typeof helmParamsSchema>; result: { message: string } };
  helmUpgrade: { params: z.input<typeof helmParamsSchema>; result: { message: string } };
  /** Renders what `values` give and has the API server check it (dry run); changes nothing. */
  helmLint: { params: z.input<typeof helmParamsSchema>; result: { message: string } };
  helmUninstall: { params: z.input<typeof helmParamsSchema>; result: { message: string } };
  listContexts: {
    params: z.input<typeof clusterParamsSchema>;
    result: { contexts: { name: string; cluster: string; user: string; namespace?: string; current: boolean }[] };
  };
  listNamespaces: { params: z.input<typeof clusterParamsSchema>; result: { namespaces: string[] } };
  loglevel: { params: z.input<typeof loglevelParamsSchema>; result: Record<string, never> };
  gatherLogs: { params: z.input<typeof gatherLogsParamsSchema>; result: { file: string; entries: string[] } };
  configView: {
    params: z.input<typeof clusterParamsSchema> & { clientOnly?: boolean };
    result: { config: Record<string, unknown>; file: string; logDir: string };
  };
  /** Examines the way into the cluster; works without a session. */
  doctor: { params: z.input<typeof clusterParamsSchema>; result: { checks: DoctorCheck[] } };
  /** Agents look for the mark of `id` from now on; `agents`: how many. */
  probeBegin: { params: Record<string, never>; result: { id: string; agents: number } };
  probeSeen: { params: z.input<typeof probeSeenParamsSchema>; result: { hops: ProbeHop[] } };
  /** Opens the loopback listener; the caller brings a browser to `authorizeUrl`. */
  loginStart: { params: z.input<typeof loginStartParamsSchema>; result: { id: string; authorizeUrl: string; url: string } };
  /** Waits for the browser and keeps the token. Cancelling it ends the listener. */
  loginFinish: { params: z.input<typeof loginFinishParamsSchema>; result: CloudLogin };
  /** With an API key instead of a browser. */
  login: { params: z.input<typeof loginParamsSchema>; result: CloudLogin };
  logout: { params: Record<string, never>; result: { wasLoggedIn: boolean } };
  cloudStatus: { params: Record<string, never>; result: CloudStatus };
  /** Ways into the cluster that may lead to a service, the likeliest first; what was answered here before leads. */
  ingressGuess: { params: z.input<typeof ingressGuessParamsSchema>; result: { ingresses: Ingress[] } };
  previewCreate: { params: z.input<typeof previewCreateParamsSchema>; result: InterceptInfo };
  previewRemove: { params: z.input<typeof previewRemoveParamsSchema>; result: Record<string, never> };
  /**
   * netd asks the daemon nothing through this API; the CLI asks whether it must start netd, before `connect`:
   * `socket` is what `netd --socket` is given.
   */
  netdNeeded: { params: Record<string, never>; result: { needed: boolean; socket: string; logFile: string } };
}
export type DaemonMethod = keyof DaemonApi;
