/**
 * A session without a workstation's network, driven by a test: what somebody with a kubeconfig, and perhaps bad intentions, can do
 * with the tunnel. Runs in the test's own process: the API server is reachable from it.
 */
import { silentLog } from '../../../src/base/log.ts';
import { VERSION } from '../../../src/base/version.ts';
import { createSession, deleteSession } from '../../../src/daemon/session.ts';
import { Tunnel } from '../../../src/daemon/tunnel/index.ts';
import { createKubeClient, type KubeClient, loadKubeconfig } from '../../../src/kube/index.ts';
import { DEFAULT_MANAGER_NAMESPACE } from '../../../src/protocol/resources.ts';

export interface DirectSession extends AsyncDisposable {
  kube: KubeClient;
  user: string;
  session: { name: string; uid: string };
  tunnel: Tunnel;
}

export async function openKube(kubeconfig: string): Promise<KubeClient> {
  const { connection } = await loadKubeconfig({ flags: { kubeconfig }, env: {}, cwd: '/' });
  return createKubeClient(connection, { log: silentLog });
}

export async function directSession(kubeconfig: string, installId: string): Promise<DirectSession> {
  const kube = await openKube(kubeconfig);
  const { username: user } = await kube.whoAmI();
  const managerNamespace = DEFAULT_MANAGER_NAMESPACE;
  const signal = AbortSignal.timeout(20_000);
  const session = await createSession({ kube, log: silentLog, user, managerNamespace, namespace: 'default', mappedNamespaces: [], installId, signal });
  const tunnel = new Tunnel({
    kube,
    managerNamespace,
    session,
    sign: session.sign,
    version: VERSION,
    log: silentLog,
    onStream: (stream) => stream.reset('gone'),
  });
  await tunnel.start(signal);
  return {
    kube,
    user,
    session,
    tunnel,
    async [Symbol.asyncDispose]() {
      await tunnel.close();
      await deleteSession(kube, managerNamespace, session.name);
      kube.close();
    },
  };
}
