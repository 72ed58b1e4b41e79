/** The manager's Deployment and its PodDisruptionBudget. The pod meets the pod security level `restricted`. */
import { NODE_FLAGS } from '../base/node-flags.ts';
import { VERSION } from '../base/version.ts';
import { MANAGER_NAME } from '../protocol/resources.ts';
import { agentImageName, imageName } from './image-name.ts';
import type { KubeObject } from './kube-object.ts';
import { COMMON_LABELS, type Naming, SELECTOR } from './naming.ts';
import { SETTINGS_KEY, settingsChecksum } from './settings.ts';
import type { Values } from './values.ts';

/** uid and gid of the manager; the image has an account for it. The original's number. */
export const MANAGER_UID = 1000;
const CONFIG_FOLDER = '/etc/telepresence';
/** A stopping manager hands its sessions over: longer than that takes, shorter than a rollout's patience. */
const MANAGER_GRACE_SECONDS = 30;

const probe = (path: string, periodSeconds: number, failureThreshold: number) => ({
  httpGet: { path, port: 'health' },
  periodSeconds,
  failureThreshold,
  timeoutSeconds: 2,
});
const fromPod = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });

function container(values: Values): Record<string, unknown> {
  return {
    name: MANAGER_NAME,
    image: imageName(values.image),
    imagePullPolicy: values.image.pullPolicy,
    command: ['/app/node', ...NODE_FLAGS, '/app/manager.mjs'],
    env: [
      fromPod('TELEPRESENCE_NAMESPACE', 'metadata.namespace'),
      fromPod('TELEPRESENCE_POD', 'metadata.name'),
      fromPod('TELEPRESENCE_POD_IP', 'status.podIP'),
      { name: 'TELEPRESENCE_AGENT_IMAGE', value: agentImageName(values) },
      { name: 'TELEPRESENCE_AGENT_PULL_POLICY', value: values.agent.image.pullPolicy },
      { name: 'TELEPRESENCE_LOG_LEVEL', value: values.logLevel },
      { name: 'TELEPRESENCE_CONFIG', value: `${CONFIG_FOLDER}/${SETTINGS_KEY}` },
    ],
    ports: [
      { name: 'tunnel', containerPort: values.tunnel.port, protocol: 'TCP' },
      { name: 'agents', containerPort: values.apiPort, protocol: 'TCP' },
      ...(values.agentInjector.enabled ? [{ name: 'webhook', containerPort: values.agentInjector.webhook.port, protocol: 'TCP' }] : []),
      { name: 'health', containerPort: values.healthPort, protocol: 'TCP' },
    ],
    startupProbe: probe('/healthz', 1, 60),
    readinessProbe: probe('/readyz', 2, 2),
    livenessProbe: probe('/healthz', 10, 3),
    resources: values.resources,
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
    volumeMounts: [{ name: 'config', mountPath: CONFIG_FOLDER, readOnly: true }],
  };
}

function podSpec(values: Values): Record<string, unknown> {
  return {
    serviceAccountName: MANAGER_NAME,
    terminationGracePeriodSeconds: MANAGER_GRACE_SECONDS,
    securityContext: { runAsNonRoot: true, runAsUser: MANAGER_UID, runAsGroup: MANAGER_UID, seccompProfile: { type: 'RuntimeDefault' } },
    // Replicas share a node only where there is no other.
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: { ...SELECTOR } } },
    ],
    containers: [container(values)],
    volumes: [{ name: 'config', configMap: { name: MANAGER_NAME } }],
    ...(values.image.imagePullSecrets.length > 0 ? { imagePullSecrets: values.image.imagePullSecrets } : {}),
    ...(values.hostNetwork ? { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' } : {}),
    ...(Object.keys(values.nodeSelector).length > 0 ? { nodeSelector: values.nodeSelector } : {}),
    ...(values.tolerations.length > 0 ? { tolerations: values.tolerations } : {}),
    ...(Object.keys(values.affinity).length > 0 ? { affinity: values.affinity } : {}),
    ...(values.priorityClassName === '' ? {} : { priorityClassName: values.priorityClassName }),
    ...(values.schedulerName === '' ? {} : { schedulerName: values.schedulerName }),
  };
}

export function managerWorkload(naming: Naming, values: Values): KubeObject[] {
  const metadata = { name: MANAGER_NAME, namespace: naming.namespace };
  const labels = { ...COMMON_LABELS, 'app.kubernetes.io/version': VERSION };
  const deployment: KubeObject = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { ...metadata, labels },
    spec: {
      replicas: values.replicaCount,
      selector: { matchLabels: { ...SELECTOR } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: {
          labels: { ...values.podLabels, ...labels, ...SELECTOR },
          annotations: { ...values.podAnnotations, 'telepresence.io/config-checksum': settingsChecksum(values) },
        },
        spec: podSpec(values),
      },
    },
  };
  if (!values.podDisruptionBudget.enabled) return [deployment];
  const budget: KubeObject = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { ...metadata, labels: { ...COMMON_LABELS } },
    // Not minAvailable: that would keep a node with the only replica from ever being drained.
    spec: { maxUnavailable: 1, selector: { matchLabels: { ...SELECTOR } } },
  };
  return [deployment, budget];
}
