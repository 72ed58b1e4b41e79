/**
 * Login by a browser, as RFC 8252 has it for programs: a listener on the loopback for this one login, PKCE, and a state that only the
 * browser that was sent can know. Whatever else comes to the listener is refused and changes nothing.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CodedError, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { createServer } from '../../base/node-http.ts';
import { OAUTH_AUTHORIZE_PATH, OAUTH_CALLBACK_PATH, OAUTH_CLIENT_ID } from '../../protocol/cloud.ts';
import { LOGIN_CONNECTION_LIMIT, LOGIN_PAGE_TIMEOUT_MS, LOGIN_TIMEOUT_MS } from './limits.ts';
import { failurePage, LOGIN_PAGE_HEADERS, successPage } from './login-page.ts';

/** What the browser brought, for the token endpoint. */
export interface Grant {
  code: string;
  redirectUri: string;
  verifier: string;
}

export interface BrowserLogin<T> {
  readonly authorizeUrl: string;
  /** Rejects with TP-LOGIN-FAILED, or with what `redeem` threw. Somebody must wait for it. */
  readonly finished: Promise<T>;
  /** Ends the listener; `finished` rejects if it was not over. Idempotent. */
  close(): void;
}

interface Redeemed {
  user: { name: string };
  organisation: { name: string };
}

const same = (a: string, b: string): boolean => timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());

/** @param redeem buys the token; the browser's page waits for it, so that it tells the truth. */
export async function startBrowserLogin<T extends Redeemed>(
  url: string,
  options: { log: Log; redeem: (grant: Grant) => Promise<T>; timeoutMs?: number },
): Promise<BrowserLogin<T>> {
  const { log, redeem } = options;
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(32).toString('base64url');
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  let taken = false;

  const server = createServer({ requestTimeout: LOGIN_PAGE_TIMEOUT_MS * 5, headersTimeout: LOGIN_PAGE_TIMEOUT_MS * 5 }, (request, response) => {
    handle(request, response).catch((error: unknown) => {
      log.warn('the browser could not be answered', { error: messageOf(error) });
      response.destroy();
    });
  });
  server.maxConnections = LOGIN_CONNECTION_LIMIT;
  server.on('clientError', (_, socket) => socket.destroy());
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', () => listening());
  });
  server.on('error', (error) => fail(new CodedError('TP-LOGIN-FAILED', `The listener for the browser failed: ${error.message}.`)));
  const { port } = server.address() as AddressInfo;
  const redirectUri = `http://127.0.0.1:${port}${OAUTH_CALLBACK_PATH}`;

  const late = setTimeout(() => {
    fail(new CodedError('TP-LOGIN-FAILED', `No browser came back from ${url} within ${Math.round((options.timeoutMs ?? LOGIN_TIMEOUT_MS) / 60_000)} minutes.`));
  }, options.timeoutMs ?? LOGIN_TIMEOUT_MS);

  function close(): void {
    clearTimeout(late);
    server.close();
    // the last page is on its way to the browser
    setTimeout(() => server.closeAllConnections(), LOGIN_PAGE_TIMEOUT_MS).unref();
    reject(new CodedError('TP-LOGIN-FAILED', 'The login was given up.'));
  }
  function fail(error: unknown): void {
    reject(error);
    close();
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, page: string): void => void response.writeHead(status, LOGIN_PAGE_HEADERS).end(page);
    const target = URL.canParse(request.url ?? '', redirectUri) ? new URL(request.url ?? '', redirectUri) : undefined;
    if (request.headers.host !== `127.0.0.1:${port}` || request.method !== 'GET' || target?.pathname !== OAUTH_CALLBACK_PATH) {
      response.writeHead(404, { 'content-type': 'text/plain', connection: 'close' }).end('not found\n');
      return;
    }
    const query = target.searchParams;
    // Whoever does not know the state is not the browser that was sent: the login goes on waiting.
    if (query.getAll('state').length !== 1 || !same(query.get('state') ?? '', state)) {
      log.warn('the browser came back with a state that is not this login’s');
      send(400, failurePage('This answer does not belong to the login that is under way.'));
      return;
    }
    if (taken) {
      send(400, failurePage('This login is over.'));
      return;
    }
    taken = true;
    const code = query.get('code');
    if (code === null || query.has('error')) {
      const why =
        query.get('error_description') ??
        (query.get('error') === 'access_denied' ? 'It was denied in the browser.' : `The cloud said: ${query.get('error') ?? 'nothing'}.`);
      send(400, failurePage(why));
      fail(new CodedError('TP-LOGIN-FAILED', `The login was not granted: ${why.slice(0, 300)}`));
      return;
    }
    try {
      const redeemed = await redeem({ code, redirectUri, verifier });
      send(200, successPage(redeemed.user.name, redeemed.organisation.name));
      resolve(redeemed);
      close();
    } catch (error) {
      send(502, failurePage(messageOf(error)));
      fail(error);
    }
  }

  const query = new URLSearchParams({
    response_type: 'code',
    client_id: OAUTH_CLIENT_ID,
    redirect_uri: redirectUri,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  return { authorizeUrl: `${url}${OAUTH_AUTHORIZE_PATH}?${query.toString()}`, finished: promise, close };
}
