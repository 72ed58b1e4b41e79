/** What becomes of the intercepts of one workload: a pure decision from what is known of it. */
import type { Service } from 'kubernetes-types/core/v1.js';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import type { AgentConfig } from '../../protocol/agent-config.ts';
import { ANNOTATION, type Intercept, type Session } from '../../protocol/resources.ts';
import { chooseMode, planAgentConfig } from './agent-plan.ts';
import { type Claim, decideClaims } from './claims.ts';
import { claimsExpired, sessionOf } from './lifetimes.ts';
import { type ManagerAddress, managerBlockedBy, portBlockedBy } from './network-policy.ts';
import type { InterceptStatus } from './phase.ts';
import { findPodPort, type PodPort, servedPorts } from './ports.ts';
import { restartWarning } from './replace.ts';
import { agentForbidden, configOf } from './template.ts';
import { asWorkload, type Workload, type WorkloadObject } from './workload.ts';

export interface WorkloadFacts {
  object: WorkloadObject | undefined;
  kind: Workload['kind'];
  name: string;
  /** Of this manager's sessions, none that is being deleted. */
  intercepts: readonly Intercept[];
  sessions: readonly Session[];
  services: readonly Service[];
  policies: readonly NetworkPolicy[];
  netAdminRefused: boolean;
  /** First port that agents listen on. */
  firstPort: number;
  manager: ManagerAddress;
  now: number;
}

export type Outcome =
  | { kind: 'error'; reason: string; message: string }
  | { kind: 'granted'; port: PodPort }
  /** The session is not known yet, or gone: nothing is decided for it. */
  | { kind: 'none' };

export interface Decision {
  /** By uid. */
  outcomes: Map<string, Outcome>;
  workload: Workload | undefined;
  /** The config that the template must have. */
  config: AgentConfig | undefined;
  /** The template does not have it yet: a restart. */
  restart: boolean;
  /** For those who wait for the restart. */
  warning: string | undefined;
}

const uidOf = ({ metadata }: Intercept): string => metadata.uid ?? '';
const refused = (message: string): Outcome => ({ kind: 'error', reason: 'Refused', message });

/** What failed for good is not tried again: its owner has been told, and agents were taken out for it. */
export const failedForGood = (status: InterceptStatus | undefined): boolean => status?.phase === 'Error' && status.reason === 'InjectionFailed';

export function decide(facts: WorkloadFacts): Decision {
  const { object, intercepts } = facts;
  const outcomes = new Map<string, Outcome>();
  const nothing = { outcomes, config: undefined, restart: false, warning: undefined };
  const all = (outcome: Outcome) => {
    for (const intercept of intercepts) outcomes.set(uidOf(intercept), outcome);
  };
  if (object === undefined) {
    all({ kind: 'error', reason: 'NoWorkload', message: `There is no ${facts.kind} ${facts.name} in this namespace.` });
    return { ...nothing, workload: undefined };
  }
  const workload = asWorkload(facts.kind, object);
  const config = configOf(object);
  const stands = { ...nothing, workload, config };
  const wall = whyNever(facts, object, workload);
  if (wall !== undefined) {
    all(refused(wall));
    return stands;
  }

  const served = servedPorts(workload, facts.services);
  const planFacts = {
    firstPort: facts.firstPort,
    manager: facts.manager.namespace,
    netAdminRefused: facts.netAdminRefused,
    portBlockedBy: portBlockedBy(workload, facts.policies),
  };
  const ports = new Map<string, PodPort>();
  const claims: Claim[] = [];
  for (const intercept of intercepts) {
    const uid = uidOf(intercept);
    const session = sessionOf(intercept, facts.sessions);
    if (failedForGood(intercept.status)) continue;
    if (session === undefined) {
      outcomes.set(uid, { kind: 'none' });
      continue;
    }
    const { port, service, mechanism, http } = intercept.spec;
    const found = findPodPort(workload, facts.services, { service, number: port.number, protocol: port.protocol });
    if ('reason' in found) {
      outcomes.set(uid, { kind: 'error', ...found });
      continue;
    }
    const mode = chooseMode(found, planFacts);
    if ('refused' in mode) {
      outcomes.set(uid, refused(mode.refused));
      continue;
    }
    ports.set(uid, found);
    claims.push({
      uid,
      created: intercept.metadata.creationTimestamp ?? '',
      port: `${found.protocol} ${found.containerPort}`,
      filter: mechanism === 'http' ? (http ?? { headers: [], paths: [] }) : undefined,
      granted: intercept.status?.granted === true,
      expired: claimsExpired(session, facts.now),
    });
  }

  const wanted: PodPort[] = [];
  for (const [uid, verdict] of decideClaims(claims)) {
    const port = ports.get(uid);
    if (verdict.granted && port !== undefined) {
      outcomes.set(uid, { kind: 'granted', port });
      wanted.push(port);
    } else if (!verdict.granted) {
      outcomes.set(uid, { kind: 'error', reason: 'Conflict', message: conflictMessage(facts, verdict.holder.uid) });
    }
  }
  if (wanted.length === 0) return stands;
  const plan = planAgentConfig(workload, served, wanted, config, planFacts);
  if ('refused' in plan) return stands;
  return { outcomes, workload, config: plan.config, restart: plan.changed, warning: plan.changed ? restartWarning(workload) : undefined };
}

/** Why this workload can't have agents, whatever the port. */
function whyNever(facts: WorkloadFacts, object: WorkloadObject, workload: Workload): string | undefined {
  const what = `${workload.kind} ${workload.name}`;
  if (workload.owner !== undefined) return `${what} belongs to the ${workload.owner.kind} ${workload.owner.name}: intercept that.`;
  if (agentForbidden(object)) return `The pod template of ${what} says telepresence.io/inject-traffic-agent: disabled.`;
  if (object.metadata?.annotations?.[ANNOTATION.uninstall] !== undefined) return `The agents of ${what} are being uninstalled; try again when that is done.`;
  if (workload.template.spec?.hostNetwork === true) return `The pods of ${what} use the network of their node.`;
  if (workload.paused && configOf(object) === undefined) return `The rollout of ${what} is paused: its pods can't get an agent.`;
  if (workload.rollout.by === 'ordinal' && workload.rollout.partition >= Math.max(1, workload.replicas) && configOf(object) === undefined) {
    return `The partition ${workload.rollout.partition} of ${what} keeps all its pods as they are: none could get an agent.`;
  }
  const policy = managerBlockedBy(workload, facts.policies, facts.manager);
  return policy === undefined
    ? undefined
    : `The NetworkPolicy ${policy} keeps the pods of ${what} from reaching the traffic-manager (port ${facts.manager.port} in namespace ${facts.manager.namespace}).`;
}

function conflictMessage(facts: WorkloadFacts, holder: string): string {
  const intercept = facts.intercepts.find((other) => uidOf(other) === holder);
  if (intercept === undefined) return 'Another intercept has the port.';
  const hostname = sessionOf(intercept, facts.sessions)?.spec.workstation.hostname;
  const { port, workload, user, name } = intercept.spec;
  return `Port ${port.name ?? port.number} of ${workload.kind} ${workload.name} is intercepted by ${user}${hostname === undefined ? '' : `@${hostname}`} (intercept ${name}).`;
}
