/** The volumes of one pod: made before its containers start, kept true while they run. */
import { chmod, mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Volume, VolumeMount } from 'kubernetes-types/core/v1.js';
import type { Pod } from '../../controllers/core/types.ts';
import { ContainerConfigError } from '../config-error.ts';
import type { NodeContext } from '../context.ts';
import { expand } from '../environment.ts';
import type { PodAddresses } from '../field-values.ts';
import type { Mount } from '../runtime/protocol.ts';
import { giveTo, writeAtomically } from './atomic-folder.ts';
import { contentsOf, isMade, objectsOf, type Tokens } from './contents.ts';

export interface PodVolumes {
  /** Writes what has changed. @throws {ContainerConfigError} while something is missing. */
  refresh(pod: Pod): Promise<void>;
  /** Whether a change of this object, `secrets/name`, concerns it. */
  uses(object: string): boolean;
  /** When a token must be asked for anew; infinity without one. */
  readonly nextRefresh: number;
  mountsOf(container: Container, env: Readonly<Record<string, string>>): Promise<Mount[]>;
}

const SHARED = 0o2777;

export async function prepareVolumes(context: NodeContext, first: Pod, folder: string, addresses: PodAddresses): Promise<PodVolumes> {
  const volumes = first.spec.volumes ?? [];
  const group = first.spec.securityContext?.fsGroup;
  const tokens: Tokens = new Map();
  const sources = new Map<string, string>();
  for (const volume of volumes) sources.set(volume.name, await prepare(volume));

  async function prepare(volume: Volume): Promise<string> {
    if (volume.hostPath !== undefined) return hostPath(volume.hostPath.path, volume.hostPath.type ?? '');
    if (volume.emptyDir === undefined && !isMade(volume)) {
      const kind = Object.keys(volume).find((key) => key !== 'name') ?? 'unknown';
      throw new ContainerConfigError(`MountVolume.SetUp failed for volume "${volume.name}" : the sandbox has no volumes of type ${kind}`, 'FailedMount');
    }
    const path = join(folder, volume.name);
    await mkdir(path, { recursive: true });
    await chmod(path, isMade(volume) ? 0o1777 : group === undefined ? 0o777 : SHARED);
    if (group !== undefined) await giveTo(path, group);
    return path;
  }

  return {
    async refresh(pod) {
      for (const volume of volumes) {
        if (!isMade(volume)) continue;
        await writeAtomically(sources.get(volume.name) ?? '', await contentsOf(context, pod, volume, addresses, tokens), group);
      }
    },
    uses: (object) => volumes.some((volume) => objectsOf(volume).includes(object)),
    get nextRefresh() {
      return Math.min(Number.POSITIVE_INFINITY, ...[...tokens.values()].map((token) => token.refreshAt));
    },
    async mountsOf(container, env) {
      const mounts: Mount[] = [];
      for (const mount of container.volumeMounts ?? []) mounts.push(await mountOf(mount, env));
      // the outer ones first
      return mounts.sort((a, b) => a.target.split('/').length - b.target.split('/').length);
    },
  };

  async function mountOf(mount: VolumeMount, env: Readonly<Record<string, string>>): Promise<Mount> {
    const source = sources.get(mount.name);
    if (source === undefined) throw new ContainerConfigError(`cannot find volume "${mount.name}" to mount into container`);
    const volume = volumes.find(({ name }) => name === mount.name);
    const readOnly = mount.readOnly === true || (volume !== undefined && isMade(volume));
    const sub = mount.subPathExpr === undefined ? (mount.subPath ?? '') : expand(mount.subPathExpr, env);
    if (sub === '') return { kind: 'bind', source, target: mount.mountPath, readOnly };
    const place = join(source, sub);
    if ((await stat(place).catch(() => undefined)) === undefined) {
      if (volume?.emptyDir === undefined && volume?.hostPath === undefined)
        throw new ContainerConfigError(`failed to prepare subPath for volumeMount "${mount.name}" of container`);
      await mkdir(place, { recursive: true });
      await chmod(place, 0o777);
    }
    return { kind: 'bind', source: place, target: mount.mountPath, readOnly };
  }
}

async function hostPath(path: string, type: string): Promise<string> {
  const there = await stat(path).catch(() => undefined);
  if (there === undefined && (type === 'DirectoryOrCreate' || type === '')) await mkdir(path, { recursive: true });
  else if (there === undefined && type === 'FileOrCreate') await writeFile(path, '');
  else if (there === undefined)
    throw new ContainerConfigError(`MountVolume.SetUp failed for volume : hostPath type check failed: ${path} is not a ${type.toLowerCase()}`, 'FailedMount');
  return path;
}
