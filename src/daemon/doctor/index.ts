/** `doctor`: named checks of the way from the workstation into the cluster. Each says what it saw; one that needs a failed one is skipped. */
import { lookup } from 'node:dns/promises';
import { CodedError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import { managerStatus } from '../../install/index.ts';
import type { ConnectParams, DoctorCheck } from '../../protocol/daemon-api.ts';
import { GROUP, MANAGER_NAME } from '../../protocol/resources.ts';
import { type Cluster, openCluster } from '../cluster.ts';
import type { CallContext } from '../context.ts';
import type { Daemon } from '../daemon.ts';
import { DOCTOR_CHECK_MS } from './limits.ts';

type Finding = { state: DoctorCheck['state']; detail: string; help?: string };
const ok = (detail: string): Finding => ({ state: 'ok', detail });
const bad = (detail: string, help: string): Finding => ({ state: 'failed', detail, help });
const skipped = (detail: string): Finding => ({ state: 'skipped', detail });

export async function examine(daemon: Daemon, params: ConnectParams, call: CallContext): Promise<DoctorCheck[]> {
  const checks: DoctorCheck[] = [];
  /** Whether it is well. */
  const check = async (name: string, look: (signal: AbortSignal) => Promise<Finding>): Promise<boolean> => {
    call.progress(`Checking ${name}`);
    let finding: Finding;
    try {
      finding = await look(AbortSignal.any([call.signal, AbortSignal.timeout(DOCTOR_CHECK_MS)]));
    } catch (error) {
      call.signal.throwIfAborted();
      const { code, message, help } = CodedError.from(error);
      finding = { state: 'failed', detail: `${message} (${code})`, ...(help === undefined ? {} : { help }) };
    }
    checks.push({ name, ...finding });
    return finding.state === 'ok' || finding.state === 'warning';
  };

  let cluster: Cluster | undefined;
  await check('kubeconfig', async () => {
    cluster = await openCluster(daemon.ctx, params);
    const { context, server } = cluster.kubeconfig;
    return ok(`context ${context}, ${server}`);
  });
  try {
    const reached =
      cluster !== undefined &&
      (await check('API server', async (signal) => {
        const began = performance.now();
        const { gitVersion } = await (cluster as Cluster).kube.get<{ gitVersion: string }>('/version', { signal });
        return ok(`Kubernetes ${gitVersion}, answers in ${Math.round(performance.now() - began)} ms`);
      }));
    if (cluster !== undefined && reached) {
      const { kube, managerNamespace, kubeconfig } = cluster;
      const namespace = params.namespace ?? daemon.connected?.parts.namespace ?? kubeconfig.namespace;
      await check('rights', (signal) => rightsOf(kube, { managerNamespace, namespace }, signal));
      await check('traffic-manager', (signal) => managerOf(kube, managerNamespace, signal));
    } else {
      for (const name of ['rights', 'traffic-manager']) checks.push({ name, ...skipped('the API server was not reached') });
    }
  } finally {
    cluster?.kube.close();
  }

  const { connected } = daemon;
  if (connected === undefined) {
    for (const name of ['tunnel', 'DNS', 'intercepts']) checks.push({ name, ...skipped('not connected: run `telepresence connect`') });
    return checks;
  }
  const { tunnel, intercepts } = connected.parts;
  const through = await check('tunnel', async (signal) => {
    if (!tunnel.state.up) return bad(`it is down: ${tunnel.state.detail}`, 'It is tried again by itself; `telepresence status` says what stands in the way.');
    const began = performance.now();
    await tunnel.call('ping', {}, { signal });
    return ok(`answers in ${(performance.now() - began).toFixed(1)} ms`);
  });
  if (through) await check('DNS', (signal) => nameOf(tunnel.welcome?.cluster.clusterDomain ?? 'cluster.local', signal));
  else checks.push({ name: 'DNS', ...skipped('the tunnel is down') });
  await check('intercepts', async () => {
    const own = await intercepts.own();
    const ill = own.filter(({ state }) => state !== 'ACTIVE');
    if (ill.length > 0) return { state: 'warning', detail: ill.map(({ name, state }) => `${name} is ${state}`).join('; ') };
    return ok(own.length === 0 ? 'none' : own.map(({ name }) => name).join(', '));
  });
  return checks;
}

async function rightsOf(kube: Cluster['kube'], where: { managerNamespace: string; namespace: string }, signal: AbortSignal): Promise<Finding> {
  const wanted = [
    { verb: 'create', group: GROUP, resource: 'sessions', namespace: where.managerNamespace },
    { verb: 'get', group: '', resource: 'services', subresource: 'proxy', name: `https:${MANAGER_NAME}:tunnel`, namespace: where.managerNamespace },
    { verb: 'create', group: GROUP, resource: 'intercepts', namespace: where.namespace },
    { verb: 'list', group: 'apps', resource: 'deployments', namespace: where.namespace },
    { verb: 'list', group: '', resource: 'services', namespace: where.namespace },
  ];
  const answers = await Promise.all(wanted.map((right) => kube.canI(right, { signal })));
  const missing = wanted.filter((_, i) => answers[i]?.allowed !== true).map(({ verb, resource, namespace }) => `${verb} ${resource} in ${namespace}`);
  if (missing.length > 0) return bad(`missing: ${missing.join(', ')}`, 'Ask an administrator of the cluster for them (chart value clientRbac).');
  const { username } = await kube.whoAmI({ signal });
  return ok(`${username} may connect, and intercept in ${where.namespace}`);
}

async function managerOf(kube: Cluster['kube'], namespace: string, signal: AbortSignal): Promise<Finding> {
  const status = await managerStatus(kube, namespace, { signal });
  if (status.state === 'missing')
    return bad(`there is none in namespace ${namespace}`, 'Run `telepresence helm install`; the first `telepresence connect` does too.');
  const detail = `${status.version}, ${status.readyReplicas} of ${status.replicas} replicas ready`;
  if (!status.ready) return bad(detail, `Look at its pods: kubectl -n ${namespace} describe pods -l app=${MANAGER_NAME}`);
  return status.version === VERSION
    ? ok(detail)
    : { state: 'warning', detail: `${detail}; this client is ${VERSION}`, help: 'Run `telepresence helm upgrade`.' };
}

/** As any program on the workstation asks for it. */
async function nameOf(domain: string, signal: AbortSignal): Promise<Finding> {
  const name = `kubernetes.default.svc.${domain}`;
  const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
  try {
    const { address } = await Promise.race([lookup(name), aborted]);
    return ok(`${name} is ${address}`);
  } catch {
    return bad(`${name} is not known here`, 'Another DNS server or VPN client may answer instead: docs/features/dns.md says how names are asked.');
  }
}
