/** The agent-config that a workload needs for a port: a pure function, stable over what is there already. */
import type { AgentConfig, AgentPort } from '../../protocol/agent-config.ts';
import { type PodPort, patchedName } from './ports.ts';
import type { Workload } from './workload.ts';

export interface PlanFacts {
  /** Namespace of the manager that plans. */
  manager: string;
  /** Agents listen from here upwards. */
  firstPort: number;
  /** The namespace enforces a PodSecurity level that refuses NET_ADMIN. */
  netAdminRefused: boolean;
  /** A NetworkPolicy that would keep connections from a port of the agent, by its name; undefined when none does. */
  portBlockedBy: string | undefined;
}
export type AgentPlan = { config: AgentConfig; changed: boolean } | { refused: string };

type Mode = { mode: 'named'; name: string } | { mode: 'redirect' } | { mode: 'patched'; name: string } | { refused: string };

/** How one port is taken, or why it can't be. */
export function chooseMode(port: PodPort, facts: PlanFacts): Mode {
  const names = new Set(port.routes.map(({ targetPort }) => targetPort));
  const [name] = names;
  const plain = port.routes.length > 0 && port.routes.every(({ headless }) => !headless);
  const takeable = plain && facts.portBlockedBy === undefined;
  if (takeable && names.size === 1 && typeof name === 'string' && name !== patchedName(port.containerPort)) return { mode: 'named', name };
  if (!facts.netAdminRefused) return { mode: 'redirect' };
  const where = `port ${port.containerPort}`;
  if (facts.portBlockedBy !== undefined) {
    return {
      refused: `The NetworkPolicy ${facts.portBlockedBy} lets no traffic through to a port of the agent, and the namespace's PodSecurity level refuses the redirect of ${where} (NET_ADMIN).`,
    };
  }
  if (port.routes.length === 0) return { refused: `No Service leads to ${where}, and the namespace's PodSecurity level refuses its redirect (NET_ADMIN).` };
  const headless = port.routes.find((route) => route.headless);
  if (headless !== undefined)
    return {
      refused: `The Service ${headless.service} is headless: its clients go to ${where} themselves, and the namespace's PodSecurity level refuses the redirect of it (NET_ADMIN).`,
    };
  return { mode: 'patched', name: patchedName(port.containerPort) };
}

/** What is there still takes the port in a way that works. */
function stillTakes(taken: AgentPort, port: PodPort, facts: PlanFacts): boolean {
  if (taken.mode === 'redirect') return !facts.netAdminRefused;
  if (taken.mode === 'patched') return facts.portBlockedBy === undefined && port.routes.length > 0 && port.routes.every(({ headless }) => !headless);
  const chosen = chooseMode(port, facts);
  return 'mode' in chosen && chosen.mode === taken.mode && 'name' in chosen && chosen.name === taken.name;
}

const same = (a: { containerPort: number; protocol: string }, b: { containerPort: number; protocol: string }) =>
  a.containerPort === b.containerPort && a.protocol === b.protocol;

/**
 * The config for a workload of which `wanted` is to be taken. What is there is kept when it takes that port already; otherwise every
 * port that Services lead to is put in, so that a second intercept needs no second restart.
 */
export function planAgentConfig(
  workload: Workload,
  served: readonly PodPort[],
  wanted: readonly PodPort[],
  existing: AgentConfig | undefined,
  facts: PlanFacts,
): AgentPlan {
  for (const port of wanted) {
    const mode = chooseMode(port, facts);
    if ('refused' in mode) return mode;
  }
  const covered =
    existing?.manager === facts.manager && wanted.every((port) => existing.ports.some((taken) => same(taken, port) && stillTakes(taken, port, facts)));
  if (covered) return { config: existing, changed: false };

  const used = new Set(
    [...(workload.template.spec?.containers ?? []), ...(workload.template.spec?.initContainers ?? [])].flatMap(({ ports = [] }) =>
      ports.map(({ containerPort }) => containerPort),
    ),
  );
  for (const { containerPort } of [...served, ...wanted]) used.add(containerPort);
  for (const { agentPort, probePort } of existing?.ports ?? []) for (const port of [agentPort, probePort]) if (port !== undefined) used.add(port);
  const next = (from: number, step: 1 | -1): number => {
    let port = from;
    while (used.has(port)) port += step;
    used.add(port);
    return port;
  };
  const healthPort = existing?.healthPort ?? next(facts.firstPort - 1, -1);
  used.add(healthPort);
  const ports = [...served, ...wanted.filter((port) => !served.some((other) => same(other, port)))].flatMap((port): AgentPort[] => {
    const mode = chooseMode(port, facts);
    if ('refused' in mode) return [];
    const before = existing?.ports.find((taken) => same(taken, port));
    const agentPort = before?.agentPort ?? next(facts.firstPort, 1);
    const probed = mode.mode === 'redirect' && port.protocol === 'TCP';
    const { container, containerPort, protocol } = port;
    return [{ container, containerPort, protocol, ...mode, agentPort, ...(probed ? { probePort: before?.probePort ?? next(facts.firstPort, 1) } : {}) }];
  });
  return {
    config: { version: 1, workload: { kind: workload.kind, name: workload.name, namespace: workload.namespace }, manager: facts.manager, ports, healthPort },
    changed: true,
  };
}
