/**
 * The workstation's side of the cloud: who is logged in (a file that only its owner can read), how one logs in, and what of the cloud a
 * session uses: preview URLs. Without a login nothing here is ever asked.
 */
import { randomUUID } from 'node:crypto';
import { CodedError, messageOf } from '../../base/errors.ts';
import { readEnvironment } from '../../config/env.ts';
import { type ClientConfig, resolveConfig } from '../../config/index.ts';
import { API, meSchema, OAUTH_CLIENT_ID, OAUTH_TOKEN_PATH, tokenAnswerSchema } from '../../protocol/cloud.ts';
import type { CloudLogin, CloudStatus } from '../../protocol/daemon-api.ts';
import { clientFile } from '../cluster.ts';
import type { CallContext, DaemonContext } from '../context.ts';
import { type BrowserLogin, startBrowserLogin } from './browser-login.ts';
import { type CloudClient, cloudUrl, createCloudClient } from './client.ts';
import { CLOUD_REQUEST_TIMEOUT_MS, LOGOUT_TIMEOUT_MS } from './limits.ts';
import { readLogin, removeLogin, type StoredLogin, writeLogin } from './login-store.ts';

export { findIngresses } from './find-ingress.ts';
export { literalRegex, type OwnPreview, type PreviewHeader, Previews, previewHeaderOf } from './previews.ts';

const shown = ({ url, user, organisation }: StoredLogin): CloudLogin => ({ url, user, organisation });

/** What of a session matters for logins. */
export interface CloudSession {
  config: ClientConfig;
  /** The cloud of the connected cluster, as its administrator said. */
  clusterUrl: string | undefined;
}

export class CloudAccount {
  readonly #ctx: DaemonContext;
  readonly #session: () => CloudSession | undefined;
  #pending: { id: string; login: BrowserLogin<StoredLogin> } | undefined;

  constructor(ctx: DaemonContext, session: () => CloudSession | undefined) {
    this.#ctx = ctx;
    this.#session = session;
  }

  #client(url: string): CloudClient {
    return createCloudClient(url, readEnvironment());
  }

  /** As the user says, else the client's configuration, else the connected cluster. @throws TP-CLOUD-URL */
  async #whichCloud(wanted: string | undefined): Promise<string> {
    if (wanted !== undefined) return cloudUrl(wanted);
    const session = this.#session();
    const { cloud } = session?.config ?? resolveConfig([await clientFile(this.#ctx, undefined)]);
    const url = cloud.url ?? session?.clusterUrl;
    if (url === undefined) throw new CodedError('TP-CLOUD-URL', 'No cloud to log in to is known.');
    return cloudUrl(url);
  }

  async loginStart(params: { url?: string | undefined }): Promise<{ id: string; authorizeUrl: string; url: string }> {
    const url = await this.#whichCloud(params.url);
    const client = this.#client(url);
    this.#pending?.login.close();
    const login = await startBrowserLogin<StoredLogin>(url, {
      log: this.#ctx.log.child('login'),
      redeem: async ({ code, redirectUri, verifier }) => {
        const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, client_id: OAUTH_CLIENT_ID, code_verifier: verifier };
        const answer = await client.call(OAUTH_TOKEN_PATH, tokenAnswerSchema, { method: 'POST', form, signal: AbortSignal.timeout(CLOUD_REQUEST_TIMEOUT_MS) });
        const stored: StoredLogin = { url, token: answer.access_token, kind: 'login', user: answer.user, organisation: answer.organisation };
        await this.#keep(stored);
        return stored;
      },
    });
    const id = randomUUID();
    this.#pending = { id, login };
    // whether or not anybody asks for the end: a login that is given up is no error of the daemon's
    login.finished.catch((error: unknown) => this.#ctx.log.info('a login ended without success', { error: messageOf(error) }));
    return { id, authorizeUrl: login.authorizeUrl, url };
  }

  async loginFinish(id: string, call: CallContext): Promise<CloudLogin> {
    const pending = this.#pending;
    if (pending?.id !== id) throw new CodedError('TP-LOGIN-FAILED', 'Another login was started since.');
    const giveUp = (): void => pending.login.close();
    call.signal.addEventListener('abort', giveUp, { once: true });
    if (call.signal.aborted) giveUp();
    try {
      return shown(await pending.login.finished);
    } finally {
      call.signal.removeEventListener('abort', giveUp);
      if (this.#pending === pending) this.#pending = undefined;
    }
  }

  async loginByKey(params: { url?: string | undefined; apikey: string }, call: CallContext): Promise<CloudLogin> {
    const url = await this.#whichCloud(params.url);
    const me = await this.#client(url)
      .call(API.me, meSchema, { token: params.apikey, signal: call.signal })
      .catch((error: unknown) => {
        if (!(error instanceof CodedError && error.code === 'TP-NOT-LOGGED-IN')) throw error;
        throw new CodedError('TP-LOGIN-FAILED', `The cloud ${url} does not know the API key.`, {
          help: 'Make another in the dashboard, under API keys.',
          cause: error,
        });
      });
    const stored: StoredLogin = { url, token: params.apikey, kind: 'apikey', user: me.user, organisation: me.organisation };
    await this.#keep(stored);
    return shown(stored);
  }

  /** The login before this one is over, there too. */
  async #keep(login: StoredLogin): Promise<void> {
    const file = this.#ctx.paths.cloudFile;
    const before = await readLogin(file).catch(() => undefined);
    await writeLogin(file, login);
    this.#ctx.log.info('logged in', { url: login.url, user: login.user.name, organisation: login.organisation.name });
    if (before !== undefined && before.token !== login.token) await this.#end(before);
  }

  /** @returns what kept the cloud from ending it, if anything did. */
  async #end({ url, token, kind }: StoredLogin): Promise<string | undefined> {
    if (kind === 'apikey') return undefined;
    try {
      await this.#client(url).send(API.logout, { method: 'POST', token, signal: AbortSignal.timeout(LOGOUT_TIMEOUT_MS) });
      return undefined;
    } catch (error) {
      // a token that does not count any more is ended already
      if (error instanceof CodedError && error.code === 'TP-NOT-LOGGED-IN') return undefined;
      this.#ctx.log.warn('a login could not be ended in the cloud', { error: messageOf(error) });
      return messageOf(error);
    }
  }

  async logout(call: CallContext): Promise<{ wasLoggedIn: boolean }> {
    const file = this.#ctx.paths.cloudFile;
    const login = await readLogin(file).catch(() => undefined);
    const wasLoggedIn = await removeLogin(file);
    const problem = login === undefined ? undefined : await this.#end(login);
    if (problem !== undefined) call.warning(`The cloud could not be told, so that the login counts there until it is ended in the dashboard: ${problem}`);
    return { wasLoggedIn };
  }

  async status(): Promise<CloudStatus> {
    const login = await readLogin(this.#ctx.paths.cloudFile);
    const clusterUrl = this.#session()?.clusterUrl;
    return { ...(login === undefined ? {} : { login: shown(login) }), ...(clusterUrl === undefined ? {} : { clusterUrl }) };
  }

  /** @throws TP-NOT-LOGGED-IN */
  async require(): Promise<{ login: StoredLogin; client: CloudClient }> {
    const login = await readLogin(this.#ctx.paths.cloudFile);
    if (login === undefined) throw new CodedError('TP-NOT-LOGGED-IN', 'Nobody is logged in on this workstation.');
    return { login, client: this.#client(login.url) };
  }
}
