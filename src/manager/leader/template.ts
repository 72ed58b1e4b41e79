/** What the leader writes on a workload: patches of its pod template, and what they replaced. Pure. */
import type { AgentConfig } from '../../protocol/agent-config.ts';
import { ANNOTATION, LEGACY_ANNOTATION_PREFIX } from '../../protocol/resources.ts';
import { readAgentConfig } from '../injector/index.ts';
import type { WorkloadObject } from './workload.ts';

/** On the workload itself, not on its template: what the template's annotations were before the last change, to go back to. */
export const BEFORE_ANNOTATION = 'telepresence.io/before-agent';

const TEMPLATE_KEYS = [ANNOTATION.inject, ANNOTATION.agentConfig, ANNOTATION.restartedAt] as const;
type TemplateAnnotations = Partial<Record<(typeof TEMPLATE_KEYS)[number], string | null>>;
/** A merge patch. */
export interface WorkloadPatch {
  metadata?: { annotations: Record<string, string | null> };
  spec?: { template: { metadata: { annotations: TemplateAnnotations } } };
}

const annotationsOf = (object: WorkloadObject): Record<string, string> => object.spec?.template?.metadata?.annotations ?? {};

/** The config that the template carries; undefined where there is none or it can't be read. */
export function configOf(object: WorkloadObject): AgentConfig | undefined {
  const annotations = annotationsOf(object);
  if (annotations[ANNOTATION.inject] !== 'enabled') return undefined;
  const config = readAgentConfig(annotations[ANNOTATION.agentConfig]);
  return typeof config === 'string' ? undefined : config;
}

/** The user said no, under the name of today or of the 2.x years. */
export function agentForbidden(object: WorkloadObject): boolean {
  const annotations = annotationsOf(object);
  return (annotations[ANNOTATION.inject] ?? annotations[`${LEGACY_ANNOTATION_PREFIX}inject-traffic-agent`]) === 'disabled';
}

/** Asks for agents with this config and restarts the pods as `kubectl rollout restart` does. */
export function installPatch(object: WorkloadObject, config: AgentConfig, now: number): WorkloadPatch {
  const annotations = annotationsOf(object);
  const before = Object.fromEntries(TEMPLATE_KEYS.map((key) => [key, annotations[key] ?? null]));
  return {
    metadata: { annotations: { [BEFORE_ANNOTATION]: JSON.stringify(before) } },
    spec: {
      template: {
        metadata: {
          annotations: {
            [ANNOTATION.inject]: 'enabled',
            [ANNOTATION.agentConfig]: JSON.stringify(config),
            [ANNOTATION.restartedAt]: new Date(now).toISOString(),
          },
        },
      },
    },
  };
}

export function restartPatch(now: number): WorkloadPatch {
  return { spec: { template: { metadata: { annotations: { [ANNOTATION.restartedAt]: new Date(now).toISOString() } } } } };
}

/**
 * Takes the agents out. Everything goes that the leader put in, so that the template is what it was before the first intercept: a
 * Deployment then goes back to the ReplicaSet it had.
 */
export function uninstallPatch(): WorkloadPatch {
  return {
    metadata: { annotations: { [BEFORE_ANNOTATION]: null, [ANNOTATION.uninstall]: null } },
    spec: { template: { metadata: { annotations: { [ANNOTATION.inject]: null, [ANNOTATION.agentConfig]: null, [ANNOTATION.restartedAt]: null } } } },
  };
}

/** Back to what the template was before the last change; undefined where that is not known. */
export function rollbackPatch(object: WorkloadObject): WorkloadPatch | undefined {
  const text = object.metadata?.annotations?.[BEFORE_ANNOTATION];
  if (text === undefined) return undefined;
  const before = parseBefore(text);
  return { metadata: { annotations: { [BEFORE_ANNOTATION]: null } }, spec: { template: { metadata: { annotations: before } } } };
}

function parseBefore(text: string): TemplateAnnotations {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch {
    // Somebody edited it: without our annotations the workload is at least its owner's own.
    values = {};
  }
  const known = typeof values === 'object' && values !== null ? (values as Record<string, unknown>) : {};
  return Object.fromEntries(TEMPLATE_KEYS.map((key) => [key, typeof known[key] === 'string' ? known[key] : null]));
}
