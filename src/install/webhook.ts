/** The webhook that adds agents to pods. It fails open, soon, and the API server asks it only about pods that are to have one. */
import { ANNOTATION, INJECT_PATH, INJECTOR_SERVICE, LEGACY_ANNOTATION_PREFIX } from '../protocol/resources.ts';
import type { KubeObject } from './kube-object.ts';
import { COMMON_LABELS, type Naming } from './naming.ts';
import type { Values } from './values.ts';

/** Where nothing is ever injected, beside the manager's own namespace. */
const NEVER_INJECTED = ['kube-system', 'kube-node-lease', 'kube-public'];
const WEBHOOK_NAME = 'agent-injector.telepresence.io';

function wanted(annotation: string): string {
  return `object.metadata.annotations[?'${annotation}'].orValue('') == 'enabled'`;
}

export function injectorWebhook(naming: Naming, values: Values): KubeObject[] {
  if (!values.agentInjector.enabled) return [];
  const { webhook } = values.agentInjector;
  const legacy = `${LEGACY_ANNOTATION_PREFIX}${ANNOTATION.inject.slice(ANNOTATION.inject.indexOf('/') + 1)}`;
  const served = values.namespaces.length > 0 ? [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: values.namespaces }] : [];
  return [
    {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      metadata: { name: naming.webhookConfiguration, labels: { ...COMMON_LABELS } },
      webhooks: [
        {
          name: WEBHOOK_NAME,
          admissionReviewVersions: ['v1'],
          sideEffects: 'None',
          // No caBundle: the leading manager writes the CA that it made, and an apply without the field leaves it alone.
          clientConfig: { service: { name: INJECTOR_SERVICE, namespace: naming.namespace, path: INJECT_PATH, port: 443 } },
          rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' }],
          failurePolicy: webhook.failurePolicy,
          matchPolicy: 'Equivalent',
          reinvocationPolicy: webhook.reinvocationPolicy,
          timeoutSeconds: webhook.timeoutSeconds,
          namespaceSelector: {
            matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: [...NEVER_INJECTED, naming.namespace] }, ...served],
          },
          ...(Object.keys(webhook.objectSelector).length > 0 ? { objectSelector: webhook.objectSelector } : {}),
          matchConditions: [{ name: 'wants-agent', expression: `has(object.metadata.annotations) && (${wanted(ANNOTATION.inject)} || ${wanted(legacy)})` }],
        },
      ],
    },
  ];
}
