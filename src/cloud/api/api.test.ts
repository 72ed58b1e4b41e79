import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { previewSchema, previewsSchema } from '../../protocol/cloud.ts';
import type { Actor } from '../actions.ts';
import { type CloudFixture, startTestCloud } from '../testing/cloud-fixture.ts';

let fixture: CloudFixture;
let ada: Actor;
let eve: Actor;
let keys: { ada: string; eve: string };
beforeAll(async () => {
  fixture = await startTestCloud();
  const { store, actions } = fixture.cloud.context;
  const person = async (name: string): Promise<Actor> => {
    const user = await store.users.fromIdentity({ provider: 'test', subject: name, name, email: null });
    const organisation = await actions.createOrganisation(user, '', `${name} Ltd`);
    return { user, organisation, role: 'owner', address: '' };
  };
  ada = await person('Ada');
  eve = await person('Eve');
  keys = { ada: await actions.createApiKey(ada, 'ci'), eve: await actions.createApiKey(eve, 'ci') };
});
afterAll(() => fixture[Symbol.asyncDispose]());

const call = async (key: string, method: string, path: string, body?: unknown) => {
  const response = await fetch(`${fixture.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const preview = (clusterId: string) => ({
  clusterId,
  intercept: { uid: 'i-1', namespace: 'default', name: 'web', workload: { kind: 'Deployment', name: 'web' }, service: 'web', port: 80 },
  header: { name: 'x-telepresence-intercept-id', value: '0b3a:web' },
  ingress: { host: 'traefik.traefik', port: 443, tls: true, l5host: 'web.example.com' },
});

describe('previews', () => {
  it('are made, listed, published and removed', async () => {
    await call(keys.ada, 'POST', '/api/v1/clusters', { id: 'cluster-1', name: 'staging' });
    const made = await call(keys.ada, 'POST', '/api/v1/previews', preview('cluster-1'));
    expect(made.status).toBe(201);
    const { id, url, host } = previewSchema.parse(made.body);
    expect(url).toMatch(/^http:\/\/[a-z2-7]{26}\.preview\.localhost:\d+$/);
    expect(url).toBe(`http://${host}`);
    expect(previewsSchema.parse((await call(keys.ada, 'GET', '/api/v1/previews')).body).previews).toMatchObject([
      { id, url, public: false, clusterId: 'cluster-1' },
    ]);
    expect((await call(keys.ada, 'PATCH', `/api/v1/previews/${id}`, { public: true })).body).toMatchObject({ public: true });
    expect((await call(keys.ada, 'DELETE', `/api/v1/previews/${id}`)).status).toBe(200);
    expect((await call(keys.ada, 'GET', '/api/v1/previews')).body).toEqual({ previews: [] });
    const actions = (await fixture.cloud.store.audit.list(ada.organisation.id, { subject: id })).map(({ action }) => action);
    expect(actions.toSorted()).toEqual(['preview.create', 'preview.public', 'preview.remove']);
  });

  it('of another organisation can’t be seen, changed or removed', async () => {
    const made = await call(keys.ada, 'POST', '/api/v1/previews', preview('cluster-1'));
    const { id } = previewSchema.parse(made.body);
    expect((await call(keys.eve, 'GET', '/api/v1/previews')).body).toEqual({ previews: [] });
    expect((await call(keys.eve, 'PATCH', `/api/v1/previews/${id}`, { public: true })).status).toBe(404);
    expect((await call(keys.eve, 'DELETE', `/api/v1/previews/${id}`)).status).toBe(404);
    expect((await fixture.cloud.store.previews.find(ada.organisation.id, id))?.public).toBe(false);
  });

  it('of a cluster that another organisation registered can’t be made; the same cluster can be registered by both', async () => {
    expect((await call(keys.eve, 'POST', '/api/v1/previews', preview('cluster-1'))).status).toBe(404);
    expect((await call(keys.eve, 'POST', '/api/v1/clusters', { id: 'cluster-1', name: 'mine' })).status).toBe(200);
    const [theirs] = await fixture.cloud.store.clusters.list(eve.organisation.id);
    const [ours] = await fixture.cloud.store.clusters.list(ada.organisation.id);
    expect(theirs?.id).not.toBe(ours?.id);
    expect(ours?.name).toBe('staging');
  });

  it('refuses what is malformed, and says where', async () => {
    const bad = preview('cluster-1');
    bad.header.value = 'a\r\nhost: evil';
    bad.ingress.port = 0;
    const answer = await call(keys.ada, 'POST', '/api/v1/previews', bad);
    expect(answer.status).toBe(400);
    expect(JSON.stringify(answer.body)).toMatch(/header\.value.*ingress\.port/s);
    expect((await call(keys.ada, 'POST', '/api/v1/previews', { ...preview('cluster-1'), organisationId: eve.organisation.id })).status).toBe(400);
    expect((await call(keys.ada, 'GET', '/api/v1/nothing')).status).toBe(404);
  });
});

describe('tokens', () => {
  it('are worth nothing once their user left the organisation', async () => {
    const { store, actions } = fixture.cloud.context;
    const bob = await store.users.fromIdentity({ provider: 'test', subject: 'Bob', name: 'Bob', email: null });
    await store.organisations.add(ada.organisation.id, bob.id, 'member');
    const actor: Actor = { user: bob, organisation: ada.organisation, role: 'member', address: '' };
    const key = await actions.createApiKey(actor, 'laptop');
    expect((await call(key, 'GET', '/api/v1/me')).status).toBe(200);
    await expect(actions.removeMember(actor, ada.user.id)).rejects.toMatchObject({ status: 403 });
    await actions.removeMember(ada, bob.id);
    expect((await call(key, 'GET', '/api/v1/me')).status).toBe(401);
  });

  it('of a cluster’s link open no API', async () => {
    const { token } = (await call(keys.ada, 'POST', '/api/v1/clusters', { id: 'cluster-2', name: 'x' })).body as { token: string };
    for (const path of ['/api/v1/me', '/api/v1/previews']) expect((await call(token, 'GET', path)).status).toBe(401);
    expect((await call(token, 'POST', '/api/v1/clusters', { id: 'cluster-3', name: 'x' })).status).toBe(401);
  });

  it('an organisation keeps an owner', async () => {
    const { actions } = fixture.cloud.context;
    await expect(actions.removeMember(ada, ada.user.id)).rejects.toMatchObject({ code: 'last-owner' });
    await expect(actions.setRole(ada, ada.user.id, 'member')).rejects.toMatchObject({ code: 'last-owner' });
  });
});
