/** The API in the test's process, where everybody may everything, with one namespace: `shop`. */
import { createLog } from '../../../base/log.ts';
import { type KubeStatus, statusOf } from '../../../kube/status-error.ts';
import type { ApiServerParts, ClusterClient } from '../../contract.ts';
import { createApiServer } from '../index.ts';

const PARTS: ApiServerParts = {
  authenticator: { authenticate: async () => undefined },
  authorizer: { authorize: () => ({ allowed: true, reason: '' }) },
  admission: { mutate: async ({ object }) => object, validate: async () => {} },
  streams: { request: async () => {}, upgrade: async () => {} },
  virtual: {},
};
const USER = { username: 'admin', uid: '', groups: ['system:masters'], extra: {} };

/** @param parts in place of those that allow all */
export async function testClient(parts: Partial<ApiServerParts> = {}): Promise<ClusterClient> {
  const made = createApiServer({ ...PARTS, ...parts }, { log: createLog(() => {}) }).client(USER);
  await made.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } });
  return made;
}

/** With what Status it was refused; undefined when it was not. */
export async function refusalOf(work: Promise<unknown>): Promise<KubeStatus | undefined> {
  return statusOf(
    await work.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );
}
