/** Whom a container runs as, by its securityContext, its pod's and its image's. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from 'kubernetes-types/core/v1.js';
import { codeOf } from '../../base/errors.ts';
import type { Pod } from '../controllers/core/types.ts';
import { findIn } from '../images/find-in.ts';
import { ContainerConfigError } from './config-error.ts';
import { capabilitiesOf } from './runtime/capabilities.ts';
import type { Rights } from './runtime/protocol.ts';

/** @param root the image's files. @throws {ContainerConfigError} */
export async function rightsOf(pod: Pod, container: Container, imageUser: string, root: string): Promise<Rights> {
  const ofPod = pod.spec.securityContext ?? {};
  const own = container.securityContext ?? {};
  const [userText = '', groupText] = imageUser.split(':', 2);
  const wanted = own.runAsUser ?? ofPod.runAsUser;
  const user = wanted === undefined ? await lookUp(root, userText) : { uid: wanted, gid: await primaryGroup(root, wanted) };
  const nonRoot = own.runAsNonRoot ?? ofPod.runAsNonRoot ?? false;
  const where = `pod: "${pod.metadata.name}_${pod.metadata.namespace}(${pod.metadata.uid})", container: ${container.name}`;
  if (nonRoot) {
    if (wanted === undefined && userText !== '' && !/^\d+$/.test(userText))
      throw new ContainerConfigError(`container has runAsNonRoot and image has non-numeric user (${userText}), cannot verify user is non-root (${where})`);
    if (user.uid === 0)
      throw new ContainerConfigError(
        wanted === undefined ? `container has runAsNonRoot and image will run as root (${where})` : `container's runAsUser breaks non-root policy (${where})`,
      );
  }
  const gid = own.runAsGroup ?? ofPod.runAsGroup ?? (wanted === undefined && groupText !== undefined ? await groupOf(root, groupText) : user.gid);
  const groups = new Set([gid, ...(ofPod.supplementalGroups ?? [])]);
  if (ofPod.fsGroup !== undefined) groups.add(ofPod.fsGroup);
  return {
    uid: user.uid,
    gid,
    groups: [...groups],
    capabilities: capabilitiesOf(own.capabilities, own.privileged === true),
    noNewPrivileges: own.allowPrivilegeEscalation === false,
  };
}

async function lookUp(root: string, name: string): Promise<{ uid: number; gid: number }> {
  if (name === '') return { uid: 0, gid: 0 };
  if (/^\d+$/.test(name)) return { uid: Number(name), gid: await primaryGroup(root, Number(name)) };
  const line = (await linesOf(root, 'etc/passwd')).find(([user]) => user === name);
  if (line === undefined) throw new ContainerConfigError(`unable to find user ${name}: no matching entries in passwd file`, 'CreateContainerError');
  return { uid: Number(line[2]), gid: Number(line[3]) };
}

async function primaryGroup(root: string, uid: number): Promise<number> {
  const line = (await linesOf(root, 'etc/passwd')).find((fields) => fields[2] === String(uid));
  return Number(line?.[3] ?? 0);
}

async function groupOf(root: string, name: string): Promise<number> {
  if (/^\d+$/.test(name)) return Number(name);
  return Number((await linesOf(root, 'etc/group')).find(([group]) => group === name)?.[2] ?? 0);
}

async function linesOf(root: string, path: string): Promise<string[][]> {
  try {
    const text = await readFile(root === '/' ? join('/', path) : await findIn(root, path), 'utf8');
    return text.split('\n').map((line) => line.split(':'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
