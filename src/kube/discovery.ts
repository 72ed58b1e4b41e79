/** From an object's kind to its path: a table for the kinds that everybody has, the API server's discovery for the others. */

import { CodedError } from '../base/errors.ts';
import type { KubeObject } from './contract.ts';
import { resourcePath } from './paths.ts';

interface Resource {
  plural: string;
  namespaced: boolean;
}

const namespaced = (plural: string): Resource => ({ plural, namespaced: true });
const global = (plural: string): Resource => ({ plural, namespaced: false });

const BUILT_IN: Record<string, Resource> = {
  'v1/ConfigMap': namespaced('configmaps'),
  'v1/Endpoints': namespaced('endpoints'),
  'v1/Event': namespaced('events'),
  'v1/Namespace': global('namespaces'),
  'v1/Node': global('nodes'),
  'v1/PersistentVolumeClaim': namespaced('persistentvolumeclaims'),
  'v1/Pod': namespaced('pods'),
  'v1/Secret': namespaced('secrets'),
  'v1/Service': namespaced('services'),
  'v1/ServiceAccount': namespaced('serviceaccounts'),
  'apps/v1/DaemonSet': namespaced('daemonsets'),
  'apps/v1/Deployment': namespaced('deployments'),
  'apps/v1/ReplicaSet': namespaced('replicasets'),
  'apps/v1/StatefulSet': namespaced('statefulsets'),
  'batch/v1/CronJob': namespaced('cronjobs'),
  'batch/v1/Job': namespaced('jobs'),
  'networking.k8s.io/v1/Ingress': namespaced('ingresses'),
  'networking.k8s.io/v1/NetworkPolicy': namespaced('networkpolicies'),
  'policy/v1/PodDisruptionBudget': namespaced('poddisruptionbudgets'),
  'discovery.k8s.io/v1/EndpointSlice': namespaced('endpointslices'),
  'coordination.k8s.io/v1/Lease': namespaced('leases'),
  'rbac.authorization.k8s.io/v1/ClusterRole': global('clusterroles'),
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding': global('clusterrolebindings'),
  'rbac.authorization.k8s.io/v1/Role': namespaced('roles'),
  'rbac.authorization.k8s.io/v1/RoleBinding': namespaced('rolebindings'),
  'apiextensions.k8s.io/v1/CustomResourceDefinition': global('customresourcedefinitions'),
  'admissionregistration.k8s.io/v1/MutatingWebhookConfiguration': global('mutatingwebhookconfigurations'),
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy': global('validatingadmissionpolicies'),
  'admissionregistration.k8s.io/v1/ValidatingAdmissionPolicyBinding': global('validatingadmissionpolicybindings'),
  'admissionregistration.k8s.io/v1/ValidatingWebhookConfiguration': global('validatingwebhookconfigurations'),
};

export interface Discovery {
  pathOf(object: KubeObject, options?: { subresource?: string; signal?: AbortSignal | undefined }): Promise<string>;
  collectionOf(object: KubeObject, options?: { subresource?: string; signal?: AbortSignal | undefined }): Promise<string>;
}

interface ApiResourceList {
  resources?: { name: string; kind: string; namespaced: boolean }[];
}

export function createDiscovery(get: (path: string, signal: AbortSignal | undefined) => Promise<ApiResourceList>): Discovery {
  const found = new Map<string, Resource>();

  async function resourceOf(object: KubeObject, signal: AbortSignal | undefined): Promise<Resource> {
    const key = `${object.apiVersion}/${object.kind}`;
    const known = BUILT_IN[key] ?? found.get(key);
    if (known !== undefined) return known;
    const prefix = object.apiVersion.includes('/') ? '/apis' : '/api';
    const answer = await get(`${prefix}/${object.apiVersion}`, signal);
    for (const resource of answer.resources ?? []) {
      if (!resource.name.includes('/')) found.set(`${object.apiVersion}/${resource.kind}`, { plural: resource.name, namespaced: resource.namespaced });
    }
    const now = found.get(key);
    if (now === undefined)
      throw new CodedError('TP-KUBE-NOT-FOUND', `The cluster has no kind ${object.kind} in ${object.apiVersion}.`, {
        help: 'Its CustomResourceDefinition is not installed, or only just now: try again.',
      });
    return now;
  }

  async function path(object: KubeObject, name: string | undefined, options: { subresource?: string; signal?: AbortSignal | undefined }): Promise<string> {
    const resource = await resourceOf(object, options.signal);
    const { namespace } = object.metadata;
    if (resource.namespaced && namespace === undefined) throw new CodedError('TP-INTERNAL', `${object.kind} ${object.metadata.name ?? ''} has no namespace.`);
    return resourcePath(object.apiVersion, resource.plural, resource.namespaced ? namespace : undefined, name, options.subresource);
  }

  return {
    async pathOf(object, options = {}) {
      const { name } = object.metadata;
      if (name === undefined) throw new CodedError('TP-INTERNAL', `${object.kind} has no name.`);
      return path(object, name, options);
    },
    // A create with a subresource (`tokenrequest`, `binding`) goes to the named object.
    collectionOf: (object, options = {}) => path(object, options.subresource === undefined ? undefined : object.metadata.name, options),
  };
}
