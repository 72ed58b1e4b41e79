/** `connect`: from a kubeconfig to a workstation that is in the cluster. Whatever fails, what was opened is closed again. */
import { CodedError } from '../base/errors.ts';
import { VERSION } from '../base/version.ts';
import { managerStatus } from '../install/index.ts';
import { type KubeClient, resourcePath } from '../kube/index.ts';
import type { ConnectParams } from '../protocol/daemon-api.ts';
import type { WorkloadRef } from '../protocol/workload.ts';
import type { NetdLink } from './capture/index.ts';
import { type CloudAccount, Previews } from './cloud/index.ts';
import { fingerprintOf, openCluster } from './cluster.ts';
import { Connected } from './connected.ts';
import type { CallContext, DaemonContext } from './context.ts';
import { DirectConnections } from './direct/index.ts';
import { installMissingManager } from './install.ts';
import { Intercepts } from './intercept/index.ts';
import { Network } from './network/index.ts';
import { addressesOf, parseCidrs } from './network/subnets.ts';
import { createSession, deleteSession } from './session.ts';
import { Tunnel } from './tunnel/index.ts';

async function checkNamespace(kube: KubeClient, namespace: string, signal: AbortSignal): Promise<void> {
  try {
    await kube.get(resourcePath('v1', 'namespaces', undefined, namespace), { signal });
  } catch (error) {
    // without the right to look, the namespace is believed
    if (error instanceof CodedError && error.code === 'TP-KUBE-FORBIDDEN') return;
    if (error instanceof CodedError && error.code === 'TP-KUBE-NOT-FOUND')
      throw new CodedError('TP-NAMESPACE-NOT-FOUND', `There is no namespace "${namespace}" in the cluster.`);
    throw error;
  }
}

/** Whoever may not look believes that it is there: the tunnel tells. */
async function managerState(kube: KubeClient, namespace: string, signal: AbortSignal): Promise<'missing' | 'installed'> {
  try {
    return (await managerStatus(kube, namespace, { signal })).state;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'TP-KUBE-FORBIDDEN') return 'installed';
    throw error;
  }
}

/** Connects. `netd` is a link to a netd that waits for its orders. @throws the first thing that stood in the way, as a coded error. */
export async function connect(ctx: DaemonContext, params: ConnectParams, netd: NetdLink, account: CloudAccount, call: CallContext): Promise<Connected> {
  const { signal } = call;
  await using undo = new AsyncDisposableStack();

  const cluster = await openCluster(ctx, params);
  const { kube, kubeconfig, managerNamespace, config } = cluster;
  undo.defer(() => kube.close());
  for (const warning of cluster.warnings) call.warning(warning);
  const alsoProxy = parseCidrs('--also-proxy', [...params.alsoProxy, ...config.routing.alsoProxySubnets]);
  const neverProxy = parseCidrs('--never-proxy', [...params.neverProxy, ...config.routing.neverProxySubnets]);
  const allowConflictingSubnets = parseCidrs('--allow-conflicting-subnets', [...params.allowConflictingSubnets, ...config.routing.allowConflictingSubnets]);
  const namespace = params.namespace ?? kubeconfig.namespace;
  const log = ctx.log.child('session');

  const [{ username }, manager, apiServer] = await Promise.all([
    kube.whoAmI(),
    managerState(kube, managerNamespace, signal),
    addressesOf(kubeconfig.server),
    checkNamespace(kube, namespace, signal),
  ]);
  signal.throwIfAborted();
  if (manager === 'missing') await installMissingManager(cluster, params, call);
  const mappedNamespaces = params.mappedNamespaces.length > 0 ? params.mappedNamespaces : config.cluster.mappedNamespaces;

  const session = await createSession({ kube, log, user: username, managerNamespace, namespace, mappedNamespaces, installId: ctx.installId, signal });
  undo.defer(() => deleteSession(kube, managerNamespace, session.name, AbortSignal.timeout(2_000)));

  const previews = new Previews({
    kube,
    log: log.child('previews'),
    tunnel: () => tunnel,
    clusterName: kubeconfig.clusterName,
    ingressesFile: ctx.paths.ingressesFile,
    login: () => account.require(),
  });
  const direct: DirectConnections = new DirectConnections({
    kube,
    session,
    sign: session.sign,
    version: VERSION,
    log: log.child('direct'),
    wanted: (workload) => config.intercept.direct && intercepts.owns(workload),
    onStream: (stream, workload) => intercepts.serve(stream, workload),
  });
  undo.defer(() => direct.close());
  const onLeft = (workload: WorkloadRef): void => direct.forget(workload);
  const intercepts: Intercepts = new Intercepts({ kube, log, session, managerNamespace, namespace, tunnel: () => tunnel, previews, onLeft });
  undo.defer(() => intercepts.close(AbortSignal.timeout(2_000)));
  const tunnel: Tunnel = new Tunnel({
    kube,
    managerNamespace,
    session,
    sign: session.sign,
    version: VERSION,
    log: log.child('tunnel'),
    onStream: (stream) => intercepts.serve(stream),
    // what is intercepted may come at any time
    keptAtRest: () => (intercepts.none ? 0 : 1),
  });
  undo.defer(() => tunnel.abort());
  tunnel.on('direct', (agents) => direct.told(agents));
  const welcome = await startTunnel(tunnel, managerNamespace, username, signal);

  const network = new Network(
    { log, config, tunnel, netd, apiServer, params: { alsoProxy, neverProxy, allowConflictingSubnets, namespace, mappedNamespaces } },
    welcome.cluster,
  );
  undo.defer(() => network.close());
  await network.start(welcome.cluster);
  signal.throwIfAborted();

  const connected = new Connected({
    log,
    params,
    fingerprint: fingerprintOf(params),
    kubeconfig,
    config,
    kube,
    namespace,
    managerNamespace,
    session,
    tunnel,
    network,
    intercepts,
    direct,
    previews,
    since: Date.now(),
  });
  undo.move();
  return connected;
}

async function startTunnel(tunnel: Tunnel, managerNamespace: string, user: string, signal: AbortSignal): ReturnType<Tunnel['start']> {
  try {
    return await tunnel.start(signal);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (error.code === 'TP-KUBE-FORBIDDEN') {
      const right = `get services/proxy "https:traffic-manager:tunnel" in namespace ${managerNamespace}`;
      throw new CodedError(
        'TP-TUNNEL-FORBIDDEN',
        `User ${user} may not use the tunnel: the right to ${right} is missing. The API server said: ${error.message}`,
        { cause: error },
      );
    }
    if (error.code === 'TP-KUBE-API' || error.code === 'TP-KUBE-NOT-FOUND') {
      throw new CodedError('TP-MANAGER-NOT-READY', `The traffic-manager in namespace ${managerNamespace} does not answer: ${error.message}`, {
        cause: error,
        help: `Look at its pods: \`kubectl -n ${managerNamespace} get pods\`.`,
      });
    }
    throw error;
  }
}
