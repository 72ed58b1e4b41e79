import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../base/log.ts';
import { PREVIEW_GRACE_MS, type PreviewRequest } from '../../protocol/cloud.ts';
import { type Database, openDatabase } from '../database/index.ts';
import { INVITATION_LIFE_MS, PREVIEW_GRANT_MS, PREVIEW_MEMORY_MS, REPLICA_DEAD_MS, SESSION_LIFE_MS } from '../limits.ts';
import { postgresMissing, startPostgres, type TestPostgres } from '../testing/postgres.ts';
import { createStore, mergeIntercepts, type Store } from './index.ts';

const request = (uid: string): PreviewRequest => ({
  clusterId: 'kube-system',
  intercept: { uid, namespace: 'default', name: 'web', workload: { kind: 'Deployment', name: 'web' }, port: 80 },
  header: { name: 'X-Telepresence-Intercept-Id', value: 'id:web' },
  ingress: { host: 'traefik', port: 443, tls: true, l5host: 'web.example.com' },
  public: false,
});

function suite(open: () => Promise<Database>): void {
  let database: Database;
  let store: Store;
  const clock = { now: 1_700_000_000_000 };
  beforeAll(async () => {
    database = await open();
    store = createStore({ db: database.db, now: () => clock.now });
  });
  afterAll(() => database.close());

  let people = 0;
  const person = async () => {
    const name = `person-${++people}`;
    const user = await store.users.fromIdentity({ provider: 'corp', subject: name, name, email: `${name}@example.com` });
    const organisation = await store.organisations.create(`${name} Ltd`, user.id);
    return { user, organisation };
  };
  const cluster = async (owner: Awaited<ReturnType<typeof person>>) =>
    (await store.clusters.register({ uid: `uid-${people}`, name: 'staging', organisationId: owner.organisation.id, userId: owner.user.id })).cluster;

  it('makes one user of an identity, however many ask at the same time', async () => {
    const identity = { provider: 'corp', subject: 'twin', name: 'Twin', email: null };
    const users = await Promise.all(Array.from({ length: 8 }, () => store.users.fromIdentity(identity)));
    expect(new Set(users.map(({ id }) => id)).size).toBe(1);
    expect(await store.users.fromIdentity({ ...identity, name: 'Renamed' })).toMatchObject({ id: users[0]?.id, name: 'Renamed' });
    expect(await store.users.find(users[0]?.id ?? '')).toMatchObject({ name: 'Renamed' });
  });

  it('has one local account per address, whatever its case', async () => {
    expect(await store.users.createLocal({ name: 'Ada', email: 'Ada@example.com', password: 'x' })).toBeDefined();
    expect(await store.users.createLocal({ name: 'Eve', email: ' ada@EXAMPLE.com', password: 'y' })).toBeUndefined();
    expect(await store.users.findLocal('ADA@example.com')).toMatchObject({ name: 'Ada', password: 'x' });
  });

  it('lets an invitation in once, of several at the same time', async () => {
    const { organisation, user } = await person();
    const { token } = await store.invitations.create({ organisationId: organisation.id, role: 'member', email: null, createdBy: user.id });
    const guests = await Promise.all(Array.from({ length: 5 }, person));
    const accepted = await Promise.all(guests.map((guest) => store.invitations.accept(token, guest.user.id)));
    expect(accepted.filter((invitation) => invitation !== undefined).length).toBe(1);
    expect((await store.organisations.members(organisation.id)).length).toBe(2);
    const late = await store.invitations.create({ organisationId: organisation.id, role: 'member', email: null, createdBy: user.id });
    clock.now += INVITATION_LIFE_MS;
    expect(await store.invitations.find(late.token)).toBeUndefined();
  });

  it('keeps an owner when two leave at the same time', async () => {
    const { organisation, user } = await person();
    const other = await person();
    await store.organisations.add(organisation.id, other.user.id, 'owner');
    const left = await Promise.all([store.organisations.remove(organisation.id, user.id), store.organisations.remove(organisation.id, other.user.id)]);
    expect(left.filter((one) => one)).toEqual([true]);
    expect((await store.organisations.members(organisation.id)).filter(({ role }) => role === 'owner').length).toBe(1);
  });

  it('follows a provider’s organisations and leaves those made here alone', async () => {
    const { user, organisation } = await person();
    await store.organisations.sync(user.id, 'github', [
      { externalId: '1', name: 'one', role: 'member' },
      { externalId: '2', name: 'two', role: 'owner' },
    ]);
    await store.organisations.sync(user.id, 'github', [{ externalId: '2', name: 'two!', role: 'member' }]);
    const all = (await store.organisations.of(user.id)).map(({ name, role }) => `${name} ${role}`);
    expect(all.toSorted()).toEqual([`${organisation.name} owner`, 'two! member'].toSorted());
  });

  it('gives a code once and remembers its use', async () => {
    const { user, organisation } = await person();
    const code = await store.oauthCodes.create({
      userId: user.id,
      organisationId: organisation.id,
      redirectUri: 'http://127.0.0.1:1/callback',
      challenge: 'c',
    });
    const taken = await Promise.all(Array.from({ length: 6 }, () => store.oauthCodes.take(code)));
    expect(taken.filter((result) => result !== undefined && 'code' in result).length).toBe(1);
    expect(taken.filter((result) => result !== undefined && 'replayed' in result).length).toBe(5);
    expect(await store.oauthCodes.take('unknown')).toBeUndefined();
  });

  it('holds no secret: whatever was given out stands there hashed', async () => {
    const owner = await person();
    const { user, organisation } = owner;
    const { cluster: made, token: link } = await store.clusters.register({ uid: 'secret', name: 'x', organisationId: organisation.id, userId: user.id });
    const session = await store.sessions.create(user.id, organisation.id);
    const sessionHash = (await store.sessions.find(session))?.hash ?? '';
    const preview = await store.previews.create({ ...request('u'), organisationId: organisation.id, clusterRow: made.id, userId: user.id });
    const grant = await store.previewSessions.grant({ previewId: preview.id, userId: user.id, sessionHash, path: '/' });
    const grant2 = await store.previewSessions.grant({ previewId: preview.id, userId: user.id, sessionHash, path: '/' });
    const redeemed = await store.previewSessions.redeem(grant2, preview.id);
    const secrets = [
      link,
      session,
      grant,
      redeemed?.secret,
      (await store.tokens.create({ kind: 'access', userId: user.id, organisationId: organisation.id, name: 't' })).token,
      (await store.tokens.create({ kind: 'apikey', userId: user.id, organisationId: organisation.id, name: 't' })).token,
      (await store.invitations.create({ organisationId: organisation.id, role: 'member', email: null, createdBy: user.id })).token,
      await store.oauthCodes.create({ userId: user.id, organisationId: organisation.id, redirectUri: 'r', challenge: 'c' }),
    ];
    let dump = '';
    for (const table of ['users', 'sessions', 'tokens', 'clusters', 'invitations', 'oauth_codes', 'preview_grants', 'preview_sessions', 'audit'] as const) {
      dump += JSON.stringify(await database.db.selectFrom(table).selectAll().execute());
    }
    expect(dump).toContain(sessionHash);
    for (const secret of secrets) {
      expect(secret).toMatch(/.{43}/);
      expect(dump).not.toContain(secret);
      expect(dump).not.toContain(secret?.replace(/^tp._/, ''));
    }
  });

  it('gives a cluster’s token up for the next', async () => {
    const { user, organisation } = await person();
    const register = () => store.clusters.register({ uid: 'rotates', name: 'x', organisationId: organisation.id, userId: user.id });
    const [first, second] = [await register(), await register()];
    expect(second.cluster.id).toBe(first.cluster.id);
    expect(await store.clusters.authenticate(first.token)).toBeUndefined();
    expect(await store.clusters.authenticate(second.token)).toMatchObject({ uid: 'rotates' });
    expect(await store.tokens.authenticate(second.token)).toBeUndefined();
  });

  it('ends a preview when its intercept was missing for a minute, and not before', async () => {
    const owner = await person();
    const { id } = await cluster(owner);
    const make = (uid: string) => store.previews.create({ ...request(uid), organisationId: owner.organisation.id, clusterRow: id, userId: owner.user.id });
    const [gone, back] = [await make('gone'), await make('back')];
    expect(gone.header.name).toBe('x-telepresence-intercept-id');
    expect(await store.previews.reconcile(id, ['back'])).toBe(true);
    clock.now += PREVIEW_GRACE_MS - 1;
    expect(await store.previews.reconcile(id, ['back'])).toBe(false);
    clock.now += 1;
    expect(await store.previews.reconcile(id, ['back'])).toBe(true);
    expect((await store.previews.list(owner.organisation.id)).map((preview) => preview.id)).toEqual([back.id]);
    expect((await store.previews.byLabel(gone.label))?.endedAt).toBe(clock.now);
    await store.previews.reconcile(id, []);
    expect((await store.previews.byLabel(back.label))?.missingSince).toBe(clock.now);
    await store.previews.reconcile(id, ['back']);
    expect((await store.previews.byLabel(back.label))?.missingSince).toBeNull();
  });

  it('lets a member into a private preview until the session, the membership or the time ends', async () => {
    const owner = await person();
    const made = await cluster(owner);
    const preview = await store.previews.create({ ...request('p'), organisationId: owner.organisation.id, clusterRow: made.id, userId: owner.user.id });
    const other = await store.previews.create({ ...request('q'), organisationId: owner.organisation.id, clusterRow: made.id, userId: owner.user.id });
    const member = await person();
    await store.organisations.add(owner.organisation.id, member.user.id, 'member');
    const enter = async () => {
      const session = await store.sessions.find(await store.sessions.create(member.user.id, null));
      const grant = await store.previewSessions.grant({ previewId: preview.id, userId: member.user.id, sessionHash: session?.hash ?? '', path: '/x' });
      return { grant, hash: session?.hash ?? '' };
    };
    const { grant, hash } = await enter();
    expect(await store.previewSessions.redeem(grant, other.id)).toBeUndefined();
    const redeemed = await store.previewSessions.redeem(grant, preview.id);
    expect(redeemed?.path).toBe('/x');
    expect(await store.previewSessions.redeem(grant, preview.id)).toBeUndefined();
    const secret = redeemed?.secret ?? '';
    expect(await store.previewSessions.find(secret, preview.id)).toMatchObject({ id: member.user.id });
    expect(await store.previewSessions.find(secret, other.id)).toBeUndefined();
    await store.sessions.end(hash);
    expect(await store.previewSessions.find(secret, preview.id)).toBeUndefined();

    const again = await enter();
    const second = (await store.previewSessions.redeem(again.grant, preview.id))?.secret ?? '';
    await store.organisations.remove(owner.organisation.id, member.user.id);
    expect(await store.previewSessions.find(second, preview.id)).toBeUndefined();

    const late = await enter();
    clock.now += PREVIEW_GRANT_MS;
    expect(await store.previewSessions.redeem(late.grant, preview.id)).toBeUndefined();
  });

  it('shows links of replicas that live, newest list first', async () => {
    const owner = await person();
    const { id } = await cluster(owner);
    for (const replica of ['r1', 'r2']) await store.links.beat(replica, `http://${replica}`);
    await store.links.add({ id: 'l1', replicaId: 'r1', clusterId: id, manager: 'm1', version: '1' });
    await store.links.add({ id: 'l2', replicaId: 'r2', clusterId: id, manager: 'm2', version: '1' });
    const intercept = {
      uid: 'u',
      namespace: 'n',
      object: 'o',
      name: 'i',
      user: 'ada',
      workload: { kind: 'Deployment', name: 'w' },
      port: 80,
      mechanism: 'http' as const,
    };
    await store.links.listed('l2', [{ ...intercept, requests: 1 }]);
    clock.now += 1;
    await store.links.listed('l1', [{ ...intercept, requests: 2 }]);
    expect([...mergeIntercepts(await store.links.ofOrganisation(owner.organisation.id)).values()]).toMatchObject([{ uid: 'u', requests: 2 }]);
    clock.now += REPLICA_DEAD_MS;
    await store.links.beat('r2', 'http://r2');
    expect((await store.links.ofCluster(id)).map((link) => link.id)).toEqual(['l2']);
    await store.links.forgetReplica('r2');
    expect(await store.links.ofCluster(id)).toEqual([]);
  });

  it('lists what was done, newest first, in pages', async () => {
    const { user, organisation } = await person();
    for (let n = 0; n < 5; n++) {
      clock.now += 1;
      await store.audit.write({ organisationId: organisation.id, userId: user.id, actor: user.name, action: 'preview.visit', subject: 'p', detail: { n } });
    }
    const page = await store.audit.list(organisation.id, { actions: ['preview.visit'], limit: 2 });
    expect(page.map(({ detail }) => detail['n'])).toEqual([4, 3]);
    const next = await store.audit.list(organisation.id, { before: page[1]?.at ?? 0, limit: 2 });
    expect(next.map(({ detail }) => detail['n'])).toEqual([2, 1]);
    expect(await store.audit.list((await person()).organisation.id, {})).toEqual([]);
  });

  it('sweeps what is over and nothing else', async () => {
    const owner = await person();
    const made = await cluster(owner);
    const preview = await store.previews.create({ ...request('s'), organisationId: owner.organisation.id, clusterRow: made.id, userId: owner.user.id });
    const ended = await store.previews.create({ ...request('e'), organisationId: owner.organisation.id, clusterRow: made.id, userId: owner.user.id });
    await store.previews.end(owner.organisation.id, ended.id);
    const key = await store.tokens.create({ kind: 'apikey', userId: owner.user.id, organisationId: owner.organisation.id, name: 'k' });
    await store.sessions.create(owner.user.id, null);
    clock.now += Math.max(PREVIEW_MEMORY_MS, SESSION_LIFE_MS) + 1;
    await store.sweep();
    expect(await store.previews.byLabel(preview.label)).toBeDefined();
    expect(await store.previews.byLabel(ended.label)).toBeUndefined();
    expect(await store.tokens.authenticate(key.token)).toBeDefined();
    expect(await database.db.selectFrom('sessions').selectAll().execute()).toEqual([]);
  });
}

describe('on SQLite', () => suite(() => openDatabase('sqlite::memory:', { log: silentLog })));

describe.skipIf(postgresMissing !== undefined)(`on PostgreSQL${postgresMissing === undefined ? '' : ` (${postgresMissing})`}`, () => {
  let postgres: TestPostgres;
  suite(async () => {
    postgres = await startPostgres();
    return openDatabase(await postgres.database('store'), { log: silentLog });
  });
  afterAll(() => postgres.stop());
});
