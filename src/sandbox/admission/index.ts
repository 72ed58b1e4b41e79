/**
 * What happens to an object on its way in: built-in changes and refusals, policies, webhooks, in the order of the API server.
 *
 *   const admission = createAdmission({ client, dial: node.dial, authorizer, escalation, log });
 *   createApiServer({ admission, … });
 *   await admission.start();
 */
import type { Log } from '../../base/log.ts';
import type { KubeObject } from '../../kube/index.ts';
import { resourcePath } from '../../kube/paths.ts';
import { getIfThere } from '../access/index.ts';
import type { Admission, AdmissionAttributes, Authorizer, ClusterClient, NodeStreams } from '../contract.ts';
import { checkLimits, setDefaultLimits } from './builtin/limit-ranger.ts';
import { createNamespaceLifecycle } from './builtin/namespace-lifecycle.ts';
import { isNewPod, type Pod } from './builtin/pod.ts';
import { setPriority, setTolerations } from './builtin/priority.ts';
import { checkQuotas } from './builtin/resource-quota.ts';
import { createServiceAccountAdmission } from './builtin/service-account.ts';
import { createEvaluator } from './cel/evaluate.ts';
import { createPodSecurity } from './pod-security/admit.ts';
import { createPolicyValidation } from './policy/validate.ts';
import { type AdmissionStore, createAdmissionStore } from './store.ts';
import { createWebhooks } from './webhook/admit.ts';

export { CelError, celValue, createEvaluator, type Evaluator } from './cel/evaluate.ts';

export interface AdmissionOptions {
  client: ClusterClient;
  /** To webhooks behind Services. */
  dial: NodeStreams['dial'];
  authorizer: Authorizer;
  /** Refuses roles and bindings that give more than their writer has. */
  escalation: (attributes: AdmissionAttributes) => void;
  log: Log;
}

export interface AdmissionControl extends Admission {
  /** Begins to read what decides, once the API answers. Until then the sandbox writes its own first objects, and nothing is refused. */
  start(): Promise<void>;
  close(): void;
}

const NAMESPACE_LABEL = 'kubernetes.io/metadata.name';

function withNameLabel(object: KubeObject): KubeObject {
  const { name } = object.metadata;
  const labels = (object.metadata['labels'] ?? {}) as Record<string, string>;
  if (name === undefined || labels[NAMESPACE_LABEL] === name) return object;
  return { ...object, metadata: { ...object.metadata, labels: { ...labels, [NAMESPACE_LABEL]: name } } };
}

const lowerPlural = (kind: string) => (/(s|x|ch)$/.test(kind.toLowerCase()) ? `${kind.toLowerCase()}es` : `${kind.toLowerCase()}s`);

export function createAdmission({ client, dial, authorizer, escalation, log }: AdmissionOptions): AdmissionControl {
  let running: ReturnType<typeof build> | undefined;

  function build(store: AdmissionStore) {
    const evaluator = createEvaluator();
    return {
      store,
      lifecycle: createNamespaceLifecycle(store),
      serviceAccount: createServiceAccountAdmission(client),
      podSecurity: createPodSecurity(store),
      webhooks: createWebhooks({ client, dial, store, authorizer, evaluator, log }),
      policies: createPolicyValidation({
        store,
        authorizer,
        evaluator,
        async paramsOf({ spec: { paramKind } }, { spec: { paramRef } }, namespace) {
          if (paramKind === undefined || paramRef?.name === undefined) return undefined;
          const { apiVersion, kind } = paramKind;
          const plural = lowerPlural(kind);
          const within = paramRef.namespace ?? namespace;
          return (
            (await getIfThere(client, resourcePath(apiVersion, plural, within, paramRef.name))) ??
            (await getIfThere(client, resourcePath(apiVersion, plural, undefined, paramRef.name)))
          );
        },
      }),
    };
  }

  return {
    async mutate(attributes) {
      let { object } = attributes;
      if (object !== undefined && attributes.type.group === '' && attributes.type.plural === 'namespaces' && attributes.subresource === undefined)
        object = withNameLabel(object);
      if (running === undefined) return object;
      const { store, lifecycle, serviceAccount, webhooks } = running;
      await lifecycle(attributes);
      if (isNewPod(attributes)) {
        object = structuredClone(object);
        const pod = object as unknown as Pod;
        setDefaultLimits(attributes.namespace ?? '', pod, store);
        await serviceAccount(attributes, pod);
        setTolerations(pod);
        setPriority(attributes, pod, store);
      }
      return await webhooks.mutate({ ...attributes, object });
    },
    async validate(attributes) {
      escalation(attributes);
      if (running === undefined) return;
      const { store, podSecurity, policies, webhooks } = running;
      await podSecurity(attributes);
      if (isNewPod(attributes)) checkLimits(attributes, attributes.object as unknown as Pod, store);
      await policies(attributes);
      await webhooks.validate(attributes);
      // last, as what is refused by others does not count
      await checkQuotas(attributes, store, client);
    },
    async start() {
      const store = createAdmissionStore(client, log);
      await store.ready;
      running = build(store);
    },
    close() {
      running?.store.close();
    },
  };
}
