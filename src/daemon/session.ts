/**
 * The Session object: made with the user's own credentials, deleted at `quit`. Its private key stays in this process's memory.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { CodedError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { VERSION } from '../base/version.ts';
import { type KubeClient, resourcePath } from '../kube/index.ts';
import { GROUP_VERSION, type Intercept, type Session } from '../protocol/resources.ts';
import { createSessionKeys } from '../tunnel/index.ts';

export interface OwnSession {
  name: string;
  uid: string;
  user: string;
  sign: (text: string) => string;
}

export interface SessionOptions {
  kube: KubeClient;
  log: Log;
  user: string;
  managerNamespace: string;
  namespace: string;
  mappedNamespaces: string[];
  installId: string;
  signal: AbortSignal;
}

/** Label on Sessions: the workstation they belong to. */
const WORKSTATION_LABEL = 'telepresence.io/workstation';

const sessionsPath = (namespace: string, name?: string): string => resourcePath(GROUP_VERSION, 'sessions', namespace, name);

/** A DNS-1123 name out of whatever the user is called. */
function sessionName(user: string, host: string): string {
  const clean = (text: string): string =>
    text
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 20);
  return [clean(user), clean(host), randomBytes(4).toString('hex')].filter((part) => part !== '').join('-');
}

/** Ends what an earlier daemon of this workstation and user left, so that nobody meets a conflict with their own dead self. */
async function endDeadSessions({ kube, log, user, managerNamespace, installId, signal }: SessionOptions): Promise<void> {
  const { items } = await kube.list<Session>(sessionsPath(managerNamespace), { labelSelector: `${WORKSTATION_LABEL}=${installId}`, signal });
  const dead = items.filter((session) => session.spec.user === user);
  if (dead.length === 0) return;
  const uids = new Set(dead.map((session) => session.metadata.uid));
  const { items: intercepts } = await kube.list<Intercept>(resourcePath(GROUP_VERSION, 'intercepts'), { signal });
  for (const { metadata } of intercepts.filter((intercept) => uids.has(intercept.spec.session.uid))) {
    await deleteIfThere(kube, resourcePath(GROUP_VERSION, 'intercepts', metadata.namespace, metadata.name), signal);
  }
  for (const { metadata } of dead) await deleteIfThere(kube, sessionsPath(managerNamespace, metadata.name), signal);
  log.info('ended sessions that an earlier daemon left', { sessions: dead.map((session) => session.metadata.name) });
}

/** Deletes an object; that it is gone already is as good. */
export async function deleteIfThere(kube: KubeClient, path: string, signal?: AbortSignal): Promise<void> {
  try {
    await kube.request('DELETE', path, signal === undefined ? {} : { signal });
  } catch (error) {
    if (!(error instanceof CodedError && error.code === 'TP-KUBE-NOT-FOUND')) throw error;
  }
}

/** Creates the Session. @throws TP-TUNNEL-FORBIDDEN when the user lacks the right, TP-MANAGER-MISSING without the custom resource. */
export async function createSession(options: SessionOptions): Promise<OwnSession> {
  const { kube, user, managerNamespace, namespace, mappedNamespaces, installId, signal } = options;
  const keys = createSessionKeys();
  const session = {
    apiVersion: GROUP_VERSION,
    kind: 'Session',
    metadata: { name: sessionName(user, hostname()), namespace: managerNamespace, labels: { [WORKSTATION_LABEL]: installId } },
    spec: { user, workstation: { id: installId, hostname: hostname(), version: VERSION }, publicKey: keys.publicKey, namespace, mappedNamespaces },
  };
  try {
    await endDeadSessions(options);
    const { metadata } = await kube.request<Session>('POST', sessionsPath(managerNamespace), { body: session, signal });
    if (metadata.uid === undefined) throw new CodedError('TP-KUBE-API', 'The API server created a Session without a uid.');
    return { name: metadata.name, uid: metadata.uid, user, sign: keys.sign };
  } catch (error) {
    if (error instanceof CodedError && error.code === 'TP-KUBE-FORBIDDEN') throw new CodedError('TP-TUNNEL-FORBIDDEN', error.message, { cause: error });
    if (error instanceof CodedError && error.code === 'TP-KUBE-NOT-FOUND') {
      throw new CodedError('TP-MANAGER-MISSING', `The cluster does not know Sessions of ${GROUP_VERSION}: the traffic-manager is not installed.`, {
        cause: error,
      });
    }
    throw error;
  }
}

/** Deletes the Session; the leading manager then deletes the intercepts that are left. */
export async function deleteSession(kube: KubeClient, managerNamespace: string, name: string, signal?: AbortSignal): Promise<void> {
  await deleteIfThere(kube, sessionsPath(managerNamespace, name), signal);
}
