/** The objects that controllers work on: the published types, with what every stored object has made certain. */
import type * as apps from 'kubernetes-types/apps/v1.js';
import type * as batch from 'kubernetes-types/batch/v1.js';
import type * as core from 'kubernetes-types/core/v1.js';
import type * as discovery from 'kubernetes-types/discovery/v1.js';
import type { OwnerReference } from 'kubernetes-types/meta/v1.js';
import type * as policy from 'kubernetes-types/policy/v1.js';

export interface Meta {
  name: string;
  /** `''` for what is in no namespace. */
  namespace: string;
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
  generation?: number;
  generateName?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  [key: string]: unknown;
}

/** What each object in the API has. */
export interface Stored {
  apiVersion: string;
  kind: string;
  metadata: Meta;
}

type As<T, K extends keyof T = never> = Omit<T, 'apiVersion' | 'kind' | 'metadata' | K> & Stored & { [P in K]-?: NonNullable<T[P]> };

export type Pod = As<core.Pod, 'spec'>;
export type Service = As<core.Service, 'spec'>;
export type Namespace = As<core.Namespace>;
export type Node = As<core.Node>;
export type Endpoints = As<core.Endpoints>;
export type EndpointSlice = As<discovery.EndpointSlice>;
export type Deployment = As<apps.Deployment, 'spec'>;
export type ReplicaSet = As<apps.ReplicaSet, 'spec'>;
export type StatefulSet = As<apps.StatefulSet, 'spec'>;
export type DaemonSet = As<apps.DaemonSet, 'spec'>;
export type ControllerRevision = As<apps.ControllerRevision>;
export type Job = As<batch.Job, 'spec'>;
export type PodDisruptionBudget = As<policy.PodDisruptionBudget, 'spec'>;
export type ResourceQuota = As<core.ResourceQuota>;
export type AdmissionPolicy = Stored & { status?: { observedGeneration?: number; typeChecking?: object } };
export type PodTemplate = core.PodTemplateSpec;

/** Where a kind lives, and how its objects are typed. */
export interface Kind<T extends Stored = Stored> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: it only carries the type. */
  readonly type?: T;
}

const kind = <T extends Stored>(apiVersion: string, name: string, plural: string, namespaced = true): Kind<T> => ({
  apiVersion,
  kind: name,
  plural,
  namespaced,
});

export const PODS = kind<Pod>('v1', 'Pod', 'pods');
export const SERVICES = kind<Service>('v1', 'Service', 'services');
export const NAMESPACES = kind<Namespace>('v1', 'Namespace', 'namespaces', false);
export const NODES = kind<Node>('v1', 'Node', 'nodes', false);
export const ENDPOINTS = kind<Endpoints>('v1', 'Endpoints', 'endpoints');
export const SERVICE_ACCOUNTS = kind('v1', 'ServiceAccount', 'serviceaccounts');
export const CONFIG_MAPS = kind<Stored & { data?: Record<string, string> }>('v1', 'ConfigMap', 'configmaps');
export const ENDPOINT_SLICES = kind<EndpointSlice>('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices');
export const DEPLOYMENTS = kind<Deployment>('apps/v1', 'Deployment', 'deployments');
export const REPLICA_SETS = kind<ReplicaSet>('apps/v1', 'ReplicaSet', 'replicasets');
export const STATEFUL_SETS = kind<StatefulSet>('apps/v1', 'StatefulSet', 'statefulsets');
export const DAEMON_SETS = kind<DaemonSet>('apps/v1', 'DaemonSet', 'daemonsets');
export const CONTROLLER_REVISIONS = kind<ControllerRevision>('apps/v1', 'ControllerRevision', 'controllerrevisions');
export const JOBS = kind<Job>('batch/v1', 'Job', 'jobs');
export const BUDGETS = kind<PodDisruptionBudget>('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets');
export const SECRETS = kind('v1', 'Secret', 'secrets');
export const QUOTAS = kind<ResourceQuota>('v1', 'ResourceQuota', 'resourcequotas');
export const POLICIES = kind<AdmissionPolicy>('admissionregistration.k8s.io/v1', 'ValidatingAdmissionPolicy', 'validatingadmissionpolicies', false);
export const CRDS = kind('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', false);

export const keyOf = (object: Stored): string => `${object.metadata.namespace}/${object.metadata.name}`;

/** Namespace and name of a key. */
export function splitKey(key: string): [namespace: string, name: string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}
