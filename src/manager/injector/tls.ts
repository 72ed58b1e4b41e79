/** Where a pod's annotations say that a port's TLS keys are: what the sidecar mounts of them, and what the agent is told. */
import type { Pod, Volume, VolumeMount } from 'kubernetes-types/core/v1.js';
import type { AgentPort } from '../../protocol/agent-config.ts';
import { LEGACY_ANNOTATION_PREFIX, TLS_ANNOTATION } from '../../protocol/resources.ts';

/** Below it each Secret has a folder in the sidecar. */
export const TLS_MOUNT = '/var/run/telepresence-tls';

export interface PodTls {
  ports: AgentPort[];
  volumes: Volume[];
  mounts: VolumeMount[];
}

/** `downstream`: the certificate that the app shows its clients; `upstream`: the one that the app asks its clients for. */
type Side = 'downstream' | 'upstream';

export function tlsOf(pod: Pod, ports: readonly AgentPort[]): PodTls {
  const annotations = pod.metadata?.annotations ?? {};
  const volumes = new Map<string, Volume>();
  const mounts = new Map<string, VolumeMount>();

  const named = (what: string, port: AgentPort): string | undefined => {
    const name = portName(pod, port);
    for (const prefix of [TLS_ANNOTATION.prefix, LEGACY_ANNOTATION_PREFIX])
      for (const key of name === undefined ? [String(port.containerPort)] : [String(port.containerPort), name]) {
        const value = annotations[`${prefix}${what}.${key}`];
        if (value !== undefined && value !== '') return value;
      }
    return undefined;
  };
  const folder = (side: Side, port: AgentPort): string | undefined => {
    const file = named(`${side}-tls-path`, port);
    if (file !== undefined) {
      const mount = mountOver(pod, port.container, file);
      if (mount !== undefined) mounts.set(mount.mountPath, { ...mount, readOnly: true });
      return file;
    }
    const secret =
      named(`${side}-tls-secret`, port) ?? annotations[side === 'downstream' ? TLS_ANNOTATION.legacyTerminating : TLS_ANNOTATION.legacyOriginating];
    if (secret === undefined || secret === '') return undefined;
    const mountPath = `${TLS_MOUNT}/${secret}`;
    const name = `telepresence-tls-${secret.replaceAll('.', '-').slice(0, 40)}`;
    // A Secret that is missing keeps no pod from starting: the agent says what is missing.
    volumes.set(name, { name, secret: { secretName: secret, optional: true } });
    mounts.set(mountPath, { name, mountPath, readOnly: true });
    return mountPath;
  };

  const withTls = ports.map((port): AgentPort => {
    if (port.protocol !== 'TCP') return port;
    const certificate = folder('downstream', port);
    if (certificate === undefined) return port;
    const client = folder('upstream', port);
    return { ...port, tls: { certificate, ...(client === undefined ? {} : { client }) } };
  });
  return { ports: withTls, volumes: [...volumes.values()], mounts: [...mounts.values()] };
}

function portName(pod: Pod, { container, containerPort, name }: AgentPort): string | undefined {
  const declared = pod.spec?.containers.find((one) => one.name === container)?.ports?.find((one) => one.containerPort === containerPort)?.name;
  return declared ?? name;
}

/** The mount of the app's container that the path lies in. */
function mountOver(pod: Pod, container: string, file: string): VolumeMount | undefined {
  const mounts = pod.spec?.containers.find(({ name }) => name === container)?.volumeMounts ?? [];
  const over = mounts.filter(({ mountPath }) => file === mountPath || file.startsWith(mountPath.endsWith('/') ? mountPath : `${mountPath}/`));
  return over.toSorted((a, b) => b.mountPath.length - a.mountPath.length)[0];
}
