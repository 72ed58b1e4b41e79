/** What the remaining kinds have where nothing was said. */
import { randomUUID } from 'node:crypto';
import { type ApiObject, equal, isObject, type JsonObject } from '../../object.ts';
import { EVENT_RULES } from '../events.ts';
import type { KindRules } from '../strategies.ts';
import { immutableCauses, serviceCauses, serviceChangeCauses } from '../validate/others.ts';
import { secretCauses } from '../validate/secrets.ts';
import { fill, items, part } from './fill.ts';

const RBAC = 'rbac.authorization.k8s.io';

function fillBinding(object: JsonObject): void {
  const { roleRef } = object;
  if (isObject(roleRef)) fill(roleRef, { apiGroup: RBAC });
  for (const subject of items(object, 'subjects')) {
    if (subject['kind'] === 'ServiceAccount') fill(subject, { apiGroup: '' });
    else fill(subject, { apiGroup: RBAC });
    if (subject['apiGroup'] === '') delete subject['apiGroup'];
  }
}

function fillWebhooks(values: JsonObject): KindRules {
  return {
    defaults(object) {
      for (const webhook of items(object, 'webhooks')) {
        fill(webhook, { failurePolicy: 'Fail', matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {}, timeoutSeconds: 10, ...values });
        for (const rule of items(webhook, 'rules')) fill(rule, { scope: '*' });
        const config = webhook['clientConfig'];
        if (isObject(config) && isObject(config['service'])) fill(config['service'], { port: 443 });
      }
    },
  };
}

function fillConstraints(constraints: unknown): void {
  if (!isObject(constraints)) return;
  fill(constraints, { matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} });
  for (const key of ['resourceRules', 'excludeResourceRules']) for (const rule of items(constraints, key)) fill(rule, { scope: '*' });
}

const ports = (object: JsonObject) => {
  for (const port of items(object, 'ports')) fill(port, { protocol: 'TCP' });
};

/** By the name of the store's collection. */
export const OTHER_RULES: Record<string, KindRules> = {
  configmaps: { validateUpdate: immutableCauses },
  secrets: {
    validate: secretCauses,
    validateUpdate: immutableCauses,
    defaults(secret) {
      fill(secret, { type: 'Opaque' });
      const { stringData } = secret;
      if (!isObject(stringData)) return;
      const data = part(secret, 'data');
      for (const [key, text] of Object.entries(stringData)) data[key] = Buffer.from(String(text)).toString('base64');
      delete secret['stringData'];
    },
  },
  services: {
    validate: serviceCauses,
    validateUpdate: serviceChangeCauses,
    defaults(object) {
      const spec = part(object, 'spec');
      fill(spec, { type: 'ClusterIP', sessionAffinity: 'None' });
      for (const port of items(spec, 'ports')) fill(port, { protocol: 'TCP', targetPort: port['port'] });
      if (spec['sessionAffinity'] === 'ClientIP') fill(spec, { sessionAffinityConfig: { clientIP: { timeoutSeconds: 10_800 } } });
      if (spec['type'] !== 'ExternalName') fill(spec, { internalTrafficPolicy: 'Cluster' });
      if (spec['type'] === 'NodePort' || spec['type'] === 'LoadBalancer') fill(spec, { externalTrafficPolicy: 'Cluster' });
      if (spec['type'] === 'LoadBalancer') fill(spec, { allocateLoadBalancerNodePorts: true });
    },
  },
  endpoints: {
    defaults(object) {
      for (const subset of items(object, 'subsets')) ports(subset);
    },
  },
  'endpointslices.discovery.k8s.io': {
    defaults(object) {
      for (const port of items(object, 'ports')) fill(port, { name: '', protocol: 'TCP' });
    },
    changedBesides: (object, old) => !equal(object.metadata.labels, old.metadata.labels),
  },
  events: EVENT_RULES,
  limitranges: {
    defaults(object) {
      const { metadata } = object as ApiObject;
      // The one kind whose objects get a name when they have none.
      if ((metadata.name ?? '') === '' && (metadata.generateName ?? '') === '') metadata.name = randomUUID();
      for (const limit of items(part(object, 'spec'), 'limits')) {
        if (limit['type'] !== 'Container') continue;
        if (isObject(limit['max'])) fill(part(limit, 'default'), limit['max']);
        if (isObject(limit['default'])) fill(part(limit, 'defaultRequest'), limit['default']);
        if (isObject(limit['min'])) fill(part(limit, 'defaultRequest'), limit['min']);
      }
    },
  },
  'networkpolicies.networking.k8s.io': {
    defaults(object) {
      const spec = part(object, 'spec');
      fill(spec, { policyTypes: spec['egress'] === undefined ? ['Ingress'] : ['Ingress', 'Egress'] });
      for (const rule of [...items(spec, 'ingress'), ...items(spec, 'egress')]) ports(rule);
    },
  },
  'rolebindings.rbac.authorization.k8s.io': { defaults: fillBinding },
  'clusterrolebindings.rbac.authorization.k8s.io': { defaults: fillBinding },
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': fillWebhooks({ reinvocationPolicy: 'Never' }),
  'validatingwebhookconfigurations.admissionregistration.k8s.io': fillWebhooks({}),
  'validatingadmissionpolicies.admissionregistration.k8s.io': {
    defaults(object) {
      const spec = part(object, 'spec');
      fill(spec, { failurePolicy: 'Fail' });
      fillConstraints(spec['matchConstraints']);
    },
  },
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': {
    defaults: (object) => fillConstraints(part(object, 'spec')['matchResources']),
  },
  'priorityclasses.scheduling.k8s.io': { defaults: (object) => fill(object, { preemptionPolicy: 'PreemptLowerPriority' }) },
  'storageclasses.storage.k8s.io': { defaults: (object) => fill(object, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }) },
  persistentvolumeclaims: {
    defaults: (object) => fill(part(object, 'spec'), { volumeMode: 'Filesystem' }),
    prepareCreate(object) {
      object['status'] = { phase: 'Pending' };
    },
  },
  persistentvolumes: {
    defaults: (object) => fill(part(object, 'spec'), { volumeMode: 'Filesystem', persistentVolumeReclaimPolicy: 'Retain' }),
    prepareCreate(object) {
      object['status'] = { phase: 'Pending' };
    },
  },
};
