/** A team at work: people, clusters, intercepts whose requests go on, previews and their visitors. */
import { randomUUID } from 'node:crypto';
import type { CloudIntercept } from '../../protocol/cloud.ts';
import type { AuditAction, Organisation, User } from '../store/index.ts';
import { type TestCloud, testIntercept } from './cloud.ts';
import { startTestManager, type TestManager } from './manager.ts';

export interface Seeded {
  owner: { user: User; organisation: Organisation };
  managers: TestManager[];
  intercepts: CloudIntercept[];
  /** Lets the requests of so many seconds happen. */
  traffic(seconds: number): void;
  close(): Promise<void>;
}

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

/** `appPort`: what answers behind every ingress. */
export async function seedCloud(cloud: TestCloud, appPort: number): Promise<Seeded> {
  const owner = await cloud.person('Ada Lovelace');
  const { organisation } = owner;
  await cloud.store.organisations.rename(organisation.id, 'Northwind');
  organisation.name = 'Northwind';
  await cloud.store.organisations.create('Skunkworks', owner.user.id);
  const grace = await cloud.person('Grace Hopper', organisation);
  const linus = await cloud.person('Linus Okonkwo', organisation);
  const margaret = await cloud.person('Margaret Hamilton', organisation);
  const staging = await cloud.cluster(owner, 'staging-eu-west');
  const qa = await cloud.cluster(owner, 'qa-shared');
  await cloud.cluster(owner, 'demo-legacy');

  const make = (name: string, minutes: number, change: Partial<CloudIntercept>): CloudIntercept => {
    const uid = randomUUID();
    return testIntercept(uid, {
      name,
      object: `${name}-${uid.slice(0, 8)}`,
      workload: { kind: 'Deployment', name },
      service: name,
      since: ago(minutes),
      http: { headers: [{ name: 'x-telepresence-intercept-id', value: { regex: `${uid}:${name}` } }], paths: [] },
      connected: true,
      ...change,
    });
  };
  const inStaging = [
    make('checkout', 2, {
      namespace: 'shop',
      user: 'grace@northwind.example',
      hostname: 'grace-mbp',
      port: 8080,
      target: { host: '127.0.0.1', port: 3000 },
      requests: 1_204,
    }),
    make('verylargejavaservice', 47, { namespace: 'edgy-corp', user: 'ada@northwind.example', hostname: 'thinkpad-ada', requests: 88_310 }),
    make('payments-gateway-internal', 95, {
      namespace: 'payments-production-like',
      user: 'linus@northwind.example',
      hostname: 'linus-desktop-02',
      mechanism: 'tcp',
      requests: 42,
      phase: 'Degraded',
      message: '2 of 3 pods. The third is being replaced.',
    }),
  ];
  const [checkout, java, payments] = inStaging as [CloudIntercept, CloudIntercept, CloudIntercept];
  const search = make('search', 60 * 26, {
    namespace: 'catalogue',
    user: 'margaret@northwind.example',
    hostname: 'apollo',
    connected: false,
    lastSeen: ago(12),
    requests: 0,
    http: { headers: [{ name: 'x-user', value: { exact: 'margaret' } }], paths: [{ prefix: '/api/v2/search' }] },
  });
  const link = (token: string, clusterUid: string, intercepts: CloudIntercept[]) =>
    startTestManager({ port: cloud.port, host: new URL(cloud.config.url).host, token, clusterUid, intercepts, dial: () => appPort });
  const managers = [await link(staging.token, staging.cluster.uid, inStaging), await link(qa.token, qa.cluster.uid, [search])];

  const preview = (
    who: { user: User },
    cluster: typeof staging.cluster,
    { uid, namespace, name, workload, service = name, port }: CloudIntercept,
    isPublic: boolean,
  ) =>
    cloud.preview({ ...who, organisation }, cluster, {
      intercept: { uid, namespace, name, workload, service, port },
      header: { name: 'x-telepresence-intercept-id', value: `${uid}:${name}` },
      ingress: { host: 'traefik.kube-system', port: 443, tls: true, l5host: 'shop.northwind.example' },
      public: isPublic,
    });
  const first = await preview(grace, staging.cluster, checkout, true);
  await preview(owner, staging.cluster, java, false);
  await preview(margaret, qa.cluster, search, false);
  await cloud.context.actions.createApiKey({ ...owner, role: 'owner', address: '203.0.113.7' }, 'CI of the shop');
  await cloud.store.tokens.create({ kind: 'access', userId: owner.user.id, organisationId: organisation.id, name: 'thinkpad-ada' });
  await cloud.context.actions.invite({ ...owner, role: 'owner', address: '203.0.113.7' }, { role: 'member', email: 'katherine@northwind.example' });
  const visit = (who: User | undefined, browser: string, address: string, action: AuditAction = 'preview.visit') =>
    cloud.store.audit.write({
      organisationId: organisation.id,
      userId: who?.id ?? null,
      actor: who?.name ?? 'anonymous',
      action,
      subject: first.id,
      detail: { intercept: 'checkout', browser },
      address,
    });
  await visit(grace.user, 'Firefox on macOS', '203.0.113.24');
  await visit(undefined, 'Chrome on Windows', '198.51.100.77');
  await visit(linus.user, 'Chrome on Linux', '2001:db8:85a3::8a2e:370:7334');

  return {
    owner,
    managers,
    intercepts: [...inStaging, search],
    traffic(seconds) {
      checkout.requests = (checkout.requests ?? 0) + Math.round(seconds * (8 + 7 * Math.sin(Date.now() / 9_000) + 3 * Math.random()));
      java.requests = (java.requests ?? 0) + Math.round(seconds * (120 + 40 * Math.random()));
      payments.requests = (payments.requests ?? 0) + (Math.random() < 0.2 ? 1 : 0);
      managers[0]?.list(inStaging);
    },
    async close() {
      for (const manager of managers) await manager.close();
    },
  };
}
