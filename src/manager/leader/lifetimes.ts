/** When sessions and intercepts end by themselves: pure decisions. */
import type { Intercept, Session } from '../../protocol/resources.ts';
import { CLAIM_KEPT_MS, SESSION_KEPT_MS } from './limits.ts';

/** Since when a session has had no tunnel, in ms since the epoch; undefined while it has one. One that never had any: since it was made. */
export function lostSince(session: Session): number | undefined {
  const { status, metadata } = session;
  if ((status?.replicas ?? []).length > 0) return undefined;
  return Date.parse(status?.lostAt ?? status?.lastSeen ?? metadata.creationTimestamp ?? '') || 0;
}

export const claimsExpired = (session: Session, now: number): boolean => now - (lostSince(session) ?? now) > CLAIM_KEPT_MS;
export const sessionExpired = (session: Session, now: number): boolean => now - (lostSince(session) ?? now) > SESSION_KEPT_MS;

/** The session that an intercept belongs to. A namesake with another uid is another session. */
export function sessionOf(intercept: Intercept, sessions: readonly Session[]): Session | undefined {
  const { name, namespace, uid } = intercept.spec.session;
  return sessions.find(({ metadata }) => metadata.name === name && metadata.namespace === namespace && metadata.uid === uid);
}

/** What must be deleted now. Intercepts of another manager's sessions are none of ours. */
export function sweep(
  intercepts: readonly Intercept[],
  sessions: readonly Session[],
  facts: { namespace: string; now: number },
): { intercepts: Intercept[]; sessions: Session[] } {
  return {
    sessions: sessions.filter((session) => sessionExpired(session, facts.now)),
    intercepts: intercepts.filter((intercept) => intercept.spec.session.namespace === facts.namespace && sessionOf(intercept, sessions) === undefined),
  };
}
