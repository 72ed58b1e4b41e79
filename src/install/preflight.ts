/** Whether a user may install, asked before anything is changed. */
import { CodedError, codeOf, messageOf } from '../base/errors.ts';
import type { KubeClient } from '../kube/index.ts';
import type { KubeObject } from './kube-object.ts';
import { describeObject } from './kube-object.ts';
import { fullName, type Resource, resourceOf } from './resource-of.ts';

/** Roles are refused to those who lack what the roles grant: no review tells, a dry run does. */
const ESCALATING = new Set(['Role', 'ClusterRole']);

async function forbidden(kube: KubeClient, what: string, signal: AbortSignal | undefined, cause?: unknown): Promise<CodedError> {
  const { username } = await kube.whoAmI({ signal });
  return new CodedError('TP-INSTALL-FORBIDDEN', `${username || 'This user'} may not ${what}.`, cause === undefined ? {} : { cause });
}

/**
 * Throws TP-INSTALL-FORBIDDEN with the user and every right that is missing for `verbs` on the kinds of `objects`. `namespaceExists`: objects
 * in `namespace` can be tried too.
 */
export async function checkRights(
  kube: KubeClient,
  objects: readonly KubeObject[],
  options: {
    verbs: readonly string[];
    purpose: string;
    dryRun?: { fieldManager: string; missingNamespace: string | undefined };
    signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const { signal } = options;
  const kinds = new Map<string, Resource>();
  for (const object of objects) {
    const resource = await resourceOf(kube, object, signal);
    kinds.set(`${fullName(resource)} ${resource.namespace ?? ''}`, resource);
  }
  const answers = await Promise.all(
    [...kinds.values()].flatMap((resource) =>
      options.verbs.map(async (verb) => {
        const { allowed } = await kube.canI(
          { verb, group: resource.group, resource: resource.plural, ...(resource.namespace === undefined ? {} : { namespace: resource.namespace }) },
          { signal },
        );
        return { allowed, verb, resource };
      }),
    ),
  );
  const missing = new Map<string, string[]>();
  for (const { allowed, verb, resource } of answers) {
    if (allowed) continue;
    const what = `${fullName(resource)}${resource.namespace === undefined ? '' : ` in namespace ${resource.namespace}`}`;
    missing.set(what, [...(missing.get(what) ?? []), verb]);
  }
  if (missing.size > 0) {
    const rights = [...missing].map(([what, verbs]) => `${verbs.join(' and ')} ${what}`);
    throw await forbidden(kube, `${options.purpose}: the right to ${rights.join(', to ')} is missing`, signal);
  }
  if (options.dryRun === undefined) return;
  const { fieldManager, missingNamespace } = options.dryRun;
  for (const object of objects) {
    const { namespace } = object.metadata;
    if (!ESCALATING.has(object.kind) || (namespace !== undefined && namespace === missingNamespace)) continue;
    try {
      await kube.apply(object, { fieldManager, force: true, dryRun: true, signal });
    } catch (error) {
      if (codeOf(error) !== 'TP-KUBE-FORBIDDEN') throw error;
      throw await forbidden(kube, `${options.purpose}: ${describeObject(object)} is refused: ${messageOf(error)}`, signal, error);
    }
  }
}
