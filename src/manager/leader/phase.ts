/** What an intercept's status says: a pure function of its pods and what their agents reported. */
import type { Pod } from 'kubernetes-types/core/v1.js';
import type { Intercept } from '../../protocol/resources.ts';
import { AGENT_WAIT_MS } from './limits.ts';

export type InterceptStatus = NonNullable<Intercept['status']>;

export interface PhaseFacts {
  /** Its ready pods. */
  ready: readonly Pod[];
  /** Names of pods whose agent takes the intercept. */
  taking: ReadonlySet<string>;
  /** Names of pods whose agent is linked, whether it takes the intercept or not. */
  linked: ReadonlySet<string>;
  /** The session has a tunnel: agents take an intercept only once one has been there. */
  connected: boolean;
  /** No pod without an agent began to end so recently that a node may still send to it. */
  settled: boolean;
  /** Sentences of agents that can't take it. */
  errors: readonly string[];
  /** Wanted by the workload. */
  replicas: number;
  now: number;
  waitMs?: number | undefined;
  /** The likely cause of waiting, as a sentence. */
  cause: () => string | undefined;
}

export type Phase = Pick<InterceptStatus, 'phase' | 'reason' | 'message' | 'agents' | 'pods'>;

const DISCONNECTED = 'Its agents are there, and wait for the workstation: its tunnel is lost.';
const SCALED_DOWN = 'The workload is scaled to 0 replicas.';

/** What was Active once becomes Degraded where it is not whole, never Waiting again; what waited too long is an error until agents come. */
export function phaseOf(before: InterceptStatus | undefined, facts: PhaseFacts): Phase {
  const names = facts.ready.map(({ metadata }) => metadata?.name ?? '');
  const agents = names.filter((name) => facts.taking.has(name)).toSorted();
  const counted = { agents, pods: names.length };
  const wasWhole = before?.phase === 'Active' || before?.phase === 'Degraded';
  if (agents.length > 0 && agents.length === names.length && (facts.settled || before?.phase === 'Active')) return { phase: 'Active', ...counted };
  const waited = before?.phase === 'Error' || facts.now - (Date.parse(before?.since ?? '') || facts.now) >= (facts.waitMs ?? AGENT_WAIT_MS);
  const allLinked = names.length > 0 && names.every((name) => facts.linked.has(name));
  const cause = () => (facts.replicas === 0 ? SCALED_DOWN : allLinked && !facts.connected ? DISCONNECTED : facts.cause());
  if (wasWhole || (agents.length > 0 && waited)) {
    return { phase: 'Degraded', ...counted, message: [`${agents.length} of ${names.length} pods.`, cause()].filter((part) => part !== undefined).join(' ') };
  }
  if (facts.errors.length > 0 && agents.length === 0) return { phase: 'Error', reason: 'InjectionFailed', ...counted, message: facts.errors[0] ?? '' };
  // Agents are not told of claims in error: one that waited in vain waits again when they come after all.
  if (!waited || (before?.reason === 'AgentTimeout' && facts.connected && names.some((name) => facts.linked.has(name))))
    return { phase: 'Waiting', ...counted };
  return { phase: 'Error', reason: 'AgentTimeout', ...counted, message: cause() ?? 'No agent of its pods reported in time.' };
}
