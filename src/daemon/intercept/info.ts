/** An Intercept object as the CLI shows it. */
import { hostname } from 'node:os';
import type { InterceptInfo } from '../../protocol/daemon-api.ts';
import type { Intercept, Session } from '../../protocol/resources.ts';

/** `ACTIVE`, `WAITING`, `DEGRADED (2 of 3 pods)`, `ERROR: sentence`. */
export function stateOf({ status }: Intercept): string {
  const phase = status?.phase ?? 'Waiting';
  if (phase === 'Degraded') return `DEGRADED (${status?.agents?.length ?? 0} of ${status?.pods ?? 0} pods)`;
  if (phase === 'Error') return `ERROR: ${status?.message ?? status?.reason ?? 'unknown'}`;
  return phase.toUpperCase();
}

export function infoOf(intercept: Intercept, ownSession: string, sessions: ReadonlyMap<string, Session>, severalPorts: boolean): InterceptInfo {
  const { metadata, spec, status } = intercept;
  const { number, name, protocol } = spec.port;
  return {
    id: metadata.uid ?? '',
    name: spec.name,
    namespace: metadata.namespace ?? '',
    workload: { kind: spec.workload.kind, name: spec.workload.name },
    ...(spec.service === undefined ? {} : { service: spec.service }),
    servicePort: { number, protocol, ...(name === undefined ? {} : { name }) },
    target: { host: spec.target.host, port: spec.target.port },
    mechanism: spec.mechanism,
    ...(spec.http === undefined ? {} : { http: spec.http }),
    state: stateOf(intercept),
    user: spec.user,
    hostname: spec.session.uid === ownSession ? hostname() : (sessions.get(spec.session.uid)?.spec.workstation.hostname ?? ''),
    mine: spec.session.uid === ownSession,
    ...(status?.since === undefined ? {} : { since: status.since }),
    ...(spec.container === undefined ? {} : { container: spec.container }),
    servicePortShown: severalPorts,
  };
}
