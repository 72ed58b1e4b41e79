/**
 * Intercepts of this session: created as objects with the user's own credentials, waited for until the leading manager
 * says `Active`, served when their connections come, deleted by `leave`.
 */
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { createInformer, type Informer, type KubeClient, resourcePath } from '../../kube/index.ts';
import type { MuxStream } from '../../mux/index.ts';
import type { Ingress } from '../../protocol/cloud.ts';
import type { InterceptInfo, InterceptParams, ListedWorkload } from '../../protocol/daemon-api.ts';
import { GROUP_VERSION, type Intercept, type InterceptSpec, type Session } from '../../protocol/resources.ts';
import { environmentSchema } from '../../protocol/tunnel.ts';
import { type WorkloadRef, workloadKey } from '../../protocol/workload.ts';
import { type OwnPreview, type PreviewHeader, type Previews, previewHeaderOf } from '../cloud/index.ts';
import type { CallContext } from '../context.ts';
import { deleteIfThere, type OwnSession } from '../session.ts';
import type { Tunnel } from '../tunnel/index.ts';
import { infoOf } from './info.ts';
import { isListening } from './listening.ts';
import { OpenConnections } from './open-connections.ts';
import { wishesOf } from './personal.ts';
import { serveInterceptStream } from './serve.ts';
import { findPort, findWorkload, hasAgent, listServices, listWorkloads, portsOf, volumesOf, type Workload, whyNot } from './workloads.ts';

/** `intercept` gives up when the cluster has not answered after this time; the leader gives its own verdict sooner. */
export const INTERCEPT_TIMEOUT_MS = 120_000;
/** `list` and `leave` while the line is down: the API server may be silent too. */
export const WITHOUT_LINE_MS = 4_000;

export interface InterceptsOptions {
  kube: KubeClient;
  log: Log;
  session: OwnSession;
  managerNamespace: string;
  namespace: string;
  tunnel: () => Tunnel;
  previews: Previews;
  /** The last intercept of a workload is over. */
  onLeft: (workload: WorkloadRef) => void;
}

/** An intercept of this session. */
interface Own {
  spec: InterceptSpec;
  namespace: string;
  object: string;
  /** What marks its requests, where it is personal. */
  header?: PreviewHeader | undefined;
  preview?: OwnPreview;
}

const workloadOf = ({ namespace, spec }: Own): WorkloadRef => ({ namespace, ...spec.workload });

const interceptsPath = (namespace?: string, name?: string): string => resourcePath(GROUP_VERSION, 'intercepts', namespace, name);

export class Intercepts {
  readonly #options: InterceptsOptions;
  readonly #stop = new AbortController();
  /** Watches of the namespaces in which this session has (had) intercepts. */
  readonly #informers = new Map<string, Informer<Intercept>>();
  /** Own intercepts by uid: filled when the object is created, so that the first connection is never refused. */
  readonly #targets = new Map<string, Own>();
  readonly #connections = new OpenConnections();
  readonly #waiting = new Map<string, (intercept: Intercept | undefined) => void>();

  constructor(options: InterceptsOptions) {
    this.#options = options;
  }

  /** Takes an intercepted connection. @param of agents of this workload opened it: their streams are of its intercepts only */
  serve(stream: MuxStream, of?: WorkloadRef): void {
    void serveInterceptStream(stream, {
      log: this.#options.log.child('serve'),
      target: (uid) => {
        const own = this.#targets.get(uid);
        return own === undefined || (of !== undefined && workloadKey(workloadOf(own)) !== workloadKey(of)) ? undefined : own.spec.target;
      },
      connections: this.#connections,
      signal: this.#stop.signal,
    });
  }

  /** Watches a namespace's intercepts; the same watch for all callers. */
  async watch(namespace: string): Promise<Informer<Intercept>> {
    let informer = this.#informers.get(namespace);
    if (informer === undefined) {
      const { kube, log } = this.#options;
      informer = createInformer<Intercept>(kube, interceptsPath(namespace), {
        log: log.child('watch'),
        signal: this.#stop.signal,
        onChange: (kind, intercept) => this.#changed(kind, intercept),
      });
      this.#informers.set(namespace, informer);
    }
    await informer.ready;
    return informer;
  }

  #changed(kind: 'added' | 'modified' | 'deleted', intercept: Intercept): void {
    const uid = intercept.metadata.uid ?? '';
    if (kind === 'deleted' && this.#forget(uid)) this.#options.log.info('an intercept is gone', { intercept: intercept.spec.name });
    this.#waiting.get(uid)?.(kind === 'deleted' ? undefined : intercept);
  }

  #forget(uid: string): boolean {
    this.#connections.drain(uid);
    const own = this.#targets.get(uid);
    if (own === undefined) return false;
    this.#targets.delete(uid);
    const workload = workloadOf(own);
    if (!this.owns(workload)) this.#options.onLeft(workload);
    return true;
  }

  /** Whether this session intercepts the workload. */
  owns(workload: WorkloadRef): boolean {
    const key = workloadKey(workload);
    return this.#targets.values().some((own) => workloadKey(workloadOf(own)) === key);
  }

  /** Whether nothing is intercepted. */
  get none(): boolean {
    return this.#targets.size === 0;
  }

  async create(params: InterceptParams, call: CallContext): Promise<InterceptInfo> {
    const { kube, session, managerNamespace } = this.#options;
    const { signal } = call;
    // what is intercepted comes there: they are up before it is
    this.#options.tunnel().wake();
    const namespace = params.namespace ?? this.#options.namespace;
    const [workloads, services] = await Promise.all([listWorkloads(kube, namespace, signal), listServices(kube, namespace, signal), this.watch(namespace)]);
    const workload = findWorkload(params.workload ?? params.name, namespace, workloads, services);
    const refusal = whyNot(workload, services);
    if (refusal !== undefined) throw new CodedError('TP-INTERCEPT-REFUSED', `${workload.kind} ${workload.name} can't be intercepted: ${refusal}.`);
    const port = findPort(workload, services, params);
    checkContainer(workload, params.container);
    const target = { host: params.address, port: params.localPort ?? port.number };
    this.#checkOwn(params.name, namespace, target);
    const { http, header, preview } = wishesOf(params, port);
    if (preview !== undefined) await this.#options.previews.prepare(signal);
    if (port.protocol === 'TCP' && !(await isListening(target)))
      call.warning(`Nothing listens on ${target.host}:${target.port} yet: requests are refused until your process does.`);
    const spec: InterceptSpec = {
      name: params.name,
      user: session.user,
      session: { name: session.name, namespace: managerNamespace, uid: session.uid },
      workload: { kind: workload.kind, name: workload.name },
      ...(port.service === undefined ? {} : { service: port.service }),
      port: { number: port.number, protocol: port.protocol, ...(port.name === undefined ? {} : { name: port.name }) },
      ...(params.container === undefined ? {} : { container: params.container }),
      mechanism: params.mechanism,
      ...(http === undefined ? {} : { http }),
      target,
      fallback: params.fallback,
      proofHeader: params.proofHeader,
      ...(params.plaintext ? { plaintext: true } : {}),
    };
    const object = `${params.name}-${session.uid.slice(0, 8)}`;
    const created = await this.#post({ spec, namespace, object, header }, signal);
    try {
      call.progress(`Waiting for the traffic-agent of ${workload.kind.toLowerCase()} ${workload.name}`);
      const active = await this.#active(created, call);
      const info = infoOf(active, session.uid, new Map(), portsOf(workload, services).length > 1);
      if (params.withEnv) Object.assign(info, await this.#environment(active, signal));
      const volumes = params.mount ? volumesOf(workload) : [];
      // the last step: what fails before it leaves no preview behind
      if (preview !== undefined) await this.#makePreview(active, preview.header, preview.ingress, signal);
      return { ...this.#asItIs(info), ...(volumes.length === 0 ? {} : { volumesNotMounted: volumes }) };
    } catch (error) {
      // nothing stays half done: neither after Ctrl-C nor after the leader's refusal
      this.#forget(created.metadata.uid ?? '');
      await deleteIfThere(kube, interceptsPath(namespace, object)).catch((cause: unknown) => {
        this.#options.log.warn('an intercept that failed could not be deleted', { object, error: cause });
      });
      throw error;
    }
  }

  #checkOwn(name: string, namespace: string, target: { host: string; port: number }): void {
    for (const own of this.#targets.values()) {
      if (own.spec.name === name && own.namespace === namespace)
        throw new CodedError('TP-INTERCEPT-EXISTS', `You have an intercept named "${name}" in namespace ${namespace} already.`);
      if (own.spec.target.host === target.host && own.spec.target.port === target.port) {
        throw new CodedError('TP-PORT-IN-USE', `Your intercept "${own.spec.name}" sends its traffic to ${target.host}:${target.port} already.`);
      }
    }
  }

  async #post(own: Own, signal: AbortSignal): Promise<Intercept> {
    const { kube } = this.#options;
    const { spec, namespace, object } = own;
    try {
      const body = { apiVersion: GROUP_VERSION, kind: 'Intercept', metadata: { name: object, namespace }, spec };
      const created = await kube.request<Intercept>('POST', interceptsPath(namespace), { body, signal });
      this.#targets.set(created.metadata.uid ?? '', own);
      return created;
    } catch (error) {
      if (error instanceof CodedError && error.code === 'TP-KUBE-FORBIDDEN') throw new CodedError('TP-INTERCEPT-FORBIDDEN', error.message, { cause: error });
      throw error;
    }
  }

  /** Waits until the leading manager says `Active`. @throws its refusal, in its words. */
  async #active(created: Intercept, call: CallContext): Promise<Intercept> {
    const uid = created.metadata.uid ?? '';
    const done = Promise.withResolvers<Intercept>();
    let warned: string | undefined;
    const look = (intercept: Intercept | undefined): void => {
      if (intercept === undefined)
        return done.reject(new CodedError('TP-INTERCEPT-REFUSED', 'The intercept was deleted by somebody else before it became active.'));
      const { status } = intercept;
      if (status?.warning !== undefined && status.warning !== warned) {
        warned = status.warning;
        call.warning(warned);
      }
      if (status?.phase === 'Active') done.resolve(intercept);
      else if (status?.phase === 'Error') done.reject(refusalOf(intercept));
    };
    const onAbort = (): void => done.reject(call.signal.reason);
    const late = setTimeout(() => {
      done.reject(new CodedError('TP-INTERCEPT-TIMEOUT', `The traffic-manager did not decide on the intercept within ${INTERCEPT_TIMEOUT_MS / 1000} s.`));
    }, INTERCEPT_TIMEOUT_MS);
    call.signal.addEventListener('abort', onAbort, { once: true });
    this.#waiting.set(uid, look);
    try {
      // it may have been decided between the answer and the watch; one of the same name may have been left a moment ago
      const known = this.#informers.get(created.metadata.namespace ?? '')?.get(created.metadata.namespace ?? '', created.metadata.name);
      if (known?.metadata.uid === uid) look(known);
      return await done.promise;
    } finally {
      clearTimeout(late);
      call.signal.removeEventListener('abort', onAbort);
      this.#waiting.delete(uid);
    }
  }

  async #environment(intercept: Intercept, signal: AbortSignal): Promise<Partial<InterceptInfo>> {
    try {
      const { env, container, podIP } = environmentSchema.parse(
        await this.#options.tunnel().call('environment', { intercept: intercept.metadata.uid }, { signal, timeoutMs: 10_000 }),
      );
      return { environment: env, container, ...(podIP === undefined ? {} : { podIP }) };
    } catch (error) {
      throw new CodedError('TP-ENV-UNREADABLE', `The environment of ${intercept.spec.workload.name} could not be read: ${messageOf(error)}`, { cause: error });
    }
  }

  /** Ends an own intercept. @throws TP-INTERCEPT-NOT-FOUND in the original's words. */
  async leave(name: string, namespace: string | undefined, signal: AbortSignal): Promise<void> {
    const { uid, namespace: where, object, preview } = this.named(name, namespace);
    using patience = this.#patience(signal);
    await deleteIfThere(this.#options.kube, interceptsPath(where, object), patience.signal);
    this.#forget(uid);
    if (preview !== undefined) await this.#options.previews.removeQuietly(preview, signal);
  }

  /** An own intercept. @throws TP-INTERCEPT-NOT-FOUND in the original's words. */
  named(name: string, namespace: string | undefined): Own & { uid: string } {
    for (const [uid, own] of this.#targets) {
      if (own.spec.name === name && (namespace === undefined || own.namespace === namespace)) return { uid, ...own };
    }
    throw new CodedError('TP-INTERCEPT-NOT-FOUND', `Found no intercept named "${name}".`);
  }

  /** Makes a preview URL for an own intercept, in place of the one it may have. @throws TP-PREVIEW-REFUSED, or what the cloud says. */
  async addPreview(name: string, namespace: string | undefined, ingress: Ingress, signal: AbortSignal): Promise<InterceptInfo> {
    const { kube, previews, session } = this.#options;
    const { uid, ...own } = this.named(name, namespace);
    const header = own.header ?? previewHeaderOf(own.spec.http);
    await previews.prepare(signal);
    const intercept = await kube.get<Intercept>(interceptsPath(own.namespace, own.object), { signal });
    if (intercept.metadata.uid !== uid) throw new CodedError('TP-INTERCEPT-NOT-FOUND', `Found no intercept named "${name}".`);
    await this.#makePreview(intercept, header, ingress, signal);
    if (own.preview !== undefined) await previews.removeQuietly(own.preview, signal);
    return this.#asItIs(infoOf(intercept, session.uid, new Map(), true));
  }

  /** @throws TP-PREVIEW-NOT-FOUND */
  async removePreview(name: string, namespace: string | undefined, signal: AbortSignal): Promise<void> {
    const { uid, preview } = this.named(name, namespace);
    if (preview === undefined) throw new CodedError('TP-PREVIEW-NOT-FOUND', `The intercept "${name}" has no preview URL.`);
    await this.#options.previews.remove(preview, signal);
    const own = this.#targets.get(uid);
    if (own?.preview === preview) delete own.preview;
  }

  async #makePreview(intercept: Intercept, header: PreviewHeader, ingress: Ingress, signal: AbortSignal): Promise<void> {
    const preview = await this.#options.previews.create(intercept, header, ingress, signal);
    const own = this.#targets.get(intercept.metadata.uid ?? '');
    if (own !== undefined) own.preview = preview;
  }

  /** This session's own intercepts. */
  async own(): Promise<InterceptInfo[]> {
    const infos: InterceptInfo[] = [];
    for (const namespace of new Set([...this.#targets.values()].map((own) => own.namespace))) {
      const informer = await this.watch(namespace);
      for (const intercept of informer.list())
        if (this.#targets.has(intercept.metadata.uid ?? '')) infos.push(this.#asItIs(infoOf(intercept, this.#options.session.uid, new Map(), false)));
    }
    return infos;
  }

  /** Adds what only this daemon knows of an own intercept. While the line is down, what the cluster last said of it is not the truth. */
  #asItIs(known: InterceptInfo): InterceptInfo {
    const { header, preview } = this.#targets.get(known.id) ?? {};
    const info = {
      ...known,
      servicePortShown: known.servicePortShown || header !== undefined,
      ...(preview === undefined ? {} : { previewUrl: preview.url, l5host: preview.l5host }),
    };
    if (!info.mine || this.#options.tunnel().state.up || info.state.startsWith('ERROR')) return info;
    return { ...info, state: "PAUSED: no connection, the cluster's own app answers" };
  }

  /** The line is back: what changed meanwhile is learned at once. */
  refresh(): void {
    for (const informer of this.#informers.values()) informer.beginAnew();
  }

  /** Bounds a call's patience while the line is down. */
  #patience(signal: AbortSignal): { signal: AbortSignal; [Symbol.dispose]: () => void } {
    const { up, detail } = this.#options.tunnel().state;
    if (up) return { signal, [Symbol.dispose]: () => undefined };
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new CodedError('TP-TUNNEL-LOST', `The connection to the cluster is down: ${detail}.`)), WITHOUT_LINE_MS);
    return { signal: AbortSignal.any([signal, late.signal]), [Symbol.dispose]: () => clearTimeout(timer) };
  }

  async list(namespace: string | undefined, call: AbortSignal): Promise<ListedWorkload[]> {
    const { kube, session, managerNamespace } = this.#options;
    using patience = this.#patience(call);
    const { signal } = patience;
    const [workloads, services, intercepts, sessions] = await Promise.all([
      listWorkloads(kube, namespace, signal),
      listServices(kube, namespace, signal),
      kube.list<Intercept>(interceptsPath(namespace), { signal }),
      kube.list<Session>(resourcePath(GROUP_VERSION, 'sessions', managerNamespace), { signal }),
    ]);
    const byUid = new Map(sessions.items.map((item) => [item.metadata.uid ?? '', item] as const));
    return workloads
      .filter((workload) => workload.namespace !== managerNamespace || namespace !== undefined)
      .map((workload) => {
        const reason = whyNot(workload, services);
        const severalPorts = portsOf(workload, services).length > 1;
        return {
          name: workload.name,
          namespace: workload.namespace,
          kind: workload.kind,
          agentInstalled: hasAgent(workload),
          ...(reason === undefined ? {} : { notInterceptable: reason }),
          intercepts: intercepts.items
            .filter(
              ({ metadata, spec }) => metadata.namespace === workload.namespace && spec.workload.kind === workload.kind && spec.workload.name === workload.name,
            )
            .map((intercept) => this.#asItIs(infoOf(intercept, session.uid, byUid, severalPorts))),
        };
      });
  }

  /** Deletes all own intercepts and stops watching. */
  async close(signal: AbortSignal): Promise<void> {
    const own = [...this.#targets.values()];
    await Promise.all([
      ...own.map(({ namespace, object }) => deleteIfThere(this.#options.kube, interceptsPath(namespace, object), signal)),
      ...own.map(({ preview }) => preview && this.#options.previews.removeQuietly(preview, signal)),
    ]);
    this.#stop.abort(new CodedError('TP-CANCELLED', 'The session was closed.'));
    for (const informer of this.#informers.values()) informer.close();
  }
}

function checkContainer(workload: Workload, container: string | undefined): void {
  const names = (workload.template.spec?.containers ?? []).map(({ name }) => name);
  if (container !== undefined && !names.includes(container)) {
    throw new CodedError('TP-CONTAINER-UNKNOWN', `${workload.kind} ${workload.name} has no container "${container}". It has: ${names.join(', ')}.`);
  }
}

function refusalOf({ status, spec }: Intercept): CodedError {
  const message = status?.message ?? `The intercept of ${spec.workload.name} was refused.`;
  if (status?.reason === 'Conflict') return new CodedError('TP-INTERCEPT-CONFLICT', message);
  if (status?.reason === 'AgentTimeout' || status?.reason === 'InjectionFailed') return new CodedError('TP-INTERCEPT-TIMEOUT', message);
  return new CodedError('TP-INTERCEPT-REFUSED', message);
}
