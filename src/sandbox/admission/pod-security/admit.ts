/** Pod security: the levels that a namespace's labels ask for. */
import type { AdmissionAttributes } from '../../contract.ts';
import { refusal } from '../refusal.ts';
import type { AdmissionStore } from '../store.ts';
import * as baseline from './baseline.ts';
import type { PodSpec } from './containers.ts';
import * as restricted from './restricted.ts';

type Level = 'baseline' | 'restricted';

const SHARED: baseline.Check[] = [baseline.hostPorts, baseline.privileged, baseline.procMount];
const CHECKS: Record<Level, baseline.Check[]> = {
  baseline: [baseline.capabilities, baseline.hostNamespaces, baseline.hostPathVolumes, ...SHARED, baseline.seccomp, baseline.sysctls],
  // Its own checks of capabilities, volumes and seccomp stand in the place of those of `baseline`.
  restricted: [
    baseline.hostNamespaces,
    ...SHARED,
    baseline.sysctls,
    restricted.allowPrivilegeEscalation,
    restricted.capabilities,
    restricted.volumeTypes,
    restricted.runAsNonRoot,
    restricted.runAsUser,
    restricted.seccomp,
  ],
};

/** What a pod violates, in the API server's order and words. */
export function violations(level: Level, spec: PodSpec): string[] {
  return CHECKS[level].flatMap((check) => check(spec) ?? []);
}

const PREFIX = 'pod-security.kubernetes.io/';
const isLevel = (text: string | undefined): text is Level => text === 'baseline' || text === 'restricted';

function templateOf(object: Record<string, unknown>): PodSpec | undefined {
  const spec = object['spec'] as { template?: { spec?: PodSpec }; jobTemplate?: { spec?: { template?: { spec?: PodSpec } } } } | undefined;
  return spec?.template?.spec ?? spec?.jobTemplate?.spec?.template?.spec;
}

export function createPodSecurity(store: AdmissionStore): (attributes: AdmissionAttributes) => Promise<void> {
  return async (attributes) => {
    const { operation, type, subresource, namespace, object } = attributes;
    if (object === undefined || namespace === undefined || (operation !== 'CREATE' && operation !== 'UPDATE')) return;
    const isPod = type.group === '' && type.plural === 'pods';
    // What a running pod may change has no part in this, but for containers that are added to it.
    const asked = isPod ? (operation === 'CREATE' && subresource === undefined) || subresource === 'ephemeralcontainers' : subresource === undefined;
    const spec = isPod ? (object['spec'] as PodSpec | undefined) : templateOf(object);
    if (!asked || spec === undefined) return;
    const labels = (await store.namespace(namespace))?.metadata.labels ?? {};
    const judge = (mode: string): string | undefined => {
      const level = labels[`${PREFIX}${mode}`];
      if (!isLevel(level)) return undefined;
      const found = violations(level, spec);
      return found.length === 0 ? undefined : `violate PodSecurity "${level}:${labels[`${PREFIX}${mode}-version`] ?? 'latest'}": ${found.join(', ')}`;
    };
    const forbidden = isPod ? judge('enforce') : undefined;
    if (forbidden !== undefined) throw refusal(attributes, forbidden.replace('violate', 'violates'));
    const warning = judge('warn');
    if (warning !== undefined) attributes.warn?.(`would ${warning}`);
  };
}
