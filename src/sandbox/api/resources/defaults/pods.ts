/** What pods and their templates have where nothing was said. */
import { isObject, type JsonObject } from '../../object.ts';
import type { KindRules } from '../strategies.ts';
import { podChangeCauses } from '../validate/pod-changes.ts';
import { podSpecCauses, RESTART_POLICIES } from '../validate/pods.ts';
import { fill, items, part } from './fill.ts';

const FILE_MODE = 0o644;
const FIELD_REF = { apiVersion: 'v1' };
const TOKEN_SECONDS = 3600;

export function fillPodSpec(spec: JsonObject): void {
  fill(spec, {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  });
  // The older name of the same field.
  if (spec['serviceAccountName'] === undefined && spec['serviceAccount'] !== undefined) spec['serviceAccountName'] = spec['serviceAccount'];
  if (spec['serviceAccountName'] !== undefined) spec['serviceAccount'] = spec['serviceAccountName'];
  for (const key of ['initContainers', 'containers', 'ephemeralContainers'])
    for (const container of items(spec, key)) fillContainer(container, spec['hostNetwork'] === true);
  for (const volume of items(spec, 'volumes')) fillVolume(volume);
  for (const spread of items(spec, 'topologySpreadConstraints')) fill(spread, { nodeAffinityPolicy: 'Honor', nodeTaintsPolicy: 'Ignore' });
}

function fillContainer(container: JsonObject, hostNetwork: boolean): void {
  fill(container, {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: alwaysPulled(String(container['image'] ?? '')) ? 'Always' : 'IfNotPresent',
    resources: {},
  });
  for (const port of items(container, 'ports')) {
    fill(port, { protocol: 'TCP' });
    if (hostNetwork) fill(port, { hostPort: port['containerPort'] });
  }
  for (const variable of items(container, 'env')) {
    const from = variable['valueFrom'];
    if (isObject(from) && isObject(from['fieldRef'])) fill(from['fieldRef'], FIELD_REF);
  }
  for (const key of ['livenessProbe', 'readinessProbe', 'startupProbe']) {
    const probe = container[key];
    if (!isObject(probe)) continue;
    fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
    fillHandler(probe);
  }
  const { lifecycle } = container;
  if (isObject(lifecycle)) for (const handler of Object.values(lifecycle)) if (isObject(handler)) fillHandler(handler);
}

/** Who says how much it may take at most is taken to need that much. Of a pod only: a template is kept as it was written. */
function fillRequests(spec: JsonObject): void {
  for (const container of [...items(spec, 'initContainers'), ...items(spec, 'containers')]) {
    const limits = isObject(container['resources']) ? container['resources']['limits'] : undefined;
    if (isObject(limits)) fill(part(container, 'resources'), { requests: limits });
  }
}

function fillHandler(handler: JsonObject): void {
  if (isObject(handler['httpGet'])) fill(handler['httpGet'], { path: '/', scheme: 'HTTP' });
  if (isObject(handler['grpc'])) fill(handler['grpc'], { service: '' });
}

/** Without a tag, or with the one that moves. */
function alwaysPulled(image: string): boolean {
  if (image.includes('@')) return false;
  const tag = /:([^:/]+)$/.exec(image)?.[1];
  return tag === undefined || tag === 'latest';
}

function fillVolume(volume: JsonObject): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume['emptyDir'] = {};
  for (const key of ['secret', 'configMap', 'downwardAPI', 'projected']) if (isObject(volume[key])) fill(volume[key], { defaultMode: FILE_MODE });
  if (isObject(volume['hostPath'])) fill(volume['hostPath'], { type: '' });
  if (isObject(volume['downwardAPI'])) fillFieldItems(volume['downwardAPI']);
  if (!isObject(volume['projected'])) return;
  for (const source of items(volume['projected'], 'sources')) {
    if (isObject(source['serviceAccountToken'])) fill(source['serviceAccountToken'], { expirationSeconds: TOKEN_SECONDS });
    if (isObject(source['downwardAPI'])) fillFieldItems(source['downwardAPI']);
  }
}

function fillFieldItems(source: JsonObject): void {
  for (const item of items(source, 'items')) if (isObject(item['fieldRef'])) fill(item['fieldRef'], FIELD_REF);
}

/** Of `spec.template`. */
export function fillTemplate(spec: JsonObject): void {
  const template = spec['template'];
  if (!isObject(template)) return;
  part(template, 'metadata');
  fillPodSpec(part(template, 'spec'));
}

type Amounts = Record<string, unknown>;

/** How much a pod was promised: everything that it may take, something, nothing. */
function qosClass(spec: JsonObject): string {
  const all = [...items(spec, 'containers'), ...items(spec, 'initContainers')].map(({ resources }) => (isObject(resources) ? resources : {}));
  const of = (resources: JsonObject, kind: string): Amounts => (isObject(resources[kind]) ? resources[kind] : {});
  if (all.every((resources) => Object.keys(of(resources, 'limits')).length + Object.keys(of(resources, 'requests')).length === 0)) return 'BestEffort';
  const whole = all.every((resources) =>
    ['cpu', 'memory'].every(
      (name) =>
        of(resources, 'limits')[name] !== undefined && of(resources, 'limits')[name] === (of(resources, 'requests')[name] ?? of(resources, 'limits')[name]),
    ),
  );
  return whole ? 'Guaranteed' : 'Burstable';
}

export const POD_RULES: KindRules = {
  defaults(object) {
    const spec = part(object, 'spec');
    fillPodSpec(spec);
    fillRequests(spec);
    fill(spec, { enableServiceLinks: true });
  },
  validateUpdate: podChangeCauses,
  validate: (pod) => podSpecCauses(isObject(pod['spec']) ? pod['spec'] : {}, 'spec', RESTART_POLICIES),
  prepareCreate(pod) {
    pod['status'] = { phase: 'Pending', qosClass: qosClass(pod['spec'] as JsonObject) };
  },
};
