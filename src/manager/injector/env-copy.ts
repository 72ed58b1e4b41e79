/** The app containers' environment, copied into the sidecar under the reserved prefix. */
import type { Container, EnvFromSource, EnvVar } from 'kubernetes-types/core/v1.js';
import { appEnvLetter, appEnvPrefix, rewriteReferences } from '../../protocol/app-env.ts';

export interface CopiedEnv {
  env: EnvVar[];
  envFrom: EnvFromSource[];
  /** Letter → container name. */
  containers: Record<string, string>;
}

/** Order is kept within each container: the kubelet resolves references to variables that stand before. */
export function copyEnvironment(containers: readonly Container[]): CopiedEnv {
  const copied: CopiedEnv = { env: [], envFrom: [], containers: {} };
  for (const [index, container] of containers.entries()) {
    const letter = appEnvLetter(index);
    copied.containers[letter] = container.name;
    copied.env.push(...copyVariables(container, letter));
    for (const source of container.envFrom ?? []) copied.envFrom.push({ ...source, prefix: `${appEnvPrefix(letter)}${source.prefix ?? ''}` });
  }
  return copied;
}

function copyVariables(container: Container, letter: string): EnvVar[] {
  const known = new Set<string>();
  // What an envFrom brings is not known here: with one, every reference may mean it. The agent turns those back that did not.
  const anyName = (container.envFrom ?? []).length > 0;
  return (container.env ?? []).map((variable) => {
    const copy: EnvVar = { ...variable, name: `${appEnvPrefix(letter)}${variable.name}` };
    if (variable.value !== undefined) copy.value = rewriteReferences(variable.value, letter, (name) => anyName || known.has(name));
    // Without a name it means the container that the variable stands in.
    const resource = variable.valueFrom?.resourceFieldRef;
    if (resource !== undefined && resource.containerName === undefined) {
      copy.valueFrom = { ...variable.valueFrom, resourceFieldRef: { ...resource, containerName: container.name } };
    }
    known.add(variable.name);
    return copy;
  });
}
