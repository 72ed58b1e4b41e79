/** Pods as pod security reads them. */
interface Seccomp {
  seccompProfile?: { type?: string };
}
export interface SecurityContext extends Seccomp {
  privileged?: boolean;
  allowPrivilegeEscalation?: boolean;
  runAsNonRoot?: boolean;
  runAsUser?: number;
  procMount?: string;
  capabilities?: { add?: string[]; drop?: string[] };
}
export interface Container {
  name: string;
  ports?: { hostPort?: number }[];
  securityContext?: SecurityContext;
}
export interface PodSpec {
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  securityContext?: Seccomp & { runAsNonRoot?: boolean; runAsUser?: number; sysctls?: { name: string }[] };
  volumes?: ({ name: string } & Record<string, unknown>)[];
  initContainers?: Container[];
  containers?: Container[];
  ephemeralContainers?: Container[];
}

export function allContainers({ initContainers = [], containers = [], ephemeralContainers = [] }: PodSpec): Container[] {
  return [...initContainers, ...containers, ...ephemeralContainers];
}

const quoted = (names: string[]) => names.map((name) => JSON.stringify(name)).join(', ');

/** `container "a"`, `containers "a", "b"`; undefined for none. */
export function some(what: string, names: string[]): string | undefined {
  if (names.length === 0) return undefined;
  return `${what}${names.length === 1 ? '' : 's'} ${quoted(names)}`;
}
export const quotedList = quoted;
