/** From a container's spec to what the spawner is asked for. */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from 'kubernetes-types/core/v1.js';
import type { StoredImage } from '../../images/stored-image.ts';
import { ContainerConfigError } from '../config-error.ts';
import { environmentOf, expand } from '../environment.ts';
import type { PodScope } from '../pod/scope.ts';
import { rightsOf } from '../rights.ts';
import type { Mount, Program, Root } from '../runtime/protocol.ts';
import type { Spawner } from '../runtime/spawner.ts';
import { hostnameOf, nameFiles } from './name-files.ts';

export interface Setup {
  request: Omit<Parameters<Spawner['run']>[0], 'program'> & { program: Omit<Program, 'standard'> };
  /** What the container writes into it is its termination message. */
  messageFile: string;
  /** All that this instance wrote. */
  folder: string;
}

const TERMINATION_LOG = '/dev/termination-log';

/** @throws {ContainerConfigError} */
export async function setUpContainer(scope: PodScope, container: Container, image: StoredImage, instance: number): Promise<Setup> {
  const { context, pod, node, addresses, volumes, network, nodeNetwork } = scope;
  const isMachine = image === context.machine;
  const rootfs = isMachine ? '/' : context.images.rootOf(image);
  const folder = join(scope.folder, 'containers', `${container.name}-${instance}`);
  const mountpoint = join(folder, 'root');
  await mkdir(mountpoint, { recursive: true });
  const rights = await rightsOf(pod, container, image.config.User ?? '', rootfs);
  const hostname = hostnameOf(pod, node.name);
  const env = {
    HOME: rights.uid === 0 ? '/root' : '/',
    ...(container.tty === true ? { TERM: 'xterm' } : {}),
    ...fromImage(image.config.Env ?? []),
    HOSTNAME: hostname,
    ...(await environmentOf(context, pod, container, addresses)),
  };
  const argv = argvOf(container, image).map((text) => expand(text, env));
  if (argv.length === 0) throw new ContainerConfigError('no command specified', 'CreateContainerError');
  const messageFile = join(folder, 'termination-log');
  await writeFile(messageFile, '', { mode: 0o666 });
  const own: Mount[] = [
    ...(await nameFiles(pod, hostname, addresses.podIp, join(folder, 'etc'))),
    { kind: 'bind', source: messageFile, target: container.terminationMessagePath ?? TERMINATION_LOG, readOnly: false },
  ];
  const asked = await volumes.mountsOf(container, env);
  const mounts = own.filter(
    ({ target }) => !asked.some((mount) => mount.target === target) && (!isMachine || target.startsWith('/dev/') || existsSync(target)),
  );
  return {
    folder,
    messageFile,
    request: {
      program: { argv, env, rights, cwd: container.workingDir ?? (image.config.WorkingDir || '/') },
      hostname,
      network: (network ?? nodeNetwork.namespace).path,
      root: await rootOf(isMachine, rootfs, folder),
      mountpoint,
      readOnlyRoot: container.securityContext?.readOnlyRootFilesystem === true,
      mounts: [...mounts, ...asked],
    },
  };
}

async function rootOf(isMachine: boolean, lower: string, folder: string): Promise<Root> {
  if (isMachine) return { kind: 'machine' };
  const [upper, work] = [join(folder, 'upper'), join(folder, 'work')];
  for (const path of [upper, work]) await mkdir(path, { mode: 0o755 });
  return { kind: 'overlay', lower, upper, work };
}

function argvOf({ command, args }: Container, { config }: StoredImage): string[] {
  if (command !== undefined && command.length > 0) return [...command, ...(args ?? [])];
  return [...(config.Entrypoint ?? []), ...(args !== undefined && args.length > 0 ? args : (config.Cmd ?? []))];
}

function fromImage(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}
