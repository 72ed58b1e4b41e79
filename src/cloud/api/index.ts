/** `/api/v1`: what daemons ask with a bearer token (an access token or an API key). No cookie opens it. */
import { Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { z } from 'zod';
import { API, clusterRegistrationSchema, type Me, type PreviewAnswer, previewChangeSchema, previewRequestSchema } from '../../protocol/cloud.ts';
import { type Actor, previewAddress } from '../actions.ts';
import type { CloudContext } from '../context.ts';
import type { CloudEnv } from '../http/environment.ts';
import { readText } from '../http/forms.ts';
import { Problem } from '../problem.ts';
import type { Preview } from '../store/index.ts';

interface ApiEnv extends CloudEnv {
  Variables: CloudEnv['Variables'] & { actor: Actor; tokenId: string };
}

/** The token of `Authorization: Bearer …`. */
export function bearerOf(header: string | undefined): string | undefined {
  return /^Bearer ([A-Za-z0-9_-]{10,200})$/i.exec(header ?? '')?.[1];
}

export function createApi(context: CloudContext): Hono<ApiEnv> {
  const { store, actions, limits, config } = context;
  const api = new Hono<ApiEnv>();
  const requests = context.metrics.counter('api_requests_total', 'Requests to /api/v1 by method');

  api.use(
    '/api/v1/*',
    createMiddleware<ApiEnv>(async (c, next) => {
      const address = c.get('address');
      await limits.check('bearer', address);
      const token = bearerOf(c.req.header('authorization'));
      const caller = token === undefined ? undefined : await store.tokens.authenticate(token);
      if (caller === undefined) {
        if (token !== undefined) await limits.take('bearer', address);
        throw new Problem(401, 'unauthorized', 'The token is missing, unknown, revoked or too old. Run `telepresence login`.', {
          'www-authenticate': 'Bearer',
        });
      }
      const role = await store.organisations.role(caller.organisation.id, caller.user.id);
      if (role === undefined) throw new Problem(403, 'forbidden', `You are no member of ${caller.organisation.name} any more.`);
      c.set('actor', { user: caller.user, organisation: caller.organisation, role, address });
      c.set('tokenId', caller.tokenId);
      requests.add({ method: c.req.method });
      await next();
    }),
  );

  const body = async <T>(c: Parameters<typeof readText>[0], schema: z.ZodType<T>): Promise<T> => {
    if (!/^application\/json\b/i.test(c.req.header('content-type') ?? '')) throw new Problem(400, 'body', 'The body must be application/json.');
    const text = await readText(c);
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new Problem(400, 'body', 'The body is not JSON.');
    }
    const parsed = schema.safeParse(json);
    if (!parsed.success) throw new Problem(400, 'body', parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`).join('; '));
    return parsed.data;
  };
  const clusterUid = async (preview: Preview) => (await store.clusters.find(preview.clusterId))?.uid ?? '';
  const show = (preview: Preview, clusterId: string): PreviewAnswer => ({
    id: preview.id,
    ...previewAddress(config, preview),
    public: preview.public,
    clusterId,
    intercept: preview.intercept,
    l5host: preview.ingress.l5host,
  });

  api.get(API.me, (c) => c.json({ user: { ...c.get('actor').user }, organisation: { ...c.get('actor').organisation } } satisfies Me));

  api.post(API.logout, async (c) => {
    await actions.revokeToken(c.get('actor'), c.get('tokenId'));
    return c.json({});
  });

  api.post(API.clusters, async (c) => {
    const { id, name } = await body(c, clusterRegistrationSchema);
    const { token } = await actions.registerCluster(c.get('actor'), { uid: id, name });
    return c.json({ token });
  });

  api.get(API.previews, async (c) => {
    const { organisation } = c.get('actor');
    const uids = new Map((await store.clusters.list(organisation.id)).map(({ id, uid }) => [id, uid]));
    const previews = await store.previews.list(organisation.id);
    return c.json({ previews: previews.map((preview) => show(preview, uids.get(preview.clusterId) ?? '')) });
  });

  api.post(API.previews, async (c) => {
    const request = await body(c, previewRequestSchema);
    return c.json(show(await actions.createPreview(c.get('actor'), request), request.clusterId), 201);
  });

  api.patch(`${API.previews}/:id`, async (c) => {
    const change = await body(c, previewChangeSchema);
    const preview = await actions.setPreviewPublic(c.get('actor'), c.req.param('id'), change.public);
    return c.json(show(preview, await clusterUid(preview)));
  });

  api.delete(`${API.previews}/:id`, async (c) => {
    await actions.removePreview(c.get('actor'), c.req.param('id'));
    return c.json({});
  });

  api.all('/api/*', () => {
    throw new Problem(404, 'not-found', 'There is no such resource.');
  });
  return api;
}
