/**
 * The values that an administrator sets, for the installer and the chart alike: `deploy/chart/values.yaml` holds the same defaults, and
 * a test holds them equal. Names are the original's where it has the thing.
 */
import { z } from 'zod';
import { CodedError } from '../base/errors.ts';
import { LOG_LEVELS } from '../base/log.ts';
import { FIRST_AGENT_PORT } from '../protocol/agent-config.ts';
import { coalesceValues, isTree } from './merge-values.ts';
import { nearestKey } from './nearest-key.ts';

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'] as const;
const port = z.number().int().min(1).max(65535);
const strings = z.record(z.string(), z.string()).default({});
const objects = z.array(z.looseObject({})).default([]);
const resources = z.strictObject({
  requests: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  limits: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
});
const cidrs = z.array(z.union([z.cidrv4(), z.cidrv6()])).default([]);
/** Empty parts are filled in when the image is resolved: see image-name.ts. */
const image = {
  registry: z.string().default(''),
  name: z.string().default(''),
  tag: z.string().default(''),
  pullPolicy: z.enum(PULL_POLICIES).default('IfNotPresent'),
};
const pullSecrets = z.array(z.strictObject({ name: z.string() })).default([]);

const subject = z.strictObject({
  kind: z.enum(['User', 'Group', 'ServiceAccount']),
  name: z.string().min(1),
  namespace: z.string().optional(),
  apiGroup: z.string().optional(),
});

export const valuesSchema = z.strictObject({
  replicaCount: z.number().int().min(0).default(2),
  image: z.strictObject({ ...image, imagePullSecrets: pullSecrets }).prefault({}),
  logLevel: z.enum(LOG_LEVELS).default('info'),
  /** Port on which agents reach the manager. */
  apiPort: port.default(8444),
  tunnel: z
    .strictObject({
      /** Port of the manager's pod that the API server reaches. */
      port: port.default(8443),
    })
    .prefault({}),
  healthPort: port.default(8080),
  /** Namespaces that the manager serves; empty: all. */
  namespaces: z.array(z.string().min(1)).default([]),
  /** CIDRs outside of the cluster's own that workstations may reach through the manager. */
  outbound: z.strictObject({ allow: cidrs }).prefault({}),
  /** What the manager finds out by itself unless it is told. */
  cluster: z
    .strictObject({
      domain: z.string().default(''),
      dnsAddress: z.union([z.literal(''), z.ipv4(), z.ipv6()]).default(''),
      podSubnets: cidrs,
      serviceSubnets: cidrs,
    })
    .prefault({}),
  /** The cloud for logins and preview URLs. */
  cloud: z
    .strictObject({
      url: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]).default(''),
      /** The cluster's token; empty: the first user who is logged in fetches one. */
      token: z.string().default(''),
      /** PEM of a CA that is trusted beside the well-known ones. */
      ca: z.string().default(''),
    })
    .prefault({}),
  agent: z
    .strictObject({
      image: z.strictObject({ ...image, pullSecrets }).prefault({}),
      logLevel: z.enum(LOG_LEVELS).default('info'),
      port: port.default(FIRST_AGENT_PORT),
      resources: resources.prefault({}),
      initResources: resources.prefault({}),
      securityContext: z.looseObject({}).default({}),
      initSecurityContext: z.looseObject({}).default({}),
      initContainer: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
    })
    .prefault({}),
  agentInjector: z
    .strictObject({
      enabled: z.boolean().default(true),
      webhook: z
        .strictObject({
          port: port.default(8445),
          failurePolicy: z.enum(['Ignore', 'Fail']).default('Ignore'),
          reinvocationPolicy: z.enum(['IfNeeded', 'Never']).default('IfNeeded'),
          timeoutSeconds: z.number().int().min(1).max(30).default(2),
          objectSelector: z.looseObject({}).default({}),
        })
        .prefault({}),
    })
    .prefault({}),
  clientRbac: z
    .strictObject({
      create: z.boolean().default(true),
      /** Where `subjects` may intercept; empty: everywhere. */
      namespaces: z.array(z.string().min(1)).default([]),
      subjects: z.array(subject).default([]),
      /** Opt-in: the tunnel by port-forward, for clusters whose API server does not reach pods. */
      portForward: z.boolean().default(false),
    })
    .prefault({}),
  /** False where another installation in the cluster brings the definitions. */
  crds: z.strictObject({ create: z.boolean().default(true) }).prefault({}),
  managerRbac: z.strictObject({ create: z.boolean().default(true) }).prefault({}),
  /** Sent to clients, which rank it below their own configuration. */
  client: z.looseObject({}).default({}),
  service: z.strictObject({ type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).default('ClusterIP') }).prefault({}),
  podDisruptionBudget: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  resources: resources.default({ requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '1Gi' } }),
  podAnnotations: strings,
  podLabels: strings,
  nodeSelector: strings,
  tolerations: objects,
  affinity: z.looseObject({}).default({}),
  priorityClassName: z.string().default(''),
  schedulerName: z.string().default(''),
  hostNetwork: z.boolean().default(false),
});
export type Values = z.output<typeof valuesSchema>;
/** What a user writes: every part may be left out. */
export type ValuesInput = z.input<typeof valuesSchema>;

/** The keys of the (strict) object at `path` in the schema's defaults. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let at: unknown = valuesSchema.parse({});
  for (const key of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
  return typeof at === 'object' && at !== null ? Object.keys(at) : [];
}

function sentences(issue: z.core.$ZodIssue): string[] {
  const where = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') return [`${where || 'the values'}: ${issue.message}`];
  return issue.keys.map((key) => {
    const near = nearestKey(key, keysAt(issue.path));
    const prefix = where === '' ? '' : `${where}.`;
    return `there is no value ${prefix}${key}${near === undefined ? '' : `; did you mean ${prefix}${near}?`}`;
  });
}

/**
 * Checks values and lays them on the defaults as Helm does: maps key by key, `null` takes a key away. Throws TP-CONFIG-INVALID that names
 * every problem at once.
 */
export function parseValues(input: unknown): Values {
  const given = input ?? {};
  const parsed = valuesSchema.safeParse(isTree(given) ? coalesceValues(valuesSchema.parse({}), given) : given);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap(sentences);
  throw new CodedError('TP-CONFIG-INVALID', `The values for the traffic-manager are not valid: ${problems.join('; ')}.`, {
    help: 'deploy/chart/values.yaml lists every value with its default.',
  });
}
