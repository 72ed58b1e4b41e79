/** What the controller reads of the cluster's objects. */
import type { Service as AnyService } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice as AnySlice } from 'kubernetes-types/discovery/v1.js';
import type { IngressClass as AnyClass, Ingress as AnyIngress } from 'kubernetes-types/networking/v1.js';

interface Meta {
  name: string;
  namespace: string;
  uid: string;
  creationTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}
type Stored<T> = Omit<T, 'metadata'> & { metadata: Meta };

export type Ingress = Stored<AnyIngress>;
export type IngressClass = Stored<AnyClass>;
export type Service = Stored<AnyService>;
export type EndpointSlice = Stored<AnySlice>;

/** Of type `kubernetes.io/tls`. */
export type TlsSecret = { metadata: Pick<Meta, 'name' | 'namespace'>; data?: Record<string, string> };

/** As Ingresses and the rest name objects: the namespace, a slash, the name. */
export const fullName = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`;
