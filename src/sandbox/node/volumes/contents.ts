/** The files of volumes that are made from objects: config maps, secrets, tokens, and what a pod is told of itself. */
import { cpus, totalmem } from 'node:os';
import type { DownwardAPIVolumeFile, KeyToPath, Volume, VolumeProjection } from 'kubernetes-types/core/v1.js';
import { resourcePath } from '../../../kube/paths.ts';
import { getIfThere } from '../../access/index.ts';
import type { Pod } from '../../controllers/core/types.ts';
import { ContainerConfigError } from '../config-error.ts';
import type { NodeContext } from '../context.ts';
import { fieldValue, type PodAddresses, resourceValue } from '../field-values.ts';
import type { VolumeFile } from './atomic-folder.ts';
import { type BoundToken, requestToken } from './service-account-token.ts';

const DEFAULT_MODE = 0o644;
const TOKEN_MODE = 0o600;

interface Keyed {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
}
/** Tokens of this pod by volume and path. */
export type Tokens = Map<string, BoundToken>;

/** Whether it is one of these volumes. */
export function isMade(volume: Volume): boolean {
  return volume.configMap !== undefined || volume.secret !== undefined || volume.projected !== undefined || volume.downwardAPI !== undefined;
}

/** Names of the objects from which a pod's volumes are made, `configmaps/name`. */
export function objectsOf(volume: Volume): string[] {
  const names: string[] = [];
  const add = (kind: string, name: string | undefined): void => {
    if (name !== undefined) names.push(`${kind}/${name}`);
  };
  add('configmaps', volume.configMap?.name);
  add('secrets', volume.secret?.secretName);
  for (const source of volume.projected?.sources ?? []) {
    add('configmaps', source.configMap?.name);
    add('secrets', source.secret?.name);
  }
  return names;
}

/** @throws {ContainerConfigError} for what is not there. */
export async function contentsOf(context: NodeContext, pod: Pod, volume: Volume, addresses: PodAddresses, tokens: Tokens): Promise<Map<string, VolumeFile>> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) return ofSource({ configMap }, configMap.defaultMode ?? DEFAULT_MODE);
  if (secret !== undefined) {
    const { secretName, ...rest } = secret;
    return ofSource({ secret: { ...rest, ...(secretName === undefined ? {} : { name: secretName }) } }, secret.defaultMode ?? DEFAULT_MODE);
  }
  if (downwardAPI !== undefined) return ofSource({ downwardAPI }, downwardAPI.defaultMode ?? DEFAULT_MODE);
  const files = new Map<string, VolumeFile>();
  for (const source of projected?.sources ?? [])
    for (const [path, file] of await ofSource(source, projected?.defaultMode ?? DEFAULT_MODE)) files.set(path, file);
  return files;

  async function ofSource(source: VolumeProjection, mode: number): Promise<Map<string, VolumeFile>> {
    if (source.configMap !== undefined) return ofObject('configmaps', source.configMap.name ?? '', source.configMap, mode);
    if (source.secret !== undefined) return ofObject('secrets', source.secret.name ?? '', source.secret, mode);
    if (source.downwardAPI !== undefined) return downward(source.downwardAPI.items ?? [], mode);
    const made = new Map<string, VolumeFile>();
    if (source.serviceAccountToken === undefined) return made;
    const { path, audience, expirationSeconds } = source.serviceAccountToken;
    const key = `${volume.name}/${path}`;
    let token = tokens.get(key);
    if (token === undefined || token.refreshAt <= Date.now()) {
      token = await requestToken(context, pod, audience, expirationSeconds);
      tokens.set(key, token);
    }
    // readable for whoever the containers run as, as the kubelet does it for pods with several users
    return made.set(path, { bytes: Buffer.from(token.text), mode: pod.spec.securityContext?.fsGroup === undefined ? DEFAULT_MODE : TOKEN_MODE });
  }

  async function ofObject(
    kind: 'configmaps' | 'secrets',
    name: string,
    { items, optional = false }: { items?: KeyToPath[]; optional?: boolean },
    mode: number,
  ): Promise<Map<string, VolumeFile>> {
    const { namespace } = pod.metadata;
    const made = new Map<string, VolumeFile>();
    const object = await getIfThere<Keyed>(context.client, resourcePath('v1', kind, namespace, name));
    if (object === undefined) {
      if (optional) return made;
      throw new ContainerConfigError(`MountVolume.SetUp failed for volume "${volume.name}" : ${kind.slice(0, -1)} "${name}" not found`, 'FailedMount');
    }
    const bytes = new Map<string, Buffer>();
    for (const [key, value] of Object.entries(object.data ?? {})) bytes.set(key, Buffer.from(value, kind === 'secrets' ? 'base64' : 'utf8'));
    for (const [key, value] of Object.entries(object.binaryData ?? {})) bytes.set(key, Buffer.from(value, 'base64'));
    if (items === undefined) for (const [key, value] of bytes) made.set(key, { bytes: value, mode });
    for (const item of items ?? []) {
      const value = bytes.get(item.key);
      if (value !== undefined) made.set(item.path, { bytes: value, mode: item.mode ?? mode });
      else if (!optional)
        throw new ContainerConfigError(
          `MountVolume.SetUp failed for volume "${volume.name}" : references non-existent ${kind === 'secrets' ? 'secret' : 'config'} key: ${item.key}`,
          'FailedMount',
        );
    }
    return made;
  }

  function downward(items: DownwardAPIVolumeFile[], mode: number): Map<string, VolumeFile> {
    const made = new Map<string, VolumeFile>();
    const machine = { cpu: cpus().length, memory: totalmem() };
    for (const item of items) {
      const value =
        item.fieldRef === undefined
          ? item.resourceFieldRef && resourceValue(pod, item.resourceFieldRef.containerName ?? '', item.resourceFieldRef, machine)
          : fieldValue(pod, addresses, item.fieldRef);
      if (value !== undefined) made.set(item.path, { bytes: Buffer.from(value), mode: item.mode ?? mode });
    }
    return made;
  }
}
