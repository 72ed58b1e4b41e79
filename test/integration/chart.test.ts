/** The Helm chart renders what the installer applies. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { derivedChartFiles } from '../../scripts/chart.ts';
import { VERSION } from '../../src/base/version.ts';
import { type KubeObject, mergeValues, parseSetting, parseValues, renderManifests } from '../../src/install/index.ts';
import { HELM_TIMEOUT_MS, helmTemplate } from '../helpers/helm.ts';

const CHART = join(import.meta.dirname, '../../deploy/chart');
const file = (name: string) => readFile(join(CHART, name), 'utf8');
const byKey = (objects: KubeObject[]) =>
  Object.fromEntries(objects.map((object) => [`${object.kind} ${object.metadata.namespace ?? ''}/${object.metadata.name}`, object]));

describe('the files of the chart', () => {
  it('that are derived are up to date (else: npm run chart)', async () => {
    for (const [name, text] of derivedChartFiles()) expect(await file(name), name).toBe(text);
  });
  it('have the version of the package', async () => {
    expect(parse(await file('Chart.yaml'))).toMatchObject({ version: VERSION, appVersion: VERSION });
  });
  it('have the defaults of the installer', async () => {
    expect(parse(await file('values.yaml'))).toEqual(parseValues({}));
  });
});

const SETTINGS: Record<string, Record<string, unknown>> = {
  defaults: {},
  'single namespaces': {
    namespaces: ['shop', 'stock'],
    clientRbac: {
      namespaces: ['shop'],
      subjects: [
        { kind: 'User', name: 'alice@example.com' },
        { kind: 'ServiceAccount', name: 'ci', namespace: 'build' },
      ],
    },
  },
  'users everywhere, by port-forward': { clientRbac: { subjects: [{ kind: 'Group', name: 'dev' }], portForward: true } },
  'nothing optional': {
    agentInjector: { enabled: false },
    clientRbac: { create: false },
    managerRbac: { create: false },
    crds: { create: false },
    podDisruptionBudget: { enabled: false },
    replicaCount: 0,
  },
  images: {
    image: { registry: 'registry.example.com/team', name: 'tp', tag: 'sha256:0123', pullPolicy: 'Always', imagePullSecrets: [{ name: 'pull' }] },
    agent: { image: { tag: '2', pullSecrets: [{ name: 'agents' }] } },
  },
  'a cloud': { cloud: { url: 'https://cloud.example.com', token: 'tpc_x', ca: '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n' } },
  'a cloud without its token': { cloud: { url: 'https://cloud.example.com' } },
  'ports and settings': {
    apiPort: 10_250,
    tunnel: { port: 9443 },
    healthPort: 9090,
    logLevel: 'debug',
    outbound: { allow: ['10.1.0.0/16', 'fd00::/64'] },
    cluster: { domain: 'k8s.example', podSubnets: ['10.2.0.0/16'], dnsAddress: '10.96.0.10' },
    client: { dns: { includeSuffixes: ['.corp'], note: 'a < b & "c" > d' }, routing: { alsoProxySubnets: [] } },
    agent: {
      resources: { requests: { cpu: '10m' }, limits: { memory: '64Mi' } },
      securityContext: { runAsUser: 5 },
      logLevel: 'trace',
      initContainer: { enabled: false },
    },
    agentInjector: {
      webhook: { timeoutSeconds: 5, failurePolicy: 'Fail', reinvocationPolicy: 'Never', port: 8446, objectSelector: { matchLabels: { inject: 'yes' } } },
    },
  },
  'the pod': {
    podAnnotations: { note: 'x' },
    podLabels: { app: 'not-this', team: 'a' },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ key: 'a', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
    priorityClassName: 'high',
    schedulerName: 'own',
    hostNetwork: true,
    resources: { limits: { memory: '2Gi', cpu: 1 } },
    service: { type: 'NodePort' },
  },
};

describe('helm template', { timeout: HELM_TIMEOUT_MS }, () => {
  const { need, template, write } = helmTemplate(CHART, 'telepresence', 'ambassador');

  it.for(Object.entries(SETTINGS))('gives the objects of the installer: %s', async ([name, values], context) => {
    need(context);
    const valuesFile = await write(`${name.replaceAll(/\W/g, '-')}.json`, JSON.stringify(values));
    expect(byKey(await template('--values', valuesFile))).toEqual(byKey(JSON.parse(JSON.stringify(renderManifests(parseValues(values))))));
  });

  it('reads --set as the installer does', async (context) => {
    need(context);
    const sets = [
      'replicaCount=3,logLevel=debug',
      'namespaces={a,b}',
      'podAnnotations.example\\.com/x=y\\,z',
      'clientRbac.subjects[0].kind=User,clientRbac.subjects[0].name=al',
      'image.tag=007',
      'resources.limits.memory=null',
    ];
    // Settings of one list item are laid over each other by Helm only.
    const own = sets
      .filter((set) => !set.includes('[0]'))
      .map((set) => parseSetting(set))
      .reduce(mergeValues, { clientRbac: { subjects: [{ kind: 'User', name: 'al' }] } });
    expect(byKey(await template(...sets.flatMap((set) => ['--set', set])))).toEqual(byKey(JSON.parse(JSON.stringify(renderManifests(parseValues(own))))));
  });

  it('refuses an unknown value', async (context) => {
    need(context);
    await expect(template('--set', 'replicas=3')).rejects.toThrow(/additional properties 'replicas' not allowed/);
  });
});
