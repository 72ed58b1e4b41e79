/**
 * The webhook through which pods get their agent. Rendered without `caBundle`: the leading manager fills it in (src/manager/leader/webhook.ts)
 * and keeps it right, and an apply that doesn't name it leaves it alone.
 */
import { ANNOTATION, INJECTOR_SERVICE, LEGACY_ANNOTATION_PREFIX } from '../protocol/resources.ts';
import type { KubeObject } from './kube-object.ts';
import { COMMON_LABELS, type Naming } from './naming.ts';

export const WEBHOOK_NAME = 'agent-injector.telepresence.io';
/** A pod's creation waits at most so long for the manager, and then goes on without an agent. */
export const WEBHOOK_TIMEOUT_SECONDS = 2;
export const WEBHOOK_SERVICE_PORT = 443;

const asked = (annotation: string) => `object.metadata.?annotations[?'${annotation}'].orValue('') == 'enabled'`;

export function injectorWebhook(naming: Naming): KubeObject {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: naming.webhookConfiguration, labels: { ...COMMON_LABELS } },
    webhooks: [
      {
        name: WEBHOOK_NAME,
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Ignore',
        timeoutSeconds: WEBHOOK_TIMEOUT_SECONDS,
        // A mesh's webhook may add containers and probes after ours.
        reinvocationPolicy: 'IfNeeded',
        clientConfig: { service: { name: INJECTOR_SERVICE, namespace: naming.namespace, path: '/inject', port: WEBHOOK_SERVICE_PORT } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'], scope: 'Namespaced' }],
        // The API server asks only for pods that want an agent: all others start without one more request.
        matchConditions: [{ name: 'wants-agent', expression: `${asked(ANNOTATION.inject)} || ${asked(`${LEGACY_ANNOTATION_PREFIX}inject-traffic-agent`)}` }],
        namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', naming.namespace] }] },
      },
    ],
  };
}
