/** The keys of config.yml, of the kubeconfig extension and of the chart's `client`: what they take and their defaults. */
import { z } from 'zod';
import { LOG_LEVELS } from '../base/log.ts';
import { parseDuration } from './duration.ts';

/** A duration as Go writes it; milliseconds from then on. */
function duration(byDefault: string) {
  return z
    .union([z.string(), z.literal(0)])
    .default(byDefault)
    .transform((value, context) => {
      const ms = parseDuration(String(value));
      if (ms !== undefined) return ms;
      context.addIssue({ code: 'custom', message: `${JSON.stringify(value)} is not a duration such as 30s or 1m30s` });
      return z.NEVER;
    });
}

const cidr = z.string().regex(/^[0-9a-f.:]+\/\d{1,3}$/i, 'is not a CIDR such as 10.0.0.0/8');
const level = z
  .preprocess((value) => (typeof value === 'string' ? value.toLowerCase().replace(/^warning$/, 'warn') : value), z.enum(LOG_LEVELS))
  .default('info');
const suffix = z.string().regex(/^\.?[^\s.]+(\.[^\s.]+)*\.?$/, 'is not a domain suffix such as .com');
const port = z.number().int().min(1).max(65535);

function section<T extends z.ZodRawShape>(shape: T) {
  return z.strictObject(shape).prefault({} as never);
}

export const configSchema = z.strictObject({
  cloud: section({ url: z.string().optional(), skipLogin: z.boolean().default(false) }),
  cluster: section({
    defaultManagerNamespace: z.string().default('ambassador'),
    mappedNamespaces: z.array(z.string()).default([]),
    connectFromRootDaemon: z.boolean().default(true),
    agentPortForward: z.boolean().default(true),
    forceSPDY: z.boolean().default(false),
  }),
  dns: section({
    localAddresses: z.array(z.string()).default([]),
    excludeSuffixes: z.array(suffix).default(['.arpa', '.com', '.io', '.net', '.org', '.ru']),
    includeSuffixes: z.array(suffix).default([]),
    excludes: z.array(z.string()).default([]),
    mappings: z.array(z.strictObject({ name: z.string(), aliasFor: z.string() })).default([]),
    lookupTimeout: duration('4s'),
    recursionCheck: z.boolean().default(false),
    useComplexLookup: z.boolean().default(false),
  }),
  docker: section({
    addHostGateway: z.boolean().default(true),
    hostGateway: z.string().default('host.docker.internal'),
    telemount: z.record(z.string(), z.string()).default({}),
    teleroute: z.record(z.string(), z.string()).default({}),
    enableIPv4: z.boolean().default(true),
    enableIPv6: z.boolean().default(true),
  }),
  grpc: section({
    maxReceiveSize: z.union([z.string(), z.number()]).default('4Mi'),
    connectionTTL: duration('24h'),
    daemonPort: port.default(4038),
    teleroutePort: port.default(4039),
  }),
  helm: section({ chartURL: z.string().default('') }),
  images: section({
    registry: z.string().default(''),
    /** Image of the traffic-manager and the agent; empty: the one `npm run image` makes. */
    agentImage: z.string().default(''),
    clientImage: z.string().default(''),
    webhookRegistry: z.string().default(''),
  }),
  intercept: section({
    defaultPort: port.default(8080),
    /** Not of the original: intercepted connections come straight from the agent where the user may `get pods/proxy`. */
    direct: z.boolean().default(true),
    useFtp: z.boolean().default(false),
    localShortcut: z.boolean().default(true),
    localShortcutIsGlobal: z.boolean().default(true),
    mountsRoot: z.string().default(''),
  }),
  logLevels: section({ userDaemon: level, rootDaemon: level, kubeAuthDaemon: level, cli: level }),
  network: section({ defaultDNSWithFallback: z.boolean().default(true) }),
  nodeAgent: section({ enabled: z.boolean().default(false) }),
  routing: section({
    alsoProxySubnets: z.array(cidr).default([]),
    neverProxySubnets: z.array(cidr).default([]),
    allowConflictingSubnets: z.array(cidr).default([]),
    virtualSubnet: z.string().default(''),
    autoResolveConflicts: z.boolean().default(true),
    recursionBlockDuration: duration('0s'),
    recursionBlockTreads: z.number().int().default(5),
  }),
  timeouts: section({
    agentInstall: duration('2m'),
    apply: duration('1m'),
    clusterConnect: duration('20s'),
    connectivityCheck: duration('500ms'),
    endpointDial: duration('3s'),
    roundtripLatency: duration('2s'),
    intercept: duration('30s'),
    proxyDial: duration('5s'),
    trafficManagerConnect: duration('60s'),
    trafficManagerAPI: duration('15s'),
    trafficAgentArrival: duration('60s'),
    helm: duration('30s'),
    ftpReadWrite: duration('1m'),
    ftpShutdown: duration('2m'),
    containerShutdown: duration('0s'),
  }),
  tunnel: section({ encryption: z.enum(['outer', 'inner']).default('outer') }),
  usage: section({ enabled: z.boolean().default(false), collectorAddress: z.string().default(''), insecure: z.boolean().default(false) }),
});

export type ClientConfig = z.output<typeof configSchema>;

/** Keys of the original that are read and checked, and change nothing here: whoever sets one is told so. */
export const INERT_KEYS: readonly string[] = [
  'cloud.skipLogin',
  'cluster.agentPortForward',
  'cluster.connectFromRootDaemon',
  'cluster.forceSPDY',
  'dns.localAddresses',
  'dns.recursionCheck',
  'dns.useComplexLookup',
  'docker',
  'grpc',
  'helm',
  'images.clientImage',
  'images.webhookRegistry',
  'intercept.localShortcut',
  'intercept.localShortcutIsGlobal',
  'intercept.mountsRoot',
  'intercept.useFtp',
  'logLevels.kubeAuthDaemon',
  'network',
  'nodeAgent',
  'routing.autoResolveConflicts',
  'routing.recursionBlockDuration',
  'routing.recursionBlockTreads',
  'routing.virtualSubnet',
  'timeouts.apply',
  'timeouts.containerShutdown',
  'timeouts.ftpReadWrite',
  'timeouts.ftpShutdown',
  'tunnel',
  'usage',
];

/** Names of keys whose values are durations, as `timeouts.intercept`; they are shown as they are written. */
export const DURATION_KEYS: readonly string[] = [
  'dns.lookupTimeout',
  'grpc.connectionTTL',
  'routing.recursionBlockDuration',
  ...Object.keys(configSchema.shape.timeouts.unwrap().shape).map((key) => `timeouts.${key}`),
];
