/** The defaults of the ingress dialog: what was answered before, and what the user may see in the cluster. */
import type { Service } from 'kubernetes-types/core/v1.js';
import type { Ingress as IngressObject } from 'kubernetes-types/networking/v1.js';
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import type { Ingress } from '../../protocol/cloud.ts';
import { findWorkload, listServices, listWorkloads, servicesOf } from '../intercept/workloads.ts';
import { guessIngresses } from './ingress-guess.ts';
import { recallIngress } from './ingress-memory.ts';

export interface FindIngressOptions {
  kube: KubeClient;
  log: Log;
  clusterId: string;
  ingressesFile: string;
  namespace: string;
  /** As of `intercept`. */
  workload: string;
  service?: string | undefined;
  signal: AbortSignal;
}

/** @throws TP-WORKLOAD-NOT-FOUND, TP-WORKLOAD-AMBIGUOUS: before anybody is asked four questions about it. */
export async function findIngresses(options: FindIngressOptions): Promise<Ingress[]> {
  const { kube, namespace, signal } = options;
  const [workloads, own, all, ingresses] = await Promise.all([
    listWorkloads(kube, namespace, signal),
    listServices(kube, namespace, signal),
    ifAllowed(listServices(kube, undefined, signal)),
    ifAllowed(kube.list<IngressObject>(resourcePath('networking.k8s.io/v1', 'ingresses', namespace), { signal }).then(({ items }) => items)),
  ]);
  const workload = findWorkload(options.workload, namespace, workloads, own);
  const services = options.service === undefined ? servicesOf(workload, own).map(({ metadata }) => metadata?.name ?? '') : [options.service];
  const guesses = guessIngresses({ namespace, services, all: all.length > 0 ? all : (own satisfies Service[]), ingresses });
  const known = await recallIngress(options.ingressesFile, options.clusterId, `${namespace}/${workload.kind}/${workload.name}`, options.log);
  const found = [...(known.own === undefined ? [] : [known.own]), ...guesses];
  // Another workload's host name would lead elsewhere; its way into the cluster is the same.
  return found.length > 0 || known.last === undefined ? found : [{ ...known.last, l5host: known.last.host }];
}

/** Whoever may not look is offered no defaults. */
async function ifAllowed<T>(list: Promise<T[]>): Promise<T[]> {
  try {
    return await list;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'TP-KUBE-FORBIDDEN') return [];
    throw error;
  }
}
