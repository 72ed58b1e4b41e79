import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Preview } from '../store/index.ts';
import { type Answer, ask, cookieOf } from '../testing/browser-less.ts';
import { type PreviewBench, startPreviewBench } from '../testing/preview.ts';

let bench: PreviewBench;
let mine: Preview & { host: string; url: string };
let other: Preview & { host: string; url: string };
let sessionCookie: string;
let sessionHash: string;
const seen: (string | undefined)[] = [];

beforeAll(async () => {
  bench = await startPreviewBench();
  await bench.ingress((req, res) => {
    seen.push(req.headers.cookie);
    res.end('the app');
  });
  // Both of one intercept, which the manager lists.
  mine = await bench.cloud.preview(bench.owner, bench.cluster, { intercept: bench.preview.intercept });
  other = await bench.cloud.preview(bench.owner, bench.cluster, { intercept: bench.preview.intercept });
  ({ cookie: sessionCookie, hash: sessionHash } = await bench.cloud.signIn(bench.owner.user, bench.owner.organisation));
});
afterAll(async () => {
  await bench.clear();
  await bench.close();
});

const PAGE = { accept: 'text/html,*/*;q=0.8', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const at = (preview: { host: string }, path: string, headers: Record<string, string> = {}, method = 'GET') =>
  ask({ port: bench.cloud.port, host: preview.host, path, method, headers });
const dashboard = (path: string, cookie?: string) =>
  ask({ port: bench.cloud.port, host: `localhost:${bench.cloud.port}`, path, headers: cookie === undefined ? {} : { cookie } });
const pathOf = (answer: Answer) => {
  const url = new URL(answer.headers.location ?? '');
  return url.pathname + url.search;
};
/** The whole way in, as a browser goes it. */
async function walk(
  preview: { host: string },
  path: string,
  session = sessionCookie,
): Promise<{ cookie: string; last: Answer; enterCookie: string; ticket: string }> {
  const away = await at(preview, path, PAGE);
  const enterCookie = cookieOf(away, 'telepresence-enter');
  const back = await dashboard(pathOf(away), session);
  const ticket = pathOf(back);
  const last = await at(preview, ticket, { ...PAGE, cookie: enterCookie });
  return { cookie: cookieOf(last, 'telepresence-preview'), last, enterCookie, ticket };
}

describe('a private preview', () => {
  it('sends a browser to sign in, and lets a member in at the page that was asked for', async () => {
    const away = await at(mine, '/deep/page?x=1&y=2', PAGE);
    expect(away.status).toBe(303);
    expect(away.headers['cache-control']).toBe('no-store');
    expect(away.headers.location).toContain(`http://localhost:${bench.cloud.port}/previews/enter?`);
    const toSignIn = await dashboard(pathOf(away));
    expect(toSignIn.headers.location).toBe(`/sign-in?next=${encodeURIComponent(pathOf(away))}`);
    const { cookie, last } = await walk(mine, '/deep/page?x=1&y=2');
    expect(last.headers.location).toBe(`${mine.url}/deep/page?x=1&y=2`);
    expect(last.headers['set-cookie']?.[0]).toMatch(/^telepresence-preview=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=43200$/);
    expect(await at(mine, '/deep/page', { ...PAGE, cookie: `a=1; ${cookie}` })).toMatchObject({ status: 200, body: 'the app' });
    expect(seen.at(-1)).toBe('a=1');
    expect(await bench.cloud.store.audit.list(bench.owner.organisation.id, { actions: ['preview.visit'], subject: mine.id })).toMatchObject([{ actor: 'Ada' }]);
  });

  it('answers programs with 401 and no redirect', async () => {
    for (const [headers, method] of [
      [{ accept: '*/*' }, 'GET'],
      [PAGE, 'POST'],
      [{ ...PAGE, 'sec-fetch-mode': 'cors' }, 'GET'],
    ] as const) {
      expect(await at(mine, '/', headers, method)).toMatchObject({ status: 401, headers: { 'x-telepresence-error': 'TP-PREVIEW-PRIVATE' } });
    }
  });

  it('gives another organisation’s member 403', async () => {
    const stranger = await bench.cloud.person('Mallory');
    const session = await bench.cloud.signIn(stranger.user, stranger.organisation);
    const away = await at(mine, '/', PAGE);
    expect((await dashboard(pathOf(away), session.cookie)).status).toBe(403);
  });

  it('takes a cookie for itself alone', async () => {
    const { cookie } = await walk(mine, '/');
    expect((await at(other, '/', { ...PAGE, cookie })).status).toBe(303);
    expect((await at(other, '/', { accept: '*/*', cookie })).status).toBe(401);
    expect((await at(mine, '/', { cookie: sessionCookie })).status).toBe(401);
  });

  it('looks the member up at each request', async () => {
    const guest = await bench.cloud.person('Grace', bench.owner.organisation);
    const session = await bench.cloud.signIn(guest.user, bench.owner.organisation);
    const { cookie } = await walk(mine, '/', session.cookie);
    expect((await at(mine, '/', { cookie })).status).toBe(200);
    await bench.cloud.store.organisations.remove(bench.owner.organisation.id, guest.user.id);
    expect((await at(mine, '/', { cookie })).status).toBe(401);
  });

  it('ends with the dashboard’s session', async () => {
    const session = await bench.cloud.signIn(bench.owner.user, bench.owner.organisation);
    const { cookie } = await walk(mine, '/', session.cookie);
    expect((await at(mine, '/', { cookie })).status).toBe(200);
    await bench.cloud.store.sessions.end(session.hash);
    expect((await at(mine, '/', { cookie })).status).toBe(401);
  });

  it('made public lets anybody in, made private again at once nobody', async () => {
    const actor = { user: bench.owner.user, organisation: bench.owner.organisation, role: 'owner' as const, address: '' };
    await bench.cloud.context.actions.setPreviewPublic(actor, mine.id, true);
    expect((await at(mine, '/')).status).toBe(200);
    await bench.cloud.context.actions.setPreviewPublic(actor, mine.id, false);
    expect((await at(mine, '/')).status).toBe(401);
  });
});

describe('the way in', () => {
  it('works once', async () => {
    const { ticket, enterCookie } = await walk(mine, '/');
    expect(await at(mine, ticket, { ...PAGE, cookie: enterCookie })).toMatchObject({ status: 403, headers: { 'x-telepresence-error': 'TP-PREVIEW-ENTER' } });
  });

  it('only ends in the browser that set out', async () => {
    const away = await at(mine, '/', PAGE);
    const back = await dashboard(pathOf(away), sessionCookie);
    expect((await at(mine, pathOf(back), PAGE)).status).toBe(403);
    expect((await at(mine, pathOf(back), { ...PAGE, cookie: `telepresence-enter=${'x'.repeat(43)}` })).status).toBe(403);
  });

  it('only ends at the preview it began at', async () => {
    const away = await at(mine, '/', PAGE);
    const back = await dashboard(pathOf(away), sessionCookie);
    expect((await at(other, pathOf(back), { ...PAGE, cookie: cookieOf(away, 'telepresence-enter') })).status).toBe(403);
  });

  it.each(['//evil.test/', '/\\evil.test', 'https://evil.test/', '@evil.test', '.evil.test', '/.telepresence/enter?x'])(
    'never leaves the preview: %s',
    async (path) => {
      const nonce = 'n'.repeat(43);
      const away = await at(mine, '/', { ...PAGE, cookie: `telepresence-enter=${nonce}` });
      expect(cookieOf(away, 'telepresence-enter')).toBe(`telepresence-enter=${nonce}`);
      const state = new URL(away.headers.location ?? '').searchParams.get('state') ?? '';
      const grant = await bench.cloud.store.previewSessions.grant({ previewId: mine.id, userId: bench.owner.user.id, sessionHash, path });
      const last = await at(mine, `/.telepresence/enter?grant=${grant}&state=${state}`, { ...PAGE, cookie: `telepresence-enter=${nonce}` });
      expect(new URL(last.headers.location ?? '').origin).toBe(mine.url);
      expect(new URL(last.headers.location ?? '').pathname).not.toBe('/.telepresence/enter');
    },
  );
});

describe('a page of another preview', () => {
  const evil = () => ({ origin: other.url });
  it.each([
    ['by its origin', 'POST', () => evil()],
    ['in a frame', 'GET', () => ({ ...PAGE, 'sec-fetch-site': 'same-site', 'sec-fetch-dest': 'iframe' })],
    ['as an image', 'GET', () => ({ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' })],
    ['by a form', 'POST', () => ({ ...PAGE, 'sec-fetch-site': 'same-site' })],
  ])('can’t use this one %s', async (_, method, headers) => {
    const { cookie } = await walk(mine, '/');
    expect(await at(mine, '/', { ...headers(), cookie }, method)).toMatchObject({ status: 403, headers: { 'x-telepresence-error': 'TP-PREVIEW-CROSS' } });
    expect((await at(bench.preview, '/', headers(), method)).status).toBe(403);
  });
  it('may link to this one', async () => {
    const { cookie } = await walk(mine, '/');
    expect((await at(mine, '/', { ...PAGE, 'sec-fetch-site': 'same-site', cookie })).status).toBe(200);
    expect((await at(mine, '/', { origin: mine.url, 'sec-fetch-site': 'same-origin', cookie }, 'POST')).status).toBe(200);
  });
});
