/** The environment of an intercepted container, which one of the workload's agents knows. */
import { z } from 'zod';
import { CodedError } from '../../base/errors.ts';
import type { Intercept } from '../../protocol/resources.ts';
import type { Environment } from '../../protocol/tunnel.ts';
import type { AgentLink, ManagerContext } from '../context.ts';

/** How long an agent may take to answer for its environment. */
export const ENVIRONMENT_TIMEOUT_MS = 5_000;
/**
 * How long this replica's own view may be behind: the workstation asks as soon as it has seen the intercept become active in a watch of its
 * own, which another replica wrote, and agents link to each replica in their own time.
 */
export const VIEW_LAG_MS = 4_000;

export const environmentParams = z.looseObject({ intercept: z.string() });

export type EnvironmentContext = Pick<ManagerContext, 'intercepts' | 'agents'>;

/** What can be known now: whom to ask, or what to say when that stays so. */
function lookFor(context: EnvironmentContext, session: string, wanted: string): { intercept: Intercept; agent: AgentLink } | CodedError {
  const intercept = context.intercepts.list().find(({ metadata }) => metadata.uid === wanted);
  // A foreign intercept and one that isn't there are answered alike: nobody learns of others' intercepts here.
  if (intercept === undefined || intercept.spec.session.uid !== session) return new CodedError('TP-INTERCEPT-NOT-FOUND', 'This session has no such intercept.');
  const { phase } = intercept.status ?? {};
  if (phase !== 'Active' && phase !== 'Degraded') return new CodedError('TP-ENV-UNREADABLE', `The intercept is ${phase ?? 'Waiting'}, not Active.`);
  const agents = context.agents.of({ namespace: intercept.metadata.namespace ?? '', ...intercept.spec.workload });
  const agent = agents.find(({ ready }) => ready.has(wanted)) ?? agents[0];
  return agent === undefined ? new CodedError('TP-ENV-UNREADABLE', `No agent of ${intercept.spec.workload.name} is linked.`) : { intercept, agent };
}

/**
 * Asks an agent for the environment of the container that an intercept of the session is about.
 *
 * @param session uid of the session that asks
 * @throws TP-INTERCEPT-NOT-FOUND, TP-ENV-UNREADABLE when that is still so after {@link VIEW_LAG_MS}
 */
export async function readEnvironment(context: EnvironmentContext, session: string, wanted: string, signal: AbortSignal): Promise<Environment> {
  const found = lookFor(context, session, wanted);
  const { intercept, agent } = found instanceof CodedError ? await waitFor(context, session, wanted, signal) : found;
  return agent.environment(intercept.spec.container ?? intercept.status?.container, {
    signal: AbortSignal.any([signal, AbortSignal.timeout(ENVIRONMENT_TIMEOUT_MS)]),
  });
}

function waitFor(context: EnvironmentContext, session: string, wanted: string, signal: AbortSignal): Promise<{ intercept: Intercept; agent: AgentLink }> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(late);
      for (const stop of stops) stop();
      signal.removeEventListener('abort', aborted);
    };
    const look = (): CodedError | undefined => {
      const found = lookFor(context, session, wanted);
      if (found instanceof CodedError) return found;
      end();
      resolve(found);
      return undefined;
    };
    const aborted = (): void => {
      end();
      reject(signal.reason);
    };
    const stops = [
      context.intercepts.subscribe((_, { metadata }) => {
        if (metadata.uid === wanted) look();
      }),
      context.agents.onReady(look),
    ];
    const late = setTimeout(() => {
      const missing = look();
      if (missing === undefined) return;
      end();
      reject(missing);
    }, VIEW_LAG_MS);
    signal.addEventListener('abort', aborted, { once: true });
    if (signal.aborted) aborted();
  });
}
