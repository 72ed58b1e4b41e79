/** Preview URLs of the session's intercepts: the cluster's link is seen to, the cloud asked, the answer remembered. */
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type KubeClient, resourcePath } from '../../kube/index.ts';
import { API, clusterTokenSchema, type Ingress, type PreviewRequest, previewSchema } from '../../protocol/cloud.ts';
import type { HttpFilter, Intercept } from '../../protocol/resources.ts';
import { cloudLinkResultSchema } from '../../protocol/tunnel.ts';
import type { Tunnel } from '../tunnel/index.ts';
import { type CloudClient, cloudUrl } from './client.ts';
import { rememberIngress } from './ingress-memory.ts';
import { CLOUD_LINK_TIMEOUT_MS, PREVIEW_REMOVE_TIMEOUT_MS } from './limits.ts';
import type { StoredLogin } from './login-store.ts';

export interface OwnPreview {
  id: string;
  url: string;
  l5host: string;
}

/** The header that a preview's requests carry. */
export type PreviewHeader = PreviewRequest['header'];

export interface PreviewsOptions {
  kube: KubeClient;
  log: Log;
  tunnel: () => Tunnel;
  /** As the kubeconfig calls the cluster: for people to read. */
  clusterName: string;
  ingressesFile: string;
  /** @throws TP-NOT-LOGGED-IN */
  login: () => Promise<{ login: StoredLogin; client: CloudClient }>;
}

export class Previews {
  readonly #options: PreviewsOptions;
  #clusterId: string | undefined;

  constructor(options: PreviewsOptions) {
    this.#options = options;
  }

  /** The uid of namespace kube-system, which lives as long as the cluster. */
  async clusterId(signal: AbortSignal): Promise<string> {
    if (this.#clusterId !== undefined) return this.#clusterId;
    const { metadata } = await this.#options.kube.get<{ metadata: { uid: string } }>(resourcePath('v1', 'namespaces', undefined, 'kube-system'), { signal });
    this.#clusterId = metadata.uid;
    return metadata.uid;
  }

  /** That the cluster is set up for the cloud of the login: what can be known without asking anybody. @throws TP-CLOUD-NOT-LINKED, TP-NOT-LOGGED-IN */
  async check(): Promise<{ login: StoredLogin; client: CloudClient }> {
    const known = await this.#options.login();
    const { cloud } = this.#options.tunnel().welcome ?? {};
    if (cloud === undefined) throw new CodedError('TP-CLOUD-NOT-LINKED', 'The traffic-manager of this cluster is not set up for a cloud.');
    if (cloudUrl(cloud.url) !== cloudUrl(known.login.url)) {
      throw new CodedError(
        'TP-CLOUD-NOT-LINKED',
        `The traffic-manager of this cluster is set up for the cloud ${cloud.url}, and you are logged in to ${known.login.url}.`,
        {
          help: `Run \`telepresence login --cloud-url ${cloud.url}\`.`,
        },
      );
    }
    return known;
  }

  /** Sees to it that the manager's link works, before anything is made: what fails here leaves nothing behind. */
  async prepare(signal: AbortSignal): Promise<void> {
    const { tunnel, clusterName, log } = this.#options;
    const { login, client } = await this.check();
    const ask = async (params: { url: string; token?: string }) =>
      cloudLinkResultSchema.parse(await tunnel().call('cloud-link', params, { signal, timeoutMs: CLOUD_LINK_TIMEOUT_MS }));
    const { url } = tunnel().welcome?.cloud ?? login;
    if ((await ask({ url })).linked) return;
    const registration = { id: await this.clusterId(signal), name: clusterName };
    const { token } = await client.call(API.clusters, clusterTokenSchema, { method: 'POST', token: login.token, body: registration, signal });
    await ask({ url, token });
    log.info('linked the cluster to the cloud', { url });
  }

  async create(intercept: Intercept, header: PreviewHeader, ingress: Ingress, signal: AbortSignal): Promise<OwnPreview> {
    const { ingressesFile, log } = this.#options;
    const { login, client } = await this.#options.login();
    const { metadata, spec } = intercept;
    const clusterId = await this.clusterId(signal);
    const body: PreviewRequest = {
      clusterId,
      intercept: {
        uid: metadata.uid ?? '',
        namespace: metadata.namespace ?? '',
        name: spec.name,
        workload: { kind: spec.workload.kind, name: spec.workload.name },
        ...(spec.service === undefined ? {} : { service: spec.service }),
        port: spec.port.number,
      },
      header,
      ingress,
      public: false,
    };
    const { id, url } = await client.call(API.previews, previewSchema, { method: 'POST', token: login.token, body, signal });
    try {
      await rememberIngress(ingressesFile, clusterId, workloadKey(intercept), ingress, log);
    } catch (error) {
      log.warn('the ingress could not be remembered', { error: messageOf(error) });
    }
    return { id, url, l5host: ingress.l5host };
  }

  async remove({ id }: OwnPreview, signal: AbortSignal): Promise<void> {
    const { login, client } = await this.#options.login();
    await client.send(`${API.previews}/${encodeURIComponent(id)}`, { method: 'DELETE', token: login.token, signal });
  }

  /** Where it does not matter whether the cloud is there: the preview dies with its intercept all the same. */
  async removeQuietly(preview: OwnPreview, signal: AbortSignal): Promise<void> {
    try {
      await this.remove(preview, AbortSignal.any([signal, AbortSignal.timeout(PREVIEW_REMOVE_TIMEOUT_MS)]));
    } catch (error) {
      this.#options.log.info('a preview is left to end by itself', { error: messageOf(error) });
    }
  }
}

export function workloadKey({ metadata, spec }: Intercept): string {
  return `${metadata.namespace ?? ''}/${spec.workload.kind}/${spec.workload.name}`;
}

/** The header of a user's own filter that a preview can send. @throws TP-PREVIEW-REFUSED */
export function previewHeaderOf(http: HttpFilter | undefined): PreviewHeader {
  const refuse = (why: string): CodedError => new CodedError('TP-PREVIEW-REFUSED', `The intercept can't have a preview URL: ${why}.`);
  if (http === undefined) throw refuse('it takes all traffic, whoever sends it');
  const [header, another] = http.headers;
  if (header === undefined || another !== undefined)
    throw refuse(`a preview URL sends one header, and the intercept matches ${header === undefined ? 'none' : 'several'}`);
  if (!('exact' in header.value) || typeof header.value.exact !== 'string') throw refuse('its header is matched by a regular expression');
  return { name: header.name, value: header.value.exact };
}

/** Text as a regular expression (RE2) that matches it and nothing else. */
export function literalRegex(text: string): string {
  return text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');
}
