/** All objects of an installation, in the order in which they are applied. A pure function of its arguments. */
import { DEFAULT_MANAGER_NAMESPACE } from '../protocol/resources.ts';
import { customResourceDefinitions } from './crds.ts';
import { managerWorkload } from './deployment.ts';
import type { KubeObject } from './kube-object.ts';
import { COMMON_LABELS, namingOf } from './naming.ts';
import { admissionPolicies } from './policies.ts';
import { managerAccess } from './rbac-manager.ts';
import { userAccess } from './rbac-user.ts';
import { managerServices } from './services.ts';
import { cloudSecret, settingsObject } from './settings.ts';
import type { Values } from './values.ts';
import { injectorWebhook } from './webhook.ts';

export interface RenderOptions {
  /** The manager's namespace. Default: `ambassador`. */
  namespace?: string;
  /** Render the Namespace too. */
  createNamespace?: boolean;
}

/**
 * The policies come before anything that could create what they guard, and the webhook after the Service and Deployment behind it.
 */
export function renderManifests(values: Values, options: RenderOptions = {}): KubeObject[] {
  const naming = namingOf(options.namespace ?? DEFAULT_MANAGER_NAMESPACE);
  const namespace: KubeObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: naming.namespace, labels: { ...COMMON_LABELS } } };
  return [
    ...(options.createNamespace ? [namespace] : []),
    ...(values.crds.create ? customResourceDefinitions() : []),
    ...admissionPolicies(naming),
    ...managerAccess(naming, values),
    ...userAccess(naming, values),
    settingsObject(naming, values),
    ...cloudSecret(naming, values),
    ...managerServices(naming, values),
    ...managerWorkload(naming, values),
    ...injectorWebhook(naming, values),
  ];
}
