/** The checks of the level `baseline`: known ways out of a container are closed. */
import { allContainers, type Container, type PodSpec, quotedList, some } from './containers.ts';

/** A violation as the API server words it, or undefined. */
export type Check = (spec: PodSpec) => string | undefined;

const ALLOWED_CAPABILITIES = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(' '),
);
const ALLOWED_SYSCTLS = new Set(
  'kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_unprivileged_port_start net.ipv4.tcp_syncookies net.ipv4.ping_group_range net.ipv4.ip_local_reserved_ports net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes'.split(
    ' ',
  ),
);

const names = (containers: Container[]) => containers.map(({ name }) => name);
const sorted = (words: Iterable<string>) => [...new Set(words)].toSorted();

export const capabilities: Check = (spec) => {
  const bad = (container: Container) => container.securityContext?.capabilities?.add?.filter((one) => !ALLOWED_CAPABILITIES.has(one)) ?? [];
  const who = allContainers(spec).filter((container) => bad(container).length > 0);
  const which = some('container', names(who));
  return which === undefined
    ? undefined
    : `non-default capabilities (${which} must not include ${quotedList(sorted(who.flatMap(bad)))} in securityContext.capabilities.add)`;
};

export const hostNamespaces: Check = ({ hostNetwork, hostPID, hostIPC }) => {
  const used = [
    ...(hostNetwork === true ? ['hostNetwork=true'] : []),
    ...(hostPID === true ? ['hostPID=true'] : []),
    ...(hostIPC === true ? ['hostIPC=true'] : []),
  ];
  return used.length === 0 ? undefined : `host namespaces (${used.join(', ')})`;
};

export const hostPathVolumes: Check = ({ volumes = [] }) => {
  const which = some('volume', names(volumes.filter((volume) => volume['hostPath'] !== undefined) as unknown as Container[]));
  return which === undefined ? undefined : `hostPath volumes (${which})`;
};

export const hostPorts: Check = (spec) => {
  const used = ({ ports = [] }: Container) => ports.flatMap(({ hostPort = 0 }) => (hostPort === 0 ? [] : [String(hostPort)]));
  const who = allContainers(spec).filter((container) => used(container).length > 0);
  const which = some('container', names(who));
  const ports = sorted(who.flatMap(used));
  return which === undefined
    ? undefined
    : `hostPort (${which} ${who.length === 1 ? 'uses' : 'use'} hostPort${ports.length === 1 ? '' : 's'} ${ports.join(', ')})`;
};

export const privileged: Check = (spec) => {
  const which = some('container', names(allContainers(spec).filter(({ securityContext }) => securityContext?.privileged === true)));
  return which === undefined ? undefined : `privileged (${which} must not set securityContext.privileged=true)`;
};

export const procMount: Check = (spec) => {
  const bad = ({ securityContext }: Container) => securityContext?.procMount !== undefined && securityContext.procMount !== 'Default';
  const who = allContainers(spec).filter(bad);
  const which = some('container', names(who));
  const kinds = sorted(who.map(({ securityContext }) => securityContext?.procMount ?? ''));
  return which === undefined ? undefined : `procMount (${which} must not set securityContext.procMount to ${quotedList(kinds)})`;
};

export const seccomp: Check = (spec) => {
  const bad = (type: string | undefined) => type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
  const own = spec.securityContext?.seccompProfile?.type;
  const who = allContainers(spec).filter(({ securityContext }) => bad(securityContext?.seccompProfile?.type));
  const parts = [...(bad(own) ? ['pod'] : []), ...(who.length > 0 ? [some('container', names(who)) ?? ''] : [])];
  if (parts.length === 0) return undefined;
  const kinds = sorted([...(bad(own) ? [own ?? ''] : []), ...who.map(({ securityContext }) => securityContext?.seccompProfile?.type ?? '')]);
  return `seccompProfile (${parts.join(' and ')} must not set securityContext.seccompProfile.type to ${quotedList(kinds)})`;
};

export const sysctls: Check = ({ securityContext }) => {
  const bad = (securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !ALLOWED_SYSCTLS.has(name));
  return bad.length === 0 ? undefined : `forbidden sysctls (${bad.join(', ')})`;
};
